"""Union, Intersect and Except over lists and intervals (CQL 1.5, reference)."""

from __future__ import annotations

from typing import Any

from cds_service.cql.operators import lists
from cds_service.cql.operators.interval_sets import (
    interval_except,
    interval_intersect,
    interval_union,
    refuse_mixture,
)
from cds_service.cql.values.interval import Interval


def union(left: Any, right: Any) -> Any:
    """Everything of both; of two nulls null, a null list counts as empty, a null interval gives null."""
    refuse_mixture(left, right)
    if type(left) is Interval or type(right) is Interval:
        return None if left is None or right is None else interval_union(left, right)
    return None if left is None and right is None else lists.union(left, right)


def intersect(left: Any, right: Any) -> Any:
    """What is in both; null for null."""
    if left is None or right is None:
        return None
    refuse_mixture(left, right)
    return interval_intersect(left, right) if type(left) is Interval else lists.intersect(left, right)


def without(left: Any, right: Any) -> Any:
    """What is in left only; a null list on the right counts as empty."""
    if left is None:
        return None
    refuse_mixture(left, right)
    if type(left) is Interval:
        return None if right is None else interval_except(left, right)
    return lists.without(left, right)


OPERATORS = {"Union": union, "Intersect": intersect, "Except": without}
