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

_SOME_DAY = (1, 1, 1)
_TO_THE_SECOND = LENGTHS["second"]
_AGES = ("year", "month")
_TIME_UNITS = frozenset({"hour", "minute", "second", "millisecond"})


def duration_between(first: Any, second: Any, *, precision: str | None = None) -> Any:
    """Whole years, months, weeks, ... from `first` to `second`, negative when it lies before."""
    if first is None or second is None:
        return None
    unit = precision or "millisecond"
    if type(first) is Date is type(second) and len(first.parts) == len(second.parts) == 3 and unit in _AGES:
        return _duration(first, second, unit)
    first, second = _same_kind(first, second, unit)
    first, second = _same_zone(first, second)
    if _is_exact(first, unit) and _is_exact(second, unit):
        return _duration(first.lowest(), second.lowest(), unit)
    return uncertain(
        _duration(_latest(first), second.lowest(), unit), _duration(first.lowest(), _latest(second), unit)
    )


def difference_between(first: Any, second: Any, *, precision: str | None = None) -> Any:
    """Boundaries of years, months, weeks (from Sunday), days, ... crossed from `first` to `second`."""
    if first is None or second is None:
        return None
    unit = precision or "millisecond"
    first, second = _same_kind(first, second, unit)
    needed = 3 if unit == "week" else LENGTHS[unit]
    if needed > 3:
        first, second = _same_zone(first, second)
    one, two = _calendar_parts(first), _calendar_parts(second)
    if len(one) >= needed and len(two) >= needed:
        return _difference(one, two, unit, needed)
    return uncertain(
        _difference(_calendar_parts(first.highest()), _calendar_parts(second.lowest()), unit, needed),
        _difference(_calendar_parts(first.lowest()), _calendar_parts(second.highest()), unit, needed),
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


def _calendar_parts(value: Temporal) -> tuple[int, ...]:
    """The parts from the year on; times of day count as those of one and the same day."""
    return _SOME_DAY + value.parts if type(value) is Time else value.parts


def _with_time(value: Temporal) -> Temporal:
    return DateTime.of_parts(value.parts) if type(value) is Date else value


def _same_zone(first: Temporal, second: Temporal) -> tuple[Temporal, Temporal]:
    if first.offset_minutes == second.offset_minutes:
        return first, second
    default = default_offset_minutes()
    return _moved(first, default), _moved(second, default)


def _moved(value: Temporal, offset: int) -> Temporal:
    own = offset if value.offset_minutes is None else value.offset_minutes
    return value.with_parts(shifted_parts(value, offset - own))


def _is_exact(value: Temporal, unit: str) -> bool:
    """Whether no missing part makes the duration uncertain.

    Seconds without milliseconds are exact (CQL 1.5, language semantics, uncertainty); hours and minutes too
    when the unit is no finer, as the public suite has it.
    """
    if value.is_complete:
        return True
    if type(value) is Date:
        return False
    known = len(value.parts) + (3 if type(value) is Time else 0)
    return known >= _TO_THE_SECOND or (unit in _TIME_UNITS and known >= LENGTHS[unit])


def _latest(value: Temporal) -> Temporal:
    known = len(value.parts) + (3 if type(value) is Time else 0)
    return value.lowest() if known >= _TO_THE_SECOND else value.highest()


def _duration(first: Temporal, second: Temporal, unit: str) -> int:
    one, two = _calendar_parts(first), _calendar_parts(second)
    if two < one:
        return -_elapsed(two, one, unit)
    return _elapsed(one, two, unit)


def _elapsed(earlier: tuple[int, ...], later: tuple[int, ...], unit: str) -> int:
    if unit in _AGES:
        months = (later[0] - earlier[0]) * 12 + later[1] - earlier[1]
        if later[2:] < earlier[2:]:
            months -= 1
        return months // 12 if unit == "year" else months
    return milliseconds_between(earlier, later) // MILLISECONDS[unit]


def _difference(first: tuple[int, ...], second: tuple[int, ...], unit: str, needed: int) -> int:
    if unit == "year":
        return second[0] - first[0]
    if unit == "month":
        return (second[0] - first[0]) * 12 + second[1] - first[1]
    if unit in ("day", "week"):
        one, two = date(*first[:3]).toordinal(), date(*second[:3]).toordinal()
        return two // 7 - one // 7 if unit == "week" else two - one
    return milliseconds_between(first[:needed], second[:needed]) // MILLISECONDS[unit]


OPERATORS = {"DurationBetween": duration_between, "DifferenceBetween": difference_between}
