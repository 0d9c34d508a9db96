"""Conversion between types (CQL 1.5, reference, type operators): null for what cannot be converted."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.arithmetic import divide
from cds_service.cql.values.clinical import Code, Concept
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.numbers import (
    DECIMAL_MAX,
    INTEGER_MAX,
    INTEGER_MIN,
    LONG_MAX,
    LONG_MIN,
    Long,
    decimal_text,
    fit_decimal,
)
from cds_service.cql.values.quantity import Quantity, Ratio
from cds_service.cql.values.temporal import Date, DateTime, Time
from cds_service.cql.values.units import UnitMismatch, convert

_Value = TypeVar("_Value")

_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_INTEGER = re.compile(r"[+-]?\d{1,19}")
_DECIMAL = re.compile(r"[+-]?\d{1,28}(\.\d{1,28})?")


def to_boolean(value: Any) -> bool | None:
    """From a String (true, t, yes, y, 1 and their opposites, in any case) or a number 1 or 0."""
    if value is None or type(value) is bool:
        return value
    if type(value) is str:
        word = value.lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return True if value == 1 else False if value == 0 else None


def to_integer(value: Any) -> int | None:
    """From a String of digits with a sign, a Boolean or a Long in range."""
    number = _whole_number(value)
    return number if number is not None and INTEGER_MIN <= number <= INTEGER_MAX else None


def to_long(value: Any) -> Long | None:
    """From a String of digits with a sign, a Boolean or an Integer."""
    number = _whole_number(value)
    return Long(number) if number is not None and LONG_MIN <= number <= LONG_MAX else None


def to_decimal(value: Any) -> Decimal | None:
    """From a String of digits with sign and point, a Boolean, an Integer or a Long."""
    if value is None or type(value) is Decimal:
        return value
    if type(value) is str:
        return _in_decimal_range(Decimal(value)) if _DECIMAL.fullmatch(value) else None
    if type(value) is float:
        return fit_decimal(Decimal(repr(value)))
    return Decimal(int(value))


def to_string(value: Any) -> str | None:
    """The text form of a simple value."""
    if value is None or type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is Decimal:
        return decimal_text(value)
    return str(value)


def to_date(value: Any) -> Date | None:
    """From a String in ISO 8601 form or the calendar part of a DateTime."""
    if value is None or type(value) is Date:
        return value
    if type(value) is DateTime:
        return Date.of_parts(value.parts[:3])
    return _parsed(Date.parse, value.split("T", 1)[0])


def to_date_time(value: Any) -> DateTime | None:
    """From a String in ISO 8601 form or a Date, whose time stays unknown."""
    if value is None or type(value) is DateTime:
        return value
    if type(value) is Date:
        return DateTime.of_parts(value.parts)
    return _parsed(DateTime.parse, value)


def to_time(value: Any) -> Time | None:
    """From a String in ISO 8601 form or the time part of a DateTime."""
    if value is None or type(value) is Time:
        return value
    if type(value) is DateTime:
        return Time.of_parts(value.parts[3:]) if len(value.parts) > 3 else None
    return _parsed(Time.parse, value)


def to_quantity(value: Any) -> Quantity | None:
    """From a String such as 5.5 'cm' or 3 days, a number, or a Ratio by division."""
    if value is None or type(value) is Quantity:
        return value
    if type(value) is str:
        return _parsed(Quantity.parse, value)
    if type(value) is Ratio:
        result: Quantity | None = divide(value.numerator, value.denominator)
        return result
    return Quantity(Decimal(value))


def to_ratio(value: Any) -> Ratio | None:
    """From a String of two quantities with a colon between them."""
    if value is None or type(value) is Ratio:
        return value
    numerator, colon, denominator = value.partition(":")
    first, second = to_quantity(numerator), to_quantity(denominator)
    return Ratio(first, second) if colon and first is not None and second is not None else None


def to_concept(value: Any) -> Concept | None:
    """From a Code or a list of Codes."""
    if value is None or type(value) is Concept:
        return value
    if type(value) is Code:
        return Concept((value,), value.display)
    return Concept(tuple(value))


def to_list(value: Any) -> list[Any]:
    """The value as the only element; an empty list for null."""
    return [] if value is None else [value]


def to_interval(value: Any) -> Interval | None:
    """The interval that holds only this point."""
    return None if value is None else Interval(value, value)


def convert_quantity(value: Quantity | None, unit: str | None) -> Quantity | None:
    """The same quantity in another unit; null when there is no relation between the units."""
    if value is None or unit is None:
        return None
    try:
        number = fit_decimal(convert(value.value, value.unit, unit))
    except UnitMismatch:
        return None
    return None if number is None else Quantity(number, unit)


def can_convert_quantity(value: Quantity | None, unit: str | None) -> bool | None:
    """Whether `convert_quantity` has a result."""
    return None if value is None or unit is None else convert_quantity(value, unit) is not None


def _whole_number(value: Any) -> int | None:
    if type(value) is str:
        return int(value) if _INTEGER.fullmatch(value) else None
    if value is None or isinstance(value, int):
        return None if value is None else int(value)
    raise CqlRuntimeError(f"a {type(value).__name__} cannot become a whole number")


def _in_decimal_range(number: Decimal) -> Decimal | None:
    return fit_decimal(number) if -DECIMAL_MAX <= number <= DECIMAL_MAX else None


def _parsed(parse: Callable[[str], _Value], text: Any) -> _Value | None:
    try:
        return parse(text)
    except (ValueError, TypeError):
        return None


def _converts(conversion: Callable[[Any], Any]) -> Callable[[Any], bool | None]:
    """Whether a value has a result under a conversion; null for null."""

    def converts(value: Any) -> bool | None:
        if value is None:
            return None
        try:
            return conversion(value) is not None
        except (CqlRuntimeError, ArithmeticError, AttributeError, TypeError, ValueError):
            return False

    return converts


OPERATORS: dict[str, Callable[..., Any]] = {
    "ToBoolean": to_boolean,
    "ToInteger": to_integer,
    "ToLong": to_long,
    "ToDecimal": to_decimal,
    "ToString": to_string,
    "ToDate": to_date,
    "ToDateTime": to_date_time,
    "ToTime": to_time,
    "ToQuantity": to_quantity,
    "ToRatio": to_ratio,
    "ToConcept": to_concept,
    "ToList": to_list,
    "ToInterval": to_interval,
    "ConvertQuantity": convert_quantity,
    "CanConvertQuantity": can_convert_quantity,
    "ConvertsToBoolean": _converts(to_boolean),
    "ConvertsToInteger": _converts(to_integer),
    "ConvertsToLong": _converts(to_long),
    "ConvertsToDecimal": _converts(to_decimal),
    "ConvertsToString": _converts(to_string),
    "ConvertsToDate": _converts(to_date),
    "ConvertsToDateTime": _converts(to_date_time),
    "ConvertsToTime": _converts(to_time),
    "ConvertsToQuantity": _converts(to_quantity),
    "ConvertsToRatio": _converts(to_ratio),
}
