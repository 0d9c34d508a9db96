"""MinValue, MaxValue, Successor and Predecessor (CQL 1.5, reference, arithmetic operators)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.dates import add_units
from cds_service.cql.values.numbers import (
    ARITHMETIC,
    DECIMAL_MAX,
    DECIMAL_MIN,
    DECIMAL_STEP,
    INTEGER_MAX,
    INTEGER_MIN,
    LONG_MAX,
    LONG_MIN,
    Long,
)
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date, DateTime, Temporal, Time
from cds_service.cql.values.types import system_type
from cds_service.cql.values.uncertain import Uncertain

_MINIMA: dict[str, Any] = {
    "System.Integer": INTEGER_MIN,
    "System.Long": Long(LONG_MIN),
    "System.Decimal": DECIMAL_MIN,
    "System.Quantity": Quantity(DECIMAL_MIN),
    "System.Date": Date(1, 1, 1),
    "System.DateTime": DateTime(1, 1, 1, 0, 0, 0, 0),
    "System.Time": Time(0, 0, 0, 0),
}
_MAXIMA: dict[str, Any] = {
    "System.Integer": INTEGER_MAX,
    "System.Long": Long(LONG_MAX),
    "System.Decimal": DECIMAL_MAX,
    "System.Quantity": Quantity(DECIMAL_MAX),
    "System.Date": Date(9999, 12, 31),
    "System.DateTime": DateTime(9999, 12, 31, 23, 59, 59, 999),
    "System.Time": Time(23, 59, 59, 999),
}


def min_value(name: str) -> Any:
    """The least value of a type, by its ELM or System name.

    Raises CqlRuntimeError for a type without an order.
    """
    return _limit(_MINIMA, name)


def max_value(name: str) -> Any:
    """The greatest value of a type, by its ELM or System name.

    Raises CqlRuntimeError for a type without an order.
    """
    return _limit(_MAXIMA, name)


def limit_like(value: Any, point_type: str | None, highest: bool) -> Any:
    """The greatest or least value of the type of `value`, in its unit; of `point_type` when value is null.

    None when the type is not known or has no order.
    """
    limits = _MAXIMA if highest else _MINIMA
    if value is None:
        return None if point_type is None else limits.get(system_type(point_type))
    if type(value) is Quantity:
        return Quantity(DECIMAL_MAX if highest else DECIMAL_MIN, value.unit)
    return limits.get(f"System.{_TYPE_NAMES.get(type(value), '')}")


def successor(value: Any) -> Any:
    """The next value of the type: one more, 0.00000001 more, one more at the precision of a date or time.

    Raises CqlRuntimeError beyond the greatest value.
    """
    return None if value is None else _step(value, 1)


def predecessor(value: Any) -> Any:
    """The value before, as `successor`. Raises CqlRuntimeError below the least value."""
    return None if value is None else _step(value, -1)


def _step(value: Any, direction: int) -> Any:
    kind = type(value)
    if kind is int or kind is Long:
        least, most = (INTEGER_MIN, INTEGER_MAX) if kind is int else (LONG_MIN, LONG_MAX)
        result = value + direction
        if not least <= result <= most:
            raise _no_more(kind.__name__)
        return kind(result)
    if kind is Decimal:
        number = ARITHMETIC.add(value, DECIMAL_STEP * direction)
        if not DECIMAL_MIN <= number <= DECIMAL_MAX:
            raise _no_more("Decimal")
        return number
    if kind is Quantity:
        return Quantity(_step(value.value, direction), value.unit)
    if kind is Uncertain:
        return Uncertain(_step_inside(value.low, direction), _step_inside(value.high, direction))
    if isinstance(value, Temporal):
        if (
            kind is Time
            and value.parts
            == (_MAXIMA if direction > 0 else _MINIMA)["System.Time"].parts[: len(value.parts)]
        ):
            raise _no_more("Time")
        return add_units(value, direction, value.precision)
    raise CqlRuntimeError(f"a {kind.__name__} has no next or previous value")


def _step_inside(value: Any, direction: int) -> Any:
    """As `_step`, but the limit itself stays where it is."""
    limit = limit_like(value, None, direction > 0)
    return value if value == limit else _step(value, direction)


def _limit(limits: dict[str, Any], name: str) -> Any:
    try:
        return limits[system_type(name)]
    except KeyError:
        raise CqlRuntimeError(f"{system_type(name)} has no least or greatest value") from None


def _no_more(kind: str) -> CqlRuntimeError:
    return CqlRuntimeError(f"there is no {kind} beyond the last")


_TYPE_NAMES = {
    int: "Integer",
    Long: "Long",
    Decimal: "Decimal",
    Date: "Date",
    DateTime: "DateTime",
    Time: "Time",
}

OPERATORS = {
    "MinValue": min_value,
    "MaxValue": max_value,
    "Successor": successor,
    "Predecessor": predecessor,
}
