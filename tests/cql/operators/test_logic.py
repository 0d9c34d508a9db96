"""Three-valued logic: the laws that a decision relies on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.operators import OPERATORS

truth = st.sampled_from([True, False, None])

AND, OR, NOT, XOR, IMPLIES = (OPERATORS[name] for name in ("And", "Or", "Not", "Xor", "Implies"))

TABLE = [
    # left, right, and, or, xor, implies
    (True, True, True, True, False, True),
    (True, False, False, True, True, False),
    (True, None, None, True, None, None),
    (False, True, False, True, True, True),
    (False, False, False, False, False, True),
    (False, None, False, None, None, True),
    (None, True, None, True, None, True),
    (None, False, False, None, None, None),
    (None, None, None, None, None, None),
]


@pytest.mark.parametrize(("left", "right", "both", "either", "one", "implied"), TABLE)
def test_truth_tables(
    left: bool | None,
    right: bool | None,
    both: bool | None,
    either: bool | None,
    one: bool | None,
    implied: bool | None,
) -> None:
    assert (AND(left, right), OR(left, right), XOR(left, right), IMPLIES(left, right)) == (
        both,
        either,
        one,
        implied,
    )


@given(truth, truth)
def test_de_morgan(left: bool | None, right: bool | None) -> None:
    assert NOT(AND(left, right)) is OR(NOT(left), NOT(right))
    assert NOT(OR(left, right)) is AND(NOT(left), NOT(right))


@given(truth, truth, truth)
def test_and_distributes_over_or(first: bool | None, second: bool | None, third: bool | None) -> None:
    assert AND(first, OR(second, third)) is OR(AND(first, second), AND(first, third))


@given(truth, truth)
def test_what_is_decided_stays_decided_once_the_unknown_is_known(
    left: bool | None, right: bool | None
) -> None:
    for operator in (AND, OR, XOR, IMPLIES):
        answer = operator(left, right)
        if answer is not None:
            for one in (True, False) if left is None else (left,):
                for two in (True, False) if right is None else (right,):
                    assert operator(one, two) is answer


@pytest.mark.parametrize(
    ("value", "null", "true", "false"),
    [(None, True, False, False), (True, False, True, False), (False, False, False, True)],
)
def test_tests_for_null_and_truth(value: bool | None, null: bool, true: bool, false: bool) -> None:
    assert [OPERATORS[name](value) for name in ("IsNull", "IsTrue", "IsFalse")] == [null, true, false]
