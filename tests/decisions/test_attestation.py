"""Answers weighed against the chart, over every truth of a small policy."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from cds_service.cql import Doubt
from cds_service.decisions.attestation import Attestation, weigh
from cds_service.decisions.tree import evaluate
from cds_service.policies.model import Connective, CriteriaGroup, Criterion

NOTES = "Chart notes."
ONE = Criterion("one", "One", "1")
TWO = Criterion("two", "Two", "2", documentation=NOTES)
THREE = Criterion("three", "Three", "3", documentation=NOTES)
CRITERIA = (ONE, TWO, THREE)
TREES = (
    CriteriaGroup(Connective.ALL, CRITERIA),
    CriteriaGroup(Connective.ANY, CRITERIA),
    CriteriaGroup(Connective.ALL, (ONE, CriteriaGroup(Connective.ANY, (TWO, THREE)))),
    CriteriaGroup(Connective.ANY, (ONE, CriteriaGroup(Connective.NOT, (TWO,)))),
)
TRUTHS = (True, False, None)


class Rules:
    """Stands for the rules of a policy: what the chart says, and answers in place of it."""

    def __init__(self, chart: Mapping[str, bool | None]) -> None:
        self.chart = chart

    def __call__(self, given: Mapping[str, Any]) -> Any:
        def trace(name: str) -> Any:
            value = given.get(name, self.chart.get(name))
            doubted = isinstance(value, Doubt)
            return SimpleNamespace(
                value=None if doubted else value,
                unavailable=frozenset(),
                evidence=(),
                answered=name in given,
                values=(),
                why_null=value.why if doubted else None,
            )

        return SimpleNamespace(trace=trace, given=given)


def weighed(chart: Mapping[str, Any], answers: Mapping[str, Any], undocumented: tuple[str, ...] = ()) -> Any:
    return weigh(Rules(chart), CRITERIA, Attestation(answers, frozenset(undocumented)))


def values(found: Any) -> dict[str, Any]:
    return {each.id: found.evaluation.trace(each.name).value for each in CRITERIA}


@pytest.mark.parametrize("tree", TREES)
def test_what_contradicts_the_chart_never_decides(tree: CriteriaGroup) -> None:
    """Whatever chart and answers say: the conclusion follows from what only one of them says, or both."""
    decided = 0
    for chart in itertools.product(TRUTHS, repeat=3):
        for answers in itertools.product(TRUTHS, repeat=3):
            on_chart = {each.name: value for each, value in zip(CRITERIA, chart, strict=True)}
            said = {each.name: v for each, v in zip(CRITERIA, answers, strict=True) if v is not None}
            found = weighed(on_chart, said)
            agreed = {
                each.id: a if c is None else c if a in (None, c) else None
                for each, c, a in zip(CRITERIA, chart, answers, strict=True)
            }
            conclusion = evaluate(tree, values(found))
            assert values(found) == agreed
            assert conclusion is evaluate(tree, agreed)
            against = {
                each.name
                for each, c, a in zip(CRITERIA, chart, answers, strict=True)
                if c is not None and a is not None and a is not c
            }
            assert {each.name for each in found.contradictions} == against
            decided += conclusion is not None
    assert decided > 100


def test_a_fact_that_the_chart_refutes_settles_nothing_else() -> None:
    """One criterion shows that the weight answered is not that of the chart; another would believe it."""

    def rules(given: Mapping[str, Any]) -> Any:
        weighs = given.get("Common.Weight")
        derived = {
            "One": (weighs or 39) <= 40,  # the chart says 39
            "Two": None if weighs is None else weighs > 30,  # the chart does not say when
            "Three": None,
        }
        plain = {name: value for name, value in given.items() if name in derived}
        return Rules({**derived})(plain)

    found = weigh(rules, CRITERIA, Attestation({"Common.Weight": 45}))
    assert values(found) == {"one": None, "two": None, "three": None}
    agreeing = weigh(rules, CRITERIA, Attestation({"Common.Weight": 38}))
    assert values(agreeing) == {"one": True, "two": True, "three": None}


def test_an_answer_that_the_chart_shows_anyway_is_not_needed() -> None:
    assert weighed({"One": True}, {"One": True, "Two": True}).evaluation.given == {"Two": True}


def test_a_fact_that_changes_nothing_is_left_to_the_chart() -> None:
    found = weighed({"One": True}, {"Common.Weight": 70})
    assert found.evaluation.given == {}


def test_a_missing_document_leaves_everything_open_that_it_would_prove() -> None:
    """A form asks once for what proves several answers of a group."""
    found = weighed({}, {"One": True, "Two": True, "Three": True}, ("Two",))
    assert values(found) == {"one": True, "two": None, "three": None}
    assert found.undocumented == ("Two", "Three")
    why = found.evaluation.trace("Three").why_null
    assert why == "the answer needs documentation that has not come: Chart notes."


def test_an_answer_against_coverage_needs_no_document() -> None:
    found = weighed({}, {"Two": True, "Three": False}, ("Two",))
    assert values(found) == {"one": None, "two": None, "three": False}


def test_what_the_chart_shows_needs_no_document() -> None:
    found = weighed({"Two": True}, {"Two": True}, ("Two",))
    assert values(found)["two"] is True
    assert found.undocumented == ()


def test_answers_of_two_forms_of_a_policy_count_together() -> None:
    one, other = Attestation({"One": True, "Two": True}), Attestation({"Two": True}, frozenset({"Two"}))
    joined = one.joined(other)
    assert joined == Attestation({"One": True, "Two": True}, frozenset({"Two"}))


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)])
def test_where_two_forms_say_different_things_neither_counts(first: bool, second: bool) -> None:
    one, other = Attestation({"One": first, "Two": True}), Attestation({"One": second})
    for third in (True, False):
        joined = one.joined(other).joined(Attestation({"One": third}))
        found = weigh(Rules({}), CRITERIA, joined)
        assert values(found) == {"one": None, "two": True, "three": None}
