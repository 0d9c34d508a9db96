"""Contains, In, Includes and their kin, over lists and intervals
(CQL 1.5, reference, interval operators and list operators).

A null collection contains nothing; a null collection includes and is included in an unknown way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cds_service.cql.operators.bounds import end, start
from cds_service.cql.operators.comparison import less, less_or_equal
from cds_service.cql.operators.equality import equal
from cds_service.cql.operators.logic import logical_and, logical_not, logical_or
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.types import type_name


def contains(collection: Any, element: Any, *, precision: str | None = None) -> bool | None:
    """Whether the element is in the list, or the point in the interval."""
    if collection is None:
        return None if type(element) is list else False
    if type(collection) is Interval:
        if element is None:
            return None
        if collection.low is None and collection.high is None:
            return _in_unbounded(collection)
        return logical_and(
            _starts_by(collection, element, precision), _ends_not_before(collection, element, precision)
        )
    return _list_contains(collection, element)


def contained_in(element: Any, collection: Any, *, precision: str | None = None) -> bool | None:
    """`in`: `contains` the other way round."""
    return contains(collection, element, precision=precision)


def properly_contains(collection: Any, element: Any, *, precision: str | None = None) -> bool | None:
    """In the list beside another element, or inside the interval and not at its ends."""
    if collection is None:
        return None if type(element) is list else False
    if type(collection) is Interval:
        if element is None:
            return None
        return logical_and(
            less(start(collection), element, precision), less(element, end(collection), precision)
        )
    if element is None:
        return any(item is None for item in collection) and any(item is not None for item in collection)
    return logical_and(
        _list_contains(collection, element),
        _any_true(logical_not(equal(item, element)) for item in collection),
    )


def properly_contained_in(element: Any, collection: Any, *, precision: str | None = None) -> bool | None:
    """`properly included in` for a single element or point."""
    return properly_contains(collection, element, precision=precision)


def includes(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """Every element or point of right is in left."""
    if left is None or right is None:
        return None
    if type(left) is not type(right):
        return contains(left, right, precision=precision)
    if type(left) is Interval:
        return logical_and(
            less_or_equal(start(left), start(right), precision),
            less_or_equal(end(right), end(left), precision),
        )
    return _all_true(_list_contains(left, item) for item in right)


def included_in(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """`included in` or `during`: `includes` the other way round."""
    return includes(right, left, precision=precision)


def properly_includes(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """Left includes right and has something besides."""
    if left is None or right is None:
        return None
    if type(left) is not type(right):
        return properly_contains(left, right, precision=precision)
    if type(left) is Interval:
        left, right = _typed_like(left, right), _typed_like(right, left)
        larger = logical_or(
            less(start(left), start(right), precision), less(end(right), end(left), precision)
        )
    else:
        larger = _any_true(logical_not(_list_contains(right, item)) for item in left)
    return logical_and(includes(left, right, precision=precision), larger)


def properly_included_in(left: Any, right: Any, *, precision: str | None = None) -> bool | None:
    """`properly_includes` the other way round."""
    return properly_includes(right, left, precision=precision)


def _starts_by(interval: Interval, point: Any, precision: str | None) -> bool | None:
    """An open bound itself decides more than the point beside it: 2025-06 is before 2025-07-01."""
    if interval.low_closed or interval.low is None or precision is not None:
        return less_or_equal(start(interval), point, precision)
    return less(interval.low, point)


def _ends_not_before(interval: Interval, point: Any, precision: str | None) -> bool | None:
    if interval.high_closed or interval.high is None or precision is not None:
        return less_or_equal(point, end(interval), precision)
    return less(point, interval.high)


def _typed_like(interval: Interval, other: Interval) -> Interval:
    """An interval without bounds and point type takes the point type of the other."""
    if interval.low is not None or interval.high is not None or start(interval) is not None:
        return interval
    point = other.high if other.low is None else other.low
    kind = other.point_type if point is None else type_name(point)
    return Interval(None, None, interval.low_closed, interval.high_closed, kind)


def _list_contains(items: list[Any], element: Any) -> bool | None:
    """Null elements equal each other, so a null is not in a list without one."""
    if element is None:
        return any(item is None for item in items)
    if type(element) is str:
        return element in items
    answer: bool | None = False
    for item in items:
        if item is None:
            continue
        same = equal(item, element)
        if same:
            return True
        if same is None:
            answer = None
    return answer


def _in_unbounded(interval: Interval) -> bool | None:
    """Without any bound: closed nulls count as no interval, as the public suite has it; else unknown."""
    return False if interval.low_closed and interval.high_closed else None


def _all_true(answers: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            result = None
    return result


def _any_true(answers: Iterable[bool | None]) -> bool | None:
    return logical_not(_all_true(map(logical_not, answers)))


OPERATORS = {
    "Contains": contains,
    "In": contained_in,
    "ProperContains": properly_contains,
    "ProperIn": properly_contained_in,
    "Includes": includes,
    "IncludedIn": included_in,
    "ProperIncludes": properly_includes,
    "ProperIncludedIn": properly_included_in,
}
