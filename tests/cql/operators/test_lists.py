"""Lists: membership, sets, positions, and conversion to and from single values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS
from cds_service.cql.operators.lists import length_of_list
from cds_service.cql.values import Code, CqlTuple, Date, Interval, Time

CASES: dict[str, tuple[str, tuple[Any, ...], Any]] = {
    "Exists of nothing": ("Exists", ([],), False),
    "Exists of nulls only": ("Exists", ([None],), False),
    "Exists of null": ("Exists", (None,), False),
    "Exists": ("Exists", ([None, 1],), True),
    "First": ("First", ([1, 2],), 1),
    "First of nothing": ("First", ([],), None),
    "Last of null": ("Last", (None,), None),
    "Last": ("Last", ([1, 2],), 2),
    "Length": ("Length", ([1, None],), 2),
    "Indexer": ("Indexer", ([1, 2], 1), 2),
    "Indexer outside": ("Indexer", ([1, 2], 2), None),
    "IndexOf": ("IndexOf", ([1, 2], 2), 1),
    "IndexOf what is not there": ("IndexOf", ([1, 2], 3), -1),
    "IndexOf null": ("IndexOf", ([1, None], None), None),
    "Flatten": ("Flatten", ([[1, 2], None, [3]],), [1, 2, 3]),
    "Flatten null": ("Flatten", (None,), None),
    "singleton from nothing": ("SingletonFrom", ([],), None),
    "singleton from {1}": ("SingletonFrom", ([1],), 1),
    "Skip 2": ("Slice", ([1, 2, 3], 2, None), [3]),
    "Take 2": ("Slice", ([1, 2, 3], 0, 2), [1, 2]),
    "Slice of null": ("Slice", (None, 0, 2), None),
    "distinct keeps the order": ("Distinct", ([3, 1, 3, None, 1, None],), [3, 1, None]),
    "distinct tells true from 1": ("Distinct", ([True, 1],), [True, 1]),
    "distinct of codes": ("Distinct", ([Code("a", "s"), Code("a", "s")],), [Code("a", "s")]),
    "distinct of resources": ("Distinct", ([{"id": "1"}, {"id": "1"}],), [{"id": "1"}]),
    "distinct of intervals with the same unknown bound": (
        "Distinct",
        ([Interval(None, 5, False), Interval(None, 5, False), Interval(None, 6, False)],),
        [Interval(None, 5, False), Interval(None, 6, False)],
    ),
    "distinct of partial dates": (
        "Distinct",
        ([Date(2014), Date(2014, 5), Date(2014)],),
        [Date(2014), Date(2014, 5)],
    ),
    "distinct of null": ("Distinct", (None,), None),
    "union": ("Union", ([1, 2], [2, 3]), [1, 2, 3]),
    "union with null": ("Union", (None, [1, 1]), [1]),
    "union of nulls": ("Union", (None, None), None),
    "intersect": ("Intersect", ([1, 2, None], [None, 2]), [2, None]),
    "intersect with null": ("Intersect", ([1], None), None),
    "except": ("Except", ([1, 2, 3], [2]), [1, 3]),
    "except null": ("Except", ([1, 4, 4], None), [1, 4]),
    "null except": ("Except", (None, [1]), None),
    "the product of two lists of tuples": (
        "Times",
        ([CqlTuple(a=1), CqlTuple(a=2)], [CqlTuple(b=3)]),
        [CqlTuple(a=1, b=3), CqlTuple(a=2, b=3)],
    ),
    "ToList": ("ToList", (1,), [1]),
    "ToList of null": ("ToList", (None,), []),
}


@pytest.mark.parametrize(("operator", "operands", "expected"), CASES.values(), ids=CASES.keys())
def test_lists(operator: str, operands: tuple[Any, ...], expected: Any) -> None:
    result = OPERATORS[operator](*operands)
    assert result == expected
    assert type(result) is type(expected)


EXACT, VAGUE = Time(15, 59, 59, 999), Time(15, 59, 59)

# collection, element, contains, properly contains
MEMBERSHIP: dict[str, tuple[Any, Any, bool | None, bool | None]] = {
    "'a' in {'a', 'b'}": (["a", "b"], "a", True, True),
    "'a' in {'a'}": (["a"], "a", True, False),
    "'a' in {'a', 'a'}": (["a", "a"], "a", True, False),
    "'c' in {'a', 'b'}": (["a", "b"], "c", False, False),
    "'a' in {null, 'b'}": ([None, "b"], "a", False, False),
    "'a' in {'a', null}": (["a", None], "a", True, None),
    "null in {'a', null}": (["a", None], None, True, True),
    "null in {null}": ([None], None, True, False),
    "null in {}": ([], None, False, False),
    "'a' in null": (None, "a", False, False),
    "a second in a list of milliseconds": ([EXACT, Time(20, 0, 0, 0)], VAGUE, None, None),
}


@pytest.mark.parametrize(
    ("items", "element", "contains", "properly"), MEMBERSHIP.values(), ids=MEMBERSHIP.keys()
)
def test_membership(items: Any, element: Any, contains: bool | None, properly: bool | None) -> None:
    assert OPERATORS["Contains"](items, element) is contains
    assert OPERATORS["In"](element, items) is contains
    assert OPERATORS["ProperContains"](items, element) is properly
    assert OPERATORS["ProperIn"](element, items) is properly


# left, right, includes, properly includes
INCLUSION: dict[str, tuple[Any, Any, bool | None, bool | None]] = {
    "{1, 2, 3} includes {2}": ([1, 2, 3], [2], True, True),
    "{1, 2, 3} includes {4}": ([1, 2, 3], [4], False, False),
    "{1, 2} includes {2, 1}": ([1, 2], [2, 1], True, False),
    "{} includes {}": ([], [], True, False),
    "{null} includes {null}": ([None], [None], True, False),
    "{1} includes null": ([1], None, None, None),
    "null includes {1}": (None, [1], None, None),
}


@pytest.mark.parametrize(("left", "right", "includes", "properly"), INCLUSION.values(), ids=INCLUSION.keys())
def test_inclusion(left: Any, right: Any, includes: bool | None, properly: bool | None) -> None:
    assert OPERATORS["Includes"](left, right) is includes
    assert OPERATORS["IncludedIn"](right, left) is includes
    assert OPERATORS["ProperIncludes"](left, right) is properly
    assert OPERATORS["ProperIncludedIn"](right, left) is properly


def test_a_null_list_has_no_elements_a_null_text_no_length() -> None:
    assert length_of_list(None) == 0
    assert OPERATORS["Length"](None) is None


def test_singleton_from_several_is_an_error() -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS["SingletonFrom"]([1, 2])


def test_a_list_and_an_interval_cannot_be_joined() -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS["Union"]([1], Interval(1, 2))


def test_a_product_that_is_too_large_is_refused() -> None:
    with pytest.raises(CqlRuntimeError, match="too large"):
        OPERATORS["Times"]([CqlTuple()] * 1000, [CqlTuple()] * 1000)


numbers = st.lists(st.integers(0, 5) | st.none(), max_size=8)


@given(numbers, numbers)
def test_list_operators_are_those_of_sets(left: list[Any], right: list[Any]) -> None:
    one, two = set(left), set(right)
    for name, expected in (("Union", one | two), ("Intersect", one & two), ("Except", one - two)):
        result = OPERATORS[name](left, right)
        assert set(result) == expected
        assert len(result) == len(expected)
