"""Dates and times: their construction and their components (CQL 1.5, reference, date and time operators)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.durations import duration_between
from cds_service.cql.values.temporal import Date, DateTime, Temporal, Time

_Value = TypeVar("_Value")


def date(year: int | None, month: int | None = None, day: int | None = None) -> Date | None:
    """The Date selector: null without a year. Raises CqlRuntimeError for a date that does not exist."""
    return _constructed(Date, (year, month, day))


def date_time(
    year: int | None,
    month: int | None = None,
    day: int | None = None,
    hour: int | None = None,
    minute: int | None = None,
    second: int | None = None,
    millisecond: int | None = None,
    offset: Decimal | None = None,
) -> DateTime | None:
    """The DateTime selector: null without a year. Raises CqlRuntimeError for a time that does not exist."""
    return _constructed(DateTime, (year, month, day, hour, minute, second, millisecond, offset))


def time(
    hour: int | None, minute: int | None = None, second: int | None = None, millisecond: int | None = None
) -> Time | None:
    """The Time selector: null without an hour. Raises CqlRuntimeError for a time that does not exist."""
    return _constructed(Time, (hour, minute, second, millisecond))


def component_from(value: Temporal | None, *, precision: str | None) -> int | None:
    """`year from`, ..., `millisecond from`: null when that part is not known."""
    return None if value is None or precision is None else value.part(precision)


def date_from(value: Temporal | None) -> Date | None:
    """`date from`."""
    return None if value is None else Date.of_parts(value.parts[:3])


def time_from(value: Temporal | None) -> Time | None:
    """`time from`: null when the hour is not known."""
    return Time.of_parts(value.parts[3:]) if value is not None and len(value.parts) > 3 else None


def timezone_offset_from(value: DateTime | None) -> Decimal | None:
    """`timezoneoffset from`: hours; that of the evaluation when the value has none."""
    return None if value is None else Decimal(value.effective_offset_minutes) / 60


def calculate_age_at(birth: Temporal | None, at: Temporal | None, *, precision: str | None = None) -> Any:
    """Age in whole units of `precision` on a date; Uncertain when the date of birth is incomplete."""
    return duration_between(birth, at, precision=precision)


def _constructed(kind: Callable[..., _Value], parts: tuple[Any, ...]) -> _Value | None:
    if parts[0] is None and not any(part is not None for part in parts[1:7]):
        return None
    try:
        return kind(*parts)
    except (ValueError, TypeError) as problem:
        raise CqlRuntimeError(str(problem)) from problem


OPERATORS: dict[str, Callable[..., Any]] = {
    "Date": date,
    "DateTime": date_time,
    "Time": time,
    "DateTimeComponentFrom": component_from,
    "DateFrom": date_from,
    "TimeFrom": time_from,
    "TimezoneFrom": timezone_offset_from,
    "TimezoneOffsetFrom": timezone_offset_from,
    "CalculateAgeAt": calculate_age_at,
}
