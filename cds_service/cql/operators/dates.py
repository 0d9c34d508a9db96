"""Adding calendar durations to dates and times (CQL 1.5, reference, date and time arithmetic)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import LENGTHS, PRECISIONS, Temporal, Time
from cds_service.cql.values.units import calendar_unit

MILLISECONDS = {
    "week": 604_800_000,
    "day": 86_400_000,
    "hour": 3_600_000,
    "minute": 60_000,
    "second": 1_000,
    "millisecond": 1,
}
DAY = MILLISECONDS["day"]

_OF_TIME = (MILLISECONDS["hour"], MILLISECONDS["minute"], MILLISECONDS["second"], 1)
_LAST_ORDINAL = date.max.toordinal()


def add_duration(value: Temporal, duration: Quantity, sign: int) -> Temporal:
    """`value` plus (sign 1) or minus (sign -1) a duration.

    A duration finer than the value is cut down to whole units of the value's precision. The last day of a
    shorter month replaces a day it does not have. A time of day wraps around midnight. Raises
    CqlRuntimeError for a unit that is no duration and for results outside the years 1 to 9999.
    """
    unit = calendar_unit(duration.unit)
    if unit is None:
        raise CqlRuntimeError(f"'{duration.unit}' is not a unit of time")
    number: Decimal = duration.value
    if unit == "second" and number != int(number):
        number, unit = number * 1000, "millisecond"
    return add_units(value, sign * int(number), unit)


def add_units(value: Temporal, amount: int, unit: str) -> Temporal:
    """`value` plus a whole number of units ("year" to "millisecond", "week")."""
    if unit == "week":
        amount, unit = amount * 7, "day"
    time_of_day = type(value) is Time
    length = len(value.parts) + (3 if time_of_day else 0)
    if LENGTHS[unit] > length:
        amount, unit = _coarser(amount, unit, length), PRECISIONS[length - 1]
    if time_of_day:
        if LENGTHS[unit] <= 3:
            raise CqlRuntimeError(f"a {unit} cannot be added to a time of day")
        return value.with_parts(
            _time_parts((_milliseconds(value.parts) + amount * MILLISECONDS[unit]) % DAY, len(value.parts))
        )
    if unit == "year":
        return _add_months(value, amount * 12)
    if unit == "month":
        return _add_months(value, amount)
    return _add_milliseconds(value, amount * MILLISECONDS[unit])


def milliseconds_between(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    """Milliseconds from one set of calendar parts, year to at least day, to another of the same zone."""
    days = date(*second[:3]).toordinal() - date(*first[:3]).toordinal()
    return days * DAY + _milliseconds(second[3:]) - _milliseconds(first[3:])


def _coarser(amount: int, unit: str, length: int) -> int:
    """Whole units of the precision with `length` parts in a finer duration: 12 months, 30 and 365 days."""
    if length >= 3:
        return _whole(amount * MILLISECONDS[unit], MILLISECONDS[PRECISIONS[length - 1]])
    if unit == "month":
        return _whole(amount, 12)
    days = _whole(amount * MILLISECONDS[unit], DAY)
    return _whole(days, 30 if length == 2 else 365)


def _whole(number: int, divisor: int) -> int:
    """Division that cuts towards zero."""
    return number // divisor if number >= 0 else -(-number // divisor)


def _add_months(value: Temporal, months: int) -> Temporal:
    parts = value.parts
    year, month = divmod(parts[0] * 12 + (parts[1] - 1 if len(parts) > 1 else 0) + months, 12)
    if not 1 <= year <= 9999:
        raise CqlRuntimeError("a date left the years 1 to 9999")
    if len(parts) == 1:
        return value.with_parts((year,))
    if len(parts) == 2:
        return value.with_parts((year, month + 1))
    day = parts[2]
    if day > 28:
        day = min(day, monthrange(year, month + 1)[1])
    return value.with_parts((year, month + 1, day, *parts[3:]))


def _add_milliseconds(value: Temporal, amount: int) -> Temporal:
    parts = value.parts
    days, rest = divmod(_milliseconds(parts[3:]) + amount, DAY)
    ordinal = date(*parts[:3]).toordinal() + days
    if not 1 <= ordinal <= _LAST_ORDINAL:
        raise CqlRuntimeError("a date left the years 1 to 9999")
    day = date.fromordinal(ordinal)
    return value.with_parts((day.year, day.month, day.day, *_time_parts(rest, len(parts) - 3)))


def _milliseconds(time_parts: tuple[int, ...]) -> int:
    return sum(part * size for part, size in zip(time_parts, _OF_TIME, strict=False))


def _time_parts(milliseconds: int, length: int) -> tuple[int, ...]:
    parts = []
    for size in _OF_TIME[:length]:
        part, milliseconds = divmod(milliseconds, size)
        parts.append(part)
    return tuple(parts)
