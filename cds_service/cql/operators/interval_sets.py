"""Union, intersection and difference of intervals, and Collapse (CQL 1.5, interval operators)."""

from __future__ import annotations

from decimal import Decimal
from functools import cmp_to_key
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.arithmetic import add
from cds_service.cql.operators.bounds import end, start
from cds_service.cql.operators.comparison import less, less_or_equal, order_for_sort
from cds_service.cql.operators.intervals import meets, meets_before, overlaps
from cds_service.cql.operators.logic import logical_or
from cds_service.cql.operators.steps import predecessor, successor
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Temporal
from cds_service.cql.values.uncertain import Uncertain
from cds_service.cql.values.units import calendar_unit

_UNKNOWN = (None, False)


def interval_union(left: Interval, right: Interval) -> Interval | None:
    """The interval of the points of both; null when they neither overlap nor meet."""
    if not logical_or(overlaps(left, right), meets(left, right)):
        return None
    return _between(_first_low(left, right), _last_high(left, right), left.point_type)


def interval_intersect(left: Interval, right: Interval) -> Interval | None:
    """The interval of the points in common; null when there are none."""
    if not overlaps(left, right):
        return None
    return _between(_last_low(left, right), _first_high(left, right), left.point_type)


def interval_except(left: Interval, right: Interval) -> Interval | None:
    """The points of left that are not in right; null when that is nothing or not one interval."""
    common = overlaps(left, right)
    if not common:
        return left if common is False else None
    starts_first = less(start(left), start(right))
    ends_last = less(end(right), end(left))
    if starts_first and ends_last is False:
        before = _bound(predecessor(start(right)))
        return _between((left.low, left.low_closed), before, left.point_type)
    if ends_last and starts_first is False:
        after = _bound(successor(end(right)))
        return _between(after, (left.high, left.high_closed), left.point_type)
    return None


def collapse(intervals: list[Interval | None] | None, per: Quantity | None = None) -> list[Interval] | None:
    """The least set of intervals that covers the same points; gaps up to `per` are closed."""
    if intervals is None:
        return None
    known = [
        interval
        for interval in intervals
        if interval is not None and start(interval) is not None and end(interval) is not None
    ]
    known.sort(key=cmp_to_key(lambda one, two: order_for_sort(start(one), start(two))))
    result: list[Interval] = []
    for interval in known:
        if result and _touches(result[-1], interval, per):
            last = result[-1]
            result[-1] = _between((last.low, last.low_closed), _last_high(last, interval), last.point_type)
        else:
            result.append(interval)
    return result


def _touches(left: Interval, right: Interval, per: Quantity | None) -> bool:
    if logical_or(overlaps(left, right), meets_before(left, right)):
        return True
    if per is None:
        return False
    last, first = end(left), start(right)
    if isinstance(last, Temporal):
        unit = calendar_unit(per.unit)
        return less_or_equal(first, add(last, per), "day" if unit == "week" else unit) is True
    if type(last) is Quantity:
        step: Any = per if per.unit != "1" else Quantity(per.value, last.unit)
    else:
        step = Decimal(per.value)
    return less_or_equal(first, add(last, step)) is True


def _between(low: tuple[Any, bool], high: tuple[Any, bool], point_type: str | None) -> Interval:
    return Interval(low[0], high[0], low[1], high[1], point_type)


def _bound(point: Any) -> tuple[Any, bool]:
    return _UNKNOWN if type(point) is Uncertain else (point, True)


def _first_low(left: Interval, right: Interval) -> tuple[Any, bool]:
    return _low_of(left, right, less_or_equal(start(left), start(right)))


def _last_low(left: Interval, right: Interval) -> tuple[Any, bool]:
    return _low_of(left, right, less_or_equal(start(right), start(left)))


def _first_high(left: Interval, right: Interval) -> tuple[Any, bool]:
    return _high_of(left, right, less_or_equal(end(left), end(right)))


def _last_high(left: Interval, right: Interval) -> tuple[Any, bool]:
    return _high_of(left, right, less_or_equal(end(right), end(left)))


def _low_of(left: Interval, right: Interval, is_left: bool | None) -> tuple[Any, bool]:
    if is_left is None:
        return _UNKNOWN
    chosen = left if is_left else right
    return chosen.low, chosen.low_closed


def _high_of(left: Interval, right: Interval, is_left: bool | None) -> tuple[Any, bool]:
    if is_left is None:
        return _UNKNOWN
    chosen = left if is_left else right
    return chosen.high, chosen.high_closed


def refuse_mixture(left: Any, right: Any) -> None:
    """Raises CqlRuntimeError for an interval on one side and a list on the other."""
    if left is not None and right is not None and (type(left) is Interval) is not (type(right) is Interval):
        raise CqlRuntimeError("an interval and a list cannot be joined or cut")


OPERATORS = {"Collapse": collapse}
