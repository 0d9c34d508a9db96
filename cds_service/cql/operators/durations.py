"""DurationBetween and DifferenceBetween (CQL 1.5, reference, date and time operators).

A duration counts whole periods that have passed, a difference counts the boundaries crossed. Where missing
parts leave several results possible, the result is Uncertain.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.comparison import shifted_parts
from cds_service.cql.operators.dates import MILLISECONDS, milliseconds_between
from cds_service.cql.values.temporal import LENGTHS, Date, DateTime, Temporal, Time
from cds_service.cql.values.timezone import default_offset_minutes
from cds_service.cql.values.uncertain import uncertain

_START_OF_TIME = (1, 1, 1)
_PADDING = (1, 1, 1, 0, 0, 0, 0)


def duration_between(first: Any, second: Any, *, precision: str | None) -> Any:
    """Whole years, months, weeks, ... from `first` to `second`, negative when it lies before."""
    if first is None or second is None:
        return None
    unit = precision or "millisecond"
    first, second = _same_kind(first, second, unit)
    first, second = _same_zone(first, second)
    if (first.is_complete and second.is_complete) or _hours_are_known(first, second, unit):
        return _duration(first.lowest(), second.lowest(), unit)
    return uncertain(
        _duration(first.highest(), second.lowest(), unit), _duration(first.lowest(), second.highest(), unit)
    )


def difference_between(first: Any, second: Any, *, precision: str | None) -> Any:
    """Boundaries of years, months, weeks (from Sunday), days, ... crossed from `first` to `second`."""
    if first is None or second is None:
        return None
    unit = precision or "millisecond"
    first, second = _same_kind(first, second, unit)
    needed = 3 if unit == "week" else LENGTHS[unit]
    if needed > 3:
        first, second = _same_zone(first, second)
        if type(first) is Time:
            needed -= 3
    if len(first.parts) >= needed and len(second.parts) >= needed:
        return _difference(first.parts, second.parts, unit, needed)
    earliest, latest = first.lowest().parts, first.highest().parts
    return uncertain(
        _difference(latest, second.lowest().parts, unit, needed),
        _difference(earliest, second.highest().parts, unit, needed),
    )


def _same_kind(first: Any, second: Any, unit: str) -> tuple[Temporal, Temporal]:
    """Both dates, both dates with time, or both times of day."""
    if not isinstance(first, Temporal) or not isinstance(second, Temporal):
        raise CqlRuntimeError("a period of time lies between two dates or two times only")
    if (type(first) is Time) is not (type(second) is Time):
        raise CqlRuntimeError("a date and a time of day have no period between them")
    if type(first) is type(second) and (type(first) is not Date or unit == "week" or LENGTHS[unit] <= 3):
        return first, second
    return _with_time(first), _with_time(second)


def _with_time(value: Temporal) -> Temporal:
    return DateTime(*value.parts) if type(value) is Date else value


def _same_zone(first: Temporal, second: Temporal) -> tuple[Temporal, Temporal]:
    if first.offset_minutes == second.offset_minutes:
        return first, second
    default = default_offset_minutes()
    return _moved(first, default), _moved(second, default)


def _moved(value: Temporal, offset: int) -> Temporal:
    own = offset if value.offset_minutes is None else value.offset_minutes
    return value.with_parts(shifted_parts(value, offset - own))


def _hours_are_known(first: Temporal, second: Temporal, unit: str) -> bool:
    """Times of day without the parts finer than the unit count as exact, as the public suite has it."""
    needed = LENGTHS.get(unit, 0) - 3
    return type(first) is Time and len(first.parts) >= needed and len(second.parts) >= needed


def _duration(first: Temporal, second: Temporal, unit: str) -> int:
    one, two = first.parts, second.parts
    if two < one:
        return -_elapsed(two, one, unit, first)
    return _elapsed(one, two, unit, first)


def _elapsed(earlier: tuple[int, ...], later: tuple[int, ...], unit: str, kind: Temporal) -> int:
    if unit in ("year", "month"):
        months = (later[0] - earlier[0]) * 12 + later[1] - earlier[1]
        if later[2:] < earlier[2:]:
            months -= 1
        return months // 12 if unit == "year" else months
    if type(kind) is Time:
        earlier, later = _START_OF_TIME + earlier, _START_OF_TIME + later
    return milliseconds_between(earlier, later) // MILLISECONDS[unit]


def _difference(first: tuple[int, ...], second: tuple[int, ...], unit: str, needed: int) -> int:
    if unit == "year":
        return second[0] - first[0]
    if unit == "month":
        return (second[0] - first[0]) * 12 + second[1] - first[1]
    if unit in ("day", "week"):
        one, two = date(*first[:3]).toordinal(), date(*second[:3]).toordinal()
        return two // 7 - one // 7 if unit == "week" else two - one
    one_parts, two_parts = first[:needed], second[:needed]
    if len(_PADDING) - 3 >= len(first):  # times of day
        one_parts, two_parts = _START_OF_TIME + one_parts, _START_OF_TIME + two_parts
    return milliseconds_between(one_parts, two_parts) // MILLISECONDS[unit]


OPERATORS = {"DurationBetween": duration_between, "DifferenceBetween": difference_between}
