"""Precision, LowBoundary and HighBoundary (CQL 1.5, reference, arithmetic operators).

Precision counts digits: decimal places of a Decimal, 4 6 8 of a Date, 4 6 8 10 12 14 17 of a DateTime and
2 4 6 9 of a Time.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.values.numbers import ARITHMETIC, decimal_scale
from cds_service.cql.values.temporal import Date, DateTime, Temporal, Time

_DIGITS: dict[type, tuple[int, ...]] = {
    Date: (4, 6, 8),
    DateTime: (4, 6, 8, 10, 12, 14, 17),
    Time: (2, 4, 6, 9),
}


def precision_of(value: Any) -> int | None:
    """The number of significant digits given, as listed above."""
    if value is None:
        return None
    if isinstance(value, Temporal):
        return _DIGITS[type(value)][len(value.parts) - 1]
    return decimal_scale(Decimal(value))


def low_boundary(value: Any, precision: int | None = None) -> Any:
    """The least value that would be written as this one with fewer digits."""
    return _boundary(value, precision, highest=False)


def high_boundary(value: Any, precision: int | None = None) -> Any:
    """The greatest value that would be written as this one with fewer digits."""
    return _boundary(value, precision, highest=True)


def _boundary(value: Any, precision: int | None, highest: bool) -> Any:
    if value is None:
        return None
    if isinstance(value, Temporal):
        digits = _DIGITS[type(value)]
        wanted = digits[-1] if precision is None else precision
        if wanted not in digits:
            raise CqlRuntimeError(f"a {type(value).__name__} has no precision of {wanted} digits")
        return (value.highest() if highest else value.lowest()).truncate(digits.index(wanted) + 1)
    return _decimal_boundary(Decimal(value), 8 if precision is None else precision, highest)


def _decimal_boundary(value: Decimal, places: int, highest: bool) -> Decimal | None:
    if not 0 <= places <= 8:
        return None
    scale = decimal_scale(value)
    unit = Decimal(1).scaleb(-places)
    if places <= scale:
        return value.quantize(unit, "ROUND_CEILING" if highest else "ROUND_FLOOR", ARITHMETIC)
    missing = Decimal(1).scaleb(-scale) - unit
    if highest is (value < 0):
        missing = Decimal(0)
    return value.quantize(unit, context=ARITHMETIC) + (missing if highest else -missing)


OPERATORS = {"Precision": precision_of, "LowBoundary": low_boundary, "HighBoundary": high_boundary}
