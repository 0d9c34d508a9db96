"""Relations of two intervals and measures of one (CQL 1.5, reference, interval operators).

Every relation is True, False or None: null operands, unknown bounds and imprecise dates leave it open.
"""

from __future__ import annotations

from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.arithmetic import add, subtract
from cds_service.cql.operators.bounds import end, start
from cds_service.cql.operators.comparison import less, less_or_equal
from cds_service.cql.operators.dates import add_units
from cds_service.cql.operators.equality import equal
from cds_service.cql.operators.logic import logical_and, logical_or
from cds_service.cql.operators.relations import same_point
from cds_service.cql.operators.steps import successor
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.numbers import DECIMAL_STEP, Long
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import LENGTHS, Temporal, Time

_ONE_POINT_TYPES = (int, Long)


def overlaps(left: Interval | None, right: Interval | None, *, precision: str | None = None) -> bool | None:
    """At least one point in common."""
    return logical_and(
        less_or_equal(start(left), end(right), precision), less_or_equal(start(right), end(left), precision)
    )


def overlaps_before(
    left: Interval | None, right: Interval | None, *, precision: str | None = None
) -> bool | None:
    """A point in common, and left starts first."""
    return logical_and(
        less(start(left), start(right), precision), less_or_equal(start(right), end(left), precision)
    )


def overlaps_after(
    left: Interval | None, right: Interval | None, *, precision: str | None = None
) -> bool | None:
    """A point in common, and left ends last."""
    return logical_and(
        less(end(right), end(left), precision), less_or_equal(start(left), end(right), precision)
    )


def meets_before(
    left: Interval | None, right: Interval | None, *, precision: str | None = None
) -> bool | None:
    """The point after the last one of left is the first one of right."""
    if left is None or right is None:
        return None
    return _follows(end(left), start(right), precision)


def meets_after(
    left: Interval | None, right: Interval | None, *, precision: str | None = None
) -> bool | None:
    """The point after the last one of right is the first one of left."""
    return meets_before(right, left, precision=precision)


def meets(left: Interval | None, right: Interval | None, *, precision: str | None = None) -> bool | None:
    """One ends where the other starts, without a point in common or between."""
    return logical_or(
        meets_before(left, right, precision=precision), meets_after(left, right, precision=precision)
    )


def starts(left: Interval | None, right: Interval | None, *, precision: str | None = None) -> bool | None:
    """The same first point, and left ends no later."""
    return logical_and(
        same_point(start(left), start(right), precision), less_or_equal(end(left), end(right), precision)
    )


def ends(left: Interval | None, right: Interval | None, *, precision: str | None = None) -> bool | None:
    """The same last point, and left starts no earlier."""
    return logical_and(
        same_point(end(left), end(right), precision), less_or_equal(start(right), start(left), precision)
    )


def width(interval: Interval | None) -> Any:
    """The distance of the last point from the first. Raises CqlRuntimeError for dates and times."""
    if interval is None:
        return None
    first, last = start(interval), end(interval)
    if isinstance(first, Temporal) or isinstance(last, Temporal):
        raise CqlRuntimeError("the width of an interval of dates or times is not defined")
    return subtract(last, first)


def size(interval: Interval | None) -> Any:
    """The width and one point. Raises CqlRuntimeError for dates and times."""
    distance = width(interval)
    if distance is None:
        return None
    if type(distance) is Quantity:
        return add(distance, Quantity(DECIMAL_STEP, distance.unit))
    return add(distance, 1 if isinstance(distance, _ONE_POINT_TYPES) else DECIMAL_STEP)


def point_from(interval: Interval | None) -> Any:
    """The only point. Raises CqlRuntimeError when the interval has more than one."""
    if interval is None:
        return None
    first, last = start(interval), end(interval)
    same = equal(first, last)
    if same is False:
        raise CqlRuntimeError(f"{interval} is more than one point")
    return first if same else None


def _follows(last: Any, first: Any, precision: str | None) -> bool | None:
    if last is None or first is None:
        return None
    if less(last, first, precision) is False:
        return False
    try:
        if precision is not None and isinstance(last, Temporal):
            length = LENGTHS[precision] - (3 if type(last) is Time else 0)
            return same_point(add_units(last.truncate(length), 1, precision), first, precision)
        return same_point(successor(last), first, precision)
    except CqlRuntimeError:
        return False  # nothing follows the greatest value


OPERATORS = {
    "Overlaps": overlaps,
    "OverlapsBefore": overlaps_before,
    "OverlapsAfter": overlaps_after,
    "Meets": meets,
    "MeetsBefore": meets_before,
    "MeetsAfter": meets_after,
    "Starts": starts,
    "Ends": ends,
    "Width": width,
    "Size": size,
    "PointFrom": point_from,
}
