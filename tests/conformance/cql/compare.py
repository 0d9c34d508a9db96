"""Whether the engine's value is the value the suite expects: same type, same content."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cds_service.cql.operators import OPERATORS
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.quantity import Quantity, Ratio
from cds_service.cql.values.temporal import Temporal
from cds_service.cql.values.tuples import CqlTuple
from cds_service.cql.values.uncertain import Uncertain


def same_value(actual: Any, expected: Any) -> bool:
    """Compare two CQL values: unlike CQL equality, null is null, and types and precisions must agree.

    The suite writes an uncertain result as a closed interval of its least and greatest value.
    """
    if isinstance(actual, Uncertain):
        return isinstance(expected, Interval) and same_value(Interval(actual.low, actual.high), expected)
    if type(actual) is not type(expected):
        return False
    if isinstance(actual, CqlTuple):
        return actual.keys() == expected.keys() and all(same_value(actual[k], expected[k]) for k in actual)
    if isinstance(actual, (list, tuple)):
        return len(actual) == len(expected) and all(map(same_value, actual, expected))
    if isinstance(actual, Temporal):
        return len(actual.parts) == len(expected.parts) and OPERATORS["Equal"](actual, expected) is True
    if isinstance(actual, Decimal):
        return bool(actual == expected)
    if isinstance(actual, Interval):
        return _same_interval(actual, expected)
    if isinstance(actual, (Quantity, Ratio)):
        return bool(actual == expected) or OPERATORS["Equal"](actual, expected) is True
    return bool(actual == expected)


def as_decimals(value: Any) -> Any:
    """The value with Integers as Decimals, also in lists: CQL's implicit conversion."""
    if isinstance(value, list):
        return [as_decimals(each) for each in value]
    return Decimal(value) if type(value) is int else value


def _same_interval(actual: Interval, expected: Interval) -> bool:
    """The same bounds as written, or bounds that start and end at the same points ([1, 5] and [1, 6))."""
    written = (
        actual.low_closed == expected.low_closed
        and actual.high_closed == expected.high_closed
        and same_value(actual.low, expected.low)
        and same_value(actual.high, expected.high)
    )
    return written or OPERATORS["Equal"](actual, expected) is True
