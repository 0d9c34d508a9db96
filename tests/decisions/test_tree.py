"""Criteria trees: three-valued conclusions, and exactly the questions that still matter."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.decisions.model import CriterionStatus
from cds_service.decisions.tree import evaluate, leaves, settle, statuses
from cds_service.policies.model import Connective, CriteriaGroup, CriteriaNode, Criterion

A, B, C, D = (Criterion(id=name, name=name.upper(), cite="1") for name in "abcd")


def all_of(*children: CriteriaNode) -> CriteriaGroup:
    return CriteriaGroup(Connective.ALL, children)


def any_of(*children: CriteriaNode) -> CriteriaGroup:
    return CriteriaGroup(Connective.ANY, children)


def none_of(child: CriteriaNode) -> CriteriaGroup:
    return CriteriaGroup(Connective.NOT, (child,))


@pytest.mark.parametrize(
    ("node", "values", "expected"),
    [
        (all_of(A, B), {"a": True, "b": True}, True),
        (all_of(A, B), {"a": False, "b": None}, False),
        (all_of(A, B), {"a": True, "b": None}, None),
        (any_of(A, B), {"a": True, "b": None}, True),
        (any_of(A, B), {"a": False, "b": None}, None),
        (any_of(A, B), {"a": False, "b": False}, False),
        (none_of(A), {"a": True}, False),
        (none_of(A), {"a": None}, None),
        (all_of(A, any_of(B, C)), {"a": True, "b": None, "c": True}, True),
        (all_of(), {}, True),
        (any_of(), {}, False),
    ],
)
def test_groups_combine_as_cql_does(
    node: CriteriaNode, values: dict[str, bool | None], expected: bool | None
) -> None:
    assert evaluate(node, values) is expected


def test_a_criterion_without_a_value_is_unknown() -> None:
    assert evaluate(all_of(A), {}) is None


def test_a_settled_conclusion_asks_nothing() -> None:
    conclusion, found = statuses(all_of(A, B), {"a": False, "b": None})
    assert conclusion is False
    assert found == {"a": CriterionStatus.NOT_MET, "b": CriterionStatus.NOT_NEEDED}


def test_only_the_open_branch_is_asked() -> None:
    tree = all_of(A, any_of(B, C))
    conclusion, found = statuses(tree, {"a": None, "b": True, "c": None})
    assert conclusion is None
    assert found == {"a": CriterionStatus.UNKNOWN, "b": CriterionStatus.MET, "c": CriterionStatus.NOT_NEEDED}


def test_questions_keep_the_order_of_the_policy() -> None:
    _, found = statuses(all_of(any_of(D, B), A, C), {"a": None, "b": None, "c": True, "d": None})
    assert [name for name, status in found.items() if status is CriterionStatus.UNKNOWN] == ["d", "b", "a"]


def test_a_criterion_named_twice_is_listed_once() -> None:
    assert leaves(any_of(all_of(A, B), all_of(A, C))) == (A, B, C)


def test_a_question_that_no_answer_can_make_matter_is_not_asked() -> None:
    tree = any_of(A, all_of(A, B))  # A decides alone, whatever B is
    assert settle(tree, {"a": None, "b": None}) == (None, frozenset({"a"}))


def test_a_conclusion_that_no_answer_can_change_is_settled() -> None:
    assert settle(any_of(A, none_of(A)), {"a": None}) == (True, frozenset())


def test_many_unknown_criteria_of_which_one_is_named_twice_are_all_asked() -> None:
    many = tuple(Criterion(id=f"m{number}", name=str(number), cite="1") for number in range(30))
    tree = all_of(*many, any_of(many[0], A))
    _, asks = settle(tree, {"a": True})
    assert asks == {each.id for each in many}


def trees() -> st.SearchStrategy[CriteriaNode]:
    return st.recursive(
        st.sampled_from([A, B, C, D]),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: all_of(*parts)),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: any_of(*parts)),
            inner.map(none_of),
        ),
        max_leaves=7,
    )


@given(trees(), st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in "abcd"}))
def test_what_is_asked_is_what_brute_force_finds(tree: CriteriaNode, values: dict[str, bool | None]) -> None:
    unknown = [each.id for each in leaves(tree) if values[each.id] is None]
    worlds = {
        answers: evaluate(tree, values | dict(zip(unknown, answers, strict=True)))
        for answers in product([True, False], repeat=len(unknown))
    }
    conclusions = set(worlds.values())
    expected = conclusions.pop() if len(conclusions) == 1 else None
    matters = {
        name
        for position, name in enumerate(unknown)
        if any(
            conclusion is not worlds[(*answers[:position], not answers[position], *answers[position + 1 :])]
            for answers, conclusion in worlds.items()
        )
    }
    assert settle(tree, values) == (expected, matters)
