"""Before, After, SameAs, SameOrBefore and SameOrAfter, between points, intervals and both
(CQL 1.5, reference, date and time operators and interval operators).

An interval lies before what comes after its last point, and after what comes before its first point.
"""

from __future__ import annotations

from typing import Any

from cds_service.cql.operators.bounds import end, start
from cds_service.cql.operators.comparison import compare_temporal, less, less_or_equal
from cds_service.cql.operators.equality import equal
from cds_service.cql.operators.logic import logical_and
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.temporal import Temporal
from cds_service.cql.values.uncertain import Uncertain


def before(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """Everything of left lies before everything of right."""
    return less(last_point(left), first_point(right), precision)


def after(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """Everything of left lies after everything of right."""
    return less(last_point(right), first_point(left), precision)


def same_or_before(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """Left ends before right starts, or just there."""
    return less_or_equal(last_point(left), first_point(right), precision)


def same_or_after(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """Left starts after right ends, or just there."""
    return less_or_equal(last_point(right), first_point(left), precision)


def same_as(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """The same down to the precision; intervals at both ends."""
    if isinstance(left, Interval) or isinstance(right, Interval):
        return logical_and(
            same_point(first_point(left), first_point(right), precision),
            same_point(last_point(left), last_point(right), precision),
        )
    return same_point(left, right, precision)


def same_point(left: Any, right: Any, precision: str | None) -> bool | None:
    """Whether two points are equal, down to a precision when it is given."""
    if left is None or right is None:
        return None
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        sign = compare_temporal(left, right, precision)
        return None if sign is None else sign == 0
    if precision is not None and (type(left) is Uncertain or type(right) is Uncertain):
        apart = less(left, right, precision) or less(right, left, precision)
        return False if apart else None
    return equal(left, right)


def first_point(value: Any) -> Any:
    """The start of an interval, any other value itself."""
    return start(value) if type(value) is Interval else value


def last_point(value: Any) -> Any:
    """The end of an interval, any other value itself."""
    return end(value) if type(value) is Interval else value


OPERATORS = {
    "Before": before,
    "After": after,
    "SameAs": same_as,
    "SameOrBefore": same_or_before,
    "SameOrAfter": same_or_after,
}
