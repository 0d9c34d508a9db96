"""List operators (CQL 1.5, reference, list operators). Null elements of a list equal each other."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.equality import equal
from cds_service.cql.values.tuples import CqlTuple

# Beyond this a list made by an operator is refused: it would never come from a chart.
LONGEST_LIST = 100_000

_HASHABLE = frozenset({str, int, bool, type(None)})


def exists(items: list[Any] | None) -> bool:
    """Whether there is an element that is not null; false for null."""
    if items is not None:
        for item in items:
            if item is not None:
                return True
    return False


def first(items: list[Any] | None) -> Any:
    """The first element, null for none."""
    return items[0] if items else None


def last(items: list[Any] | None) -> Any:
    """The last element, null for none."""
    return items[-1] if items else None


def length(value: list[Any] | str | None) -> int | None:
    """The number of elements or characters; null for null (of a null list: 0, `length_of_list`)."""
    return None if value is None else len(value)


def length_of_list(items: list[Any] | None) -> int:
    """The number of elements, 0 for null: what Length means when its operand is a list by type."""
    return 0 if items is None else len(items)


def indexer(value: list[Any] | str | None, index: int | None) -> Any:
    """The element or character at a position, counted from 0; null outside."""
    if value is None or index is None or not 0 <= index < len(value):
        return None
    return value[index]


def index_of(items: list[Any] | None, element: Any) -> int | None:
    """The position of the first equal element, counted from 0; -1 for none, null for null."""
    if items is None or element is None:
        return None
    for index, item in enumerate(items):
        if equal(item, element):
            return index
    return -1


def flatten(items: list[Any] | None) -> list[Any] | None:
    """The elements of all the lists in a list."""
    if items is None:
        return None
    result: list[Any] = []
    for item in items:
        if type(item) is list:
            result.extend(item)
        elif item is not None:
            result.append(item)
    return result


def singleton_from(items: list[Any] | None) -> Any:
    """The only element, null for none. Raises CqlRuntimeError for several."""
    if not items:
        return None
    if len(items) > 1:
        raise CqlRuntimeError(f"singleton from a list of {len(items)} elements")
    return items[0]


def slice_of(items: list[Any] | None, start: int | None = None, stop: int | None = None) -> list[Any] | None:
    """From `start` up to but without `stop`, negative ones counted from the end: Skip, Take and Tail."""
    return None if items is None else items[start:stop]


def distinct(items: list[Any] | None) -> list[Any] | None:
    """Without repetitions, in the order of first occurrence."""
    if items is None:
        return None
    if (
        all(type(item) in _HASHABLE for item in items)
        and len({type(item) for item in items} - {type(None)}) < 2
    ):
        return list(dict.fromkeys(items))
    seen: set[int] = set()
    result: list[Any] = []
    for item in items:
        if id(item) not in seen and not among(item, result):
            result.append(item)
        seen.add(id(item))
    return result


def among(element: Any, items: Iterable[Any]) -> bool:
    """Whether an element equals one of the list; null equals null, also as a bound or part of a value."""
    kind = type(element)
    return any((type(item) is kind and item == element) or equal(item, element) for item in items)


def union(left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
    """All different elements of both; a null list counts as empty."""
    return distinct((left or []) + (right or []))


def intersect(left: list[Any], right: list[Any]) -> list[Any] | None:
    """The different elements that are in both."""
    return distinct([item for item in left if among(item, right)])


def without(left: list[Any], right: list[Any] | None) -> list[Any] | None:
    """The different elements of left that are not in right."""
    return distinct(left if right is None else [item for item in left if not among(item, right)])


def times(left: list[Any] | None, right: list[Any] | None) -> list[Any] | None:
    """The Cartesian product of two lists of tuples. Raises CqlRuntimeError when it is too large."""
    if left is None or right is None:
        return None
    if len(left) * len(right) > LONGEST_LIST:
        raise CqlRuntimeError(f"a product of {len(left)} and {len(right)} elements is too large")
    return [CqlTuple({**(one or {}), **(two or {})}) for one, two in product(left, right)]


OPERATORS = {
    "Exists": exists,
    "First": first,
    "Last": last,
    "Length": length,
    "Indexer": indexer,
    "IndexOf": index_of,
    "Flatten": flatten,
    "SingletonFrom": singleton_from,
    "Slice": slice_of,
    "Distinct": distinct,
    "Times": times,
}
