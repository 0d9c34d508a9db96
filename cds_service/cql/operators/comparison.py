"""Order: Less, LessOrEqual, Greater, GreaterOrEqual (CQL 1.5, reference, comparison operators).

Every function returns True, False or None (undecided or null). With a `precision` only the parts down to
it are compared, which is what `before day of` and its kin ask for.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.values.numbers import Long
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import LENGTHS, Date, DateTime, Temporal
from cds_service.cql.values.timezone import default_offset_minutes
from cds_service.cql.values.uncertain import Uncertain
from cds_service.cql.values.units import UnitMismatch, convert, same_unit

PLAIN = frozenset({int, Long, Decimal, float, str})

_CALENDAR_TYPES = frozenset({Date, DateTime})
_FIRST_PARTS = (1, 1, 1, 0, 0, 0, 0)


def less(left: Any, right: Any, precision: str | None = None) -> bool | None:
    """left < right."""
    if left is None or right is None:
        return None
    kind, other = type(left), type(right)
    if kind in PLAIN and other in PLAIN:
        try:
            return bool(left < right)
        except TypeError as problem:
            raise _no_order(left, right) from problem
    if kind is Uncertain or other is Uncertain:
        return _less_uncertain(left, right, precision)
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        sign = compare_temporal(left, right, precision)
    else:
        sign = compare(left, right, precision)
    return None if sign is None else sign < 0


def less_or_equal(left: Any, right: Any, precision: str | None = None) -> bool | None:
    """left <= right."""
    opposite = less(right, left, precision)
    return None if opposite is None else not opposite


def greater(left: Any, right: Any) -> bool | None:
    """left > right."""
    return less(right, left)


def greater_or_equal(left: Any, right: Any) -> bool | None:
    """left >= right."""
    opposite = less(left, right)
    return None if opposite is None else not opposite


def compare(left: Any, right: Any, precision: str | None = None) -> int | None:
    """-1, 0 or 1 for two values that are neither null nor Uncertain; None when undecided.

    Raises CqlRuntimeError for values that have no order among each other.
    """
    kind, other = type(left), type(right)
    if kind in PLAIN and other in PLAIN:
        return _plain(left, right)
    if kind is Quantity and other is Quantity:
        return compare_quantities(left, right)
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        return compare_temporal(left, right, precision)
    raise _no_order(left, right)


def compare_quantities(left: Quantity, right: Quantity) -> int | None:
    """Compare in the unit of the left one; None when the units have no fixed relation."""
    number = right.value
    if not same_unit(left.unit, right.unit):
        try:
            number = convert(number, right.unit, left.unit)
        except UnitMismatch:
            return None
    return (left.value > number) - (left.value < number)


def compare_temporal(left: Temporal, right: Temporal, precision: str | None = None) -> int | None:
    """Compare part by part, down to `precision` when given; None when parts that would decide are missing.

    DateTimes of different offsets are brought to the time zone of the evaluation first, unless only days,
    months or years are compared (CQL 1.5, reference, same as).
    """
    length = None if precision is None else LENGTHS[precision]
    calendar = type(left) in _CALENDAR_TYPES
    if calendar is not (type(right) in _CALENDAR_TYPES):
        raise CqlRuntimeError("a time of day cannot be compared with a date")
    if left.offset_minutes != right.offset_minutes and (length is None or length > 3):
        first, second = _same_zone(left, right, length)
    else:
        first, second = left.parts, right.parts
    if length is not None:
        if not calendar:
            length -= 3
        first, second = first[:length], second[:length]
    if len(first) == len(second):
        if first == second:
            return 0 if length is None or len(first) == length else None
    else:
        common = min(len(first), len(second))
        first, second = first[:common], second[:common]
        if first == second:
            return None
    return -1 if first < second else 1


def shifted_parts(value: Temporal, minutes: int) -> tuple[int, ...]:
    """The parts `minutes` later, at the same precision; unchanged below hours or beyond the calendar."""
    known = value.parts
    if len(known) < 4 or minutes == 0:
        return known
    year, month, day, hour, minute, second, millisecond = known + _FIRST_PARTS[len(known) :]
    try:
        moved = datetime(year, month, day, hour, minute, second) + timedelta(minutes=minutes)
    except OverflowError:
        return known
    parts = (moved.year, moved.month, moved.day, moved.hour, moved.minute, moved.second, millisecond)
    return parts[: len(known)]


def order_for_sort(left: Any, right: Any) -> int:
    """A total order for `sort`: null first, an undecided pair by precision, then as equal.

    Raises CqlRuntimeError for values that have no order among each other.
    """
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if type(left) is Uncertain or type(right) is Uncertain:
        return order_for_sort(_low(left), _low(right))
    sign = compare(left, right)
    if sign is not None:
        return sign
    if isinstance(left, Temporal):
        return (len(left.parts) > len(right.parts)) - (len(left.parts) < len(right.parts))
    return 0


def _plain(left: Any, right: Any) -> int:
    try:
        return int(left > right) - int(left < right)
    except TypeError as problem:
        raise _no_order(left, right) from problem


def _no_order(left: Any, right: Any) -> CqlRuntimeError:
    return CqlRuntimeError(f"{type(left).__name__} and {type(right).__name__} cannot be compared")


def _less_uncertain(left: Any, right: Any, precision: str | None) -> bool | None:
    if less(_high(left), _low(right), precision):
        return True
    if less(_low(left), _high(right), precision) is False:
        return False
    return None


def _low(value: Any) -> Any:
    return value.low if type(value) is Uncertain else value


def _high(value: Any) -> Any:
    return value.high if type(value) is Uncertain else value


def _same_zone(
    left: Temporal, right: Temporal, length: int | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    default = default_offset_minutes()
    first = default if left.offset_minutes is None else left.offset_minutes
    second = default if right.offset_minutes is None else right.offset_minutes
    if first == second:
        return left.parts, right.parts
    if len(left.parts) > 4 and len(right.parts) > 4 and (length is None or length > 4):
        return _in_universal_time(left.parts, first), _in_universal_time(right.parts, second)
    return shifted_parts(left, default - first), shifted_parts(right, default - second)


def _in_universal_time(parts: tuple[int, ...], offset: int) -> tuple[int, ...]:
    """Parts that compare like the moment itself: all minutes in one number, at the place of the minute."""
    year, month, day, hour, minute, *rest = parts
    return (0, 0, 0, 0, (date(year, month, day).toordinal() * 24 + hour) * 60 + minute - offset, *rest)


OPERATORS = {
    "Less": less,
    "LessOrEqual": less_or_equal,
    "Greater": greater,
    "GreaterOrEqual": greater_or_equal,
}
