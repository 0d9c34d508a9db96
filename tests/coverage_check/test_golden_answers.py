"""Every golden case without its chart: the questionnaire, answered with the same facts, decides the same.

What no question can ask stays: the order with its reason, the coverage, and where the patient is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.coverage_check.documentation import Decided, OpenDocumentation
from cds_service.cql.values import Date, Quantity
from cds_service.decisions.attestation import criteria_of
from cds_service.decisions.model import Outcome
from cds_service.decisions.statement import truth
from cds_service.dtr.model import AnswerType, Form, Question
from cds_service.dtr.versions import VERSIONS
from tests.coverage_check.desk import (
    Desk,
    Facts,
    filled,
    golden,
    is_of_rules,
    open_questions,
    prepared,
    stripped,
)

OPEN = (Outcome.DOCUMENTATION_NEEDED,)
CONCLUSIONS_ONLY = {"cigna-1701/2024-07-01: Macrilen known from answers alone is covered"}
"""Cases that give no facts, but what follows from facts that they do not tell."""
UNKNOWN = 40
"""More questions than any form has."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk.at(Path(tmp_path_factory.mktemp("desk")))
    yield made
    made.close()


def any_answer(question: Question, chance: random.Random) -> Any:
    """Some answer to a question."""
    match question.type:
        case AnswerType.BOOLEAN:
            return chance.random() < 0.5
        case AnswerType.QUANTITY:
            return Quantity(Decimal(chance.choice(["18", "40", "40.1", "55"])), question.unit or "1")
        case AnswerType.DATE:
            return Date.parse(chance.choice(["1950-01-01", "2020-06-30"]))
        case AnswerType.CHOICE:
            return chance.choice(question.options)
    return "as said in the chart"


def answered(
    desk: Desk, opened: OpenDocumentation, facts: Facts, chance: random.Random, *, settled: bool
) -> dict[Form, dict[str, Any]]:
    """What a clinician who knows the facts answers, question by question.

    Where the case itself knows no fact, anything is answered if the case is settled without it.
    """
    found: dict[Form, dict[str, Any]] = {}
    for form in opened.forms:
        known = desk.documentation.prefilled(opened, form)
        truth = facts.values.get(form.canonical, {})
        given: dict[str, Any] = {}
        for _ in range(UNKNOWN):
            for question in open_questions(form, known, given):
                if question.type is AnswerType.ATTACHMENT:
                    continue
                if question.link_id in truth:
                    given[question.link_id] = truth[question.link_id]
                    break
                if settled:
                    given[question.link_id] = any_answer(question, chance)
                    break
            else:
                break
        found[form] = given
    return found


@pytest.mark.parametrize("version", VERSIONS.values(), ids=list(VERSIONS))
@pytest.mark.parametrize("label", sorted(golden().keys() - CONCLUSIONS_ONLY))
def test_the_same_facts_answered_decide_the_same(label: str, version: Any, desk: Desk) -> None:
    case = prepared(label)
    facts, whole = Facts.of(case, desk.check), case.decide(desk.check)
    bare = stripped(case)
    assertion, _ = desk.asserted(bare)
    if not assertion.questionnaires:
        # The order alone decides, or where it is given is to be said on the order (CRD: never by a form).
        assert assertion.determination.outcome in (whole.outcome, Outcome.SITE_UNKNOWN)
        return
    opened = desk.documentation.open(assertion.identifiers.assertion_id, None)
    if case.coverage.service_excluded is None:  # else a table of members would have told it
        assert opened.assertion.identifiers == assertion.identifiers
    chance = random.Random(label)
    settled = whole.outcome not in OPEN and not whole.asks
    given_by_form = answered(desk, opened, facts, chance, settled=settled)
    responses = [
        filled(opened, form, given, desk.documentation.prefilled(opened, form), version=version)
        for form, given in given_by_form.items()
    ]
    decided = desk.documentation.preview(opened, responses, opened.now)
    assert decided.determination.outcome is whole.outcome, decided.determination.reasons
    assert not decided.contradictions
    assert not decided.undocumented


ASKING = [
    label
    for label in sorted(golden())
    if golden()[label].expect.outcome in ("documentation-needed", "lower-cost-site")
]


@given(label=st.sampled_from(ASKING), seed=st.integers(0, 2**32))
@settings(max_examples=150)
def test_asked_one_by_one_whatever_is_answered_settles_the_matter(label: str, seed: int, desk: Desk) -> None:
    chance = random.Random(seed)
    case = stripped(prepared(label)) if chance.random() < 0.3 else prepared(label)
    if case.answers:
        return  # these answers stand for a chart that no call delivers
    assertion, _ = desk.asserted(case)
    opened = desk.documentation.open(assertion.identifiers.assertion_id, None)
    asked_of: dict[Form, dict[str, Any]] = {form: {} for form in opened.forms}
    decided = desk.documentation.preview(opened, [], opened.now)
    meant: dict[tuple[str, str | None], Any] = {}  # who answers says the same on another form
    while decided.determination.asks:
        question, form = next_question(desk, opened, asked_of)
        assert question.link_id not in asked_of[form]  # nothing is asked twice
        same = (form.policy, question.definition)
        asked_of[form][question.link_id] = meant.setdefault(same, any_answer(question, chance))
        decided = preview(desk, opened, asked_of)
        criterion = question.criterion
        assert criterion not in {each.name for each in decided.determination.asks}
    assert decided.determination.outcome in (
        Outcome.COVERED,
        Outcome.NOT_COVERED,
        Outcome.NOT_ADDRESSED,  # the answers show that the policy does not speak of this use
        Outcome.LOWER_COST_SITE,  # every exception is ruled out
        Outcome.SITE_UNKNOWN,
    )
    for form, said in asked_of.items():
        assert len(said) <= len(unknown_criteria(desk, opened, form))


def next_question(
    desk: Desk, opened: OpenDocumentation, asked_of: dict[Form, dict[str, Any]]
) -> tuple[Question, Form]:
    """The first question that is open, in the order of the policies."""
    for form, said in asked_of.items():
        known = desk.documentation.prefilled(opened, form)
        for question in open_questions(form, known, said):
            if is_of_rules(question):
                return question, form
    raise AssertionError("the matter is open, and nothing is asked")


def preview(desk: Desk, opened: OpenDocumentation, asked_of: dict[Form, dict[str, Any]]) -> Decided:
    """The decision with these answers and every document that is due."""
    responses = [
        filled(opened, form, said, desk.documentation.prefilled(opened, form))
        for form, said in asked_of.items()
    ]
    return desk.documentation.preview(opened, responses, opened.now)


def unknown_criteria(desk: Desk, opened: OpenDocumentation, form: Form) -> set[str]:
    """The criteria of a form's statement that the chart leaves unknown."""
    chart = opened.state.charts.charts[form.policy]
    version = desk.check.catalogue.policy_version(form.policy, form.policy_version)
    assert version is not None
    (statement,) = (each for each in version.statements if each.id == form.statement)
    return {each.name for each in criteria_of([statement]) if truth(chart.trace(each.name)) is None}
