"""What the page shows of every form of the catalogue, whatever stands in its fields."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.decisions.model import CriterionResult, CriterionStatus
from cds_service.dtr.conditions import asked
from cds_service.dtr.forms import Forms
from cds_service.dtr.model import AnswerType, Form, Question
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import default_rules_directory
from cds_service.web.form_entries import Entry, for_conditions, option_key
from cds_service.web.form_fields import Field, FormPart, Group, same_questions
from cds_service.web.form_page import Filling, Standing, form_parts

FORMS = tuple(Forms.load(Catalogue.load(default_rules_directory()), "http://127.0.0.1"))


def texts(question: Question) -> tuple[str, ...]:
    """What may stand in a field: nothing, sense and nonsense."""
    sense = {
        AnswerType.BOOLEAN: ("yes", "no"),
        AnswerType.QUANTITY: ("24.5", "40", "40.1"),
        AnswerType.DATE: ("1980-05-17",),
        AnswerType.CHOICE: tuple(map(option_key, question.options)),
    }
    return ("", "nonsense", *sense.get(question.type, ("words",)))


@st.composite
def fillings(draw: st.DrawFn) -> Filling:
    form = draw(st.sampled_from(FORMS))
    entries, recorded, criteria = {}, {}, {}
    for question in form.questions():
        text = draw(st.sampled_from(texts(question)))
        entries[question.link_id] = Entry((text,) if text else ())
        known = draw(st.sampled_from(("", "", "recorded", "settled")))
        if question.criterion and known == "settled":
            criteria[question.criterion] = result(question, CriterionStatus.NOT_NEEDED)
        if question.type is AnswerType.BOOLEAN and known == "recorded":
            recorded[question.link_id] = Entry(("yes",), from_record=True)
    return Filling(0, form, entries, Standing(criteria, recorded, str), {})


def result(question: Question, status: CriterionStatus) -> CriterionResult:
    return CriterionResult(question.link_id, question.criterion or "", status, question.cite)


def leaves(items: tuple[Group | Field, ...]) -> Iterator[Field]:
    for item in items:
        if isinstance(item, Field):
            yield item
        else:
            yield from leaves(item.children)


@given(fillings())
def test_every_question_is_somewhere_once_and_numbered_in_order(filling: Filling) -> None:
    (part,) = form_parts([filling])
    shown = [*leaves(part.open), *part.on_record]
    assert len({each.id for each in shown}) == len(shown) == len(part.fields)
    numbers = [each.number for each in leaves(part.open) if each.number is not None]
    assert numbers == list(range(1, len(numbers) + 1))
    for each in leaves(part.open):
        assert (each.number is not None) == each.possible


@given(fillings())
def test_what_is_asked_now_is_shown_and_what_is_needed_is_asked(filling: Filling) -> None:
    (part,) = form_parts([filling])
    questions = {each.link_id: each for each in filling.form.questions()}
    answers = {key: for_conditions(questions[key], entry) for key, entry in filling.entries.items()}
    now = asked(filling.form, answers)
    for each in part.fields:
        settled = filling.standing.criteria.get(each.question.criterion or "")
        if each.question.link_id in now and each.open:
            assert each.shown
        if settled is not None:
            assert not each.possible
    needed = {each.question.link_id for each in part.needed()}
    assert needed <= now
    assert needed <= {each.question.link_id for each in part.waiting()} | {
        each.question.link_id for each in part.fields if not each.entry.is_empty
    }


def test_a_question_that_waits_for_others_says_for_which() -> None:
    form = next(each for each in FORMS if each.id == "cigna-1701-dsuvia")
    (part,) = form_parts([Filling(0, form, {}, Standing({}, {}, str), {})])
    first, second, *_ = leaves(part.open)
    assert (first.number, first.when) == (1, "")
    assert second.when == "question 1 is yes"


@functools.cache
def same() -> tuple[Form, Form]:
    chronic, psychiatric = (
        form for form in FORMS if form.policy == "bcbs-al-mp-446" and form.policy_version == "2024-10-01"
    )
    return chronic, psychiatric


def two_parts(problems: dict[str, str] | None = None) -> list[FormPart]:
    nothing = Standing({}, {}, str)
    return form_parts(
        Filling(position, form, {}, nothing, (problems or {}) if position else {})
        for position, form in enumerate(same())
    )


def test_the_same_question_of_two_forms_is_one_field() -> None:
    first, second = two_parts()
    by_text = {each.question.text: each for each in leaves(first.open)}
    twins = [each for each in second.fields if each.question.text in by_text]
    assert twins
    assert not {id(each) for each in leaves(second.open)} & {id(each) for each in twins}
    for twin in twins:
        assert by_text[twin.question.text].twins == [twin]
        assert twin.name in by_text[twin.question.text].asks


def test_a_mistake_of_a_twin_shows_at_the_field() -> None:
    first, second = two_parts()
    twin = next(each for field in leaves(first.open) for each in field.twins)
    assert twin in second.fields
    shown, _ = two_parts({twin.question.link_id: "Choose an answer"})
    (wrong,) = [each for each in leaves(shown.open) if each.error]
    assert wrong.error == "Choose an answer"


@pytest.mark.parametrize("versions", ["other policies", "other versions"])
def test_questions_of_other_policies_and_versions_stay_apart(versions: str) -> None:
    chosen = [form for form in FORMS if form.id == "bcbs-al-mp-446-chronic-pain"]
    if versions == "other policies":
        chosen = [chosen[0], next(form for form in FORMS if form.policy.startswith("excellus"))]
    names = same_questions(enumerate(chosen))
    assert all(len(each) == 1 for each in names.values())
