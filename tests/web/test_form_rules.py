"""When a question is asked: as data for the page's script, and in words for people without it."""

from __future__ import annotations

from decimal import Decimal

from cds_service.dtr.conditions import asked
from cds_service.dtr.model import AnswerType, Comparison, Conditions, Form, Option, Question, Section
from cds_service.policies.model import Connective
from cds_service.web.form_rules import as_data, in_words, may_be_asked, rules_by_question

ALL, ANY = Connective.ALL, Connective.ANY
USE = Option("https://x.example/uses", "pain", "Chronic pain", True)


def question(link_id: str, enabled: object = None, kind: AnswerType = AnswerType.BOOLEAN) -> Question:
    return Question(link_id, f"{link_id}?", kind, link_id, link_id, enabled=enabled)  # type: ignore[arg-type]


def form(*items: Section | Question) -> Form:
    return Form("f", "1.0.0", "https://x.example/f", "F", "p", "2024-01-01", "s", "L", items)


SEQUENCE = form(
    question("a"),
    question("b", Comparison("a", "=", True)),
    Section(
        "g",
        "Either",
        ANY,
        (question("c"), question("d", Comparison("c", "=", False))),
        enabled=Conditions(ALL, (Comparison("a", "=", True), Comparison("b", "=", True))),
    ),
)


def test_the_rules_of_a_question_are_its_own_and_those_around_it() -> None:
    rules = rules_by_question(SEQUENCE)
    assert rules["a"] == ()
    assert rules["c"] == (SEQUENCE.items[2].enabled,)
    assert rules["d"] == (SEQUENCE.items[2].enabled, Comparison("c", "=", False))


def test_what_may_be_asked_shrinks_as_answers_settle_branches() -> None:
    assert may_be_asked(SEQUENCE, {}) == {"a", "b", "c", "d"}
    assert may_be_asked(SEQUENCE, {"a": False}) == {"a"}
    assert may_be_asked(SEQUENCE, {"a": True, "b": True, "c": True}) == {"a", "b", "c"}
    # the answer to b counts for nothing while a keeps it from being asked
    assert may_be_asked(SEQUENCE, {"a": False, "b": True}) == {"a"}


def test_what_is_asked_now_is_among_what_may_be_asked() -> None:
    for a in (None, True, False):
        for b in (None, True, False):
            for c in (None, True, False):
                answers = {"a": a, "b": b, "c": c}
                assert asked(SEQUENCE, answers) <= may_be_asked(SEQUENCE, answers)


def test_rules_as_data() -> None:
    rule = Conditions(
        ANY,
        (
            Comparison("a", "exists", True),
            Conditions(ALL, (Comparison("bmi", "<=", Decimal("40.0")), Comparison("use", "=", USE))),
        ),
    )
    assert as_data(rule) == {
        "any": [
            ["a", "exists", True],
            {"all": [["bmi", "<=", "40.0"], ["use", "=", "https://x.example/uses|pain"]]},
        ]
    }


def test_rules_in_words_name_questions_by_their_number() -> None:
    numbers = {"a": 1, "b": 2, "bmi": 3, "use": 4}

    def name(link_id: str) -> str | None:
        number = numbers.get(link_id)
        return f"question {number}" if number else None

    def said(*rules: Comparison | Conditions) -> str:
        return in_words(rules, name)

    assert said() == ""
    assert said(Comparison("a", "=", True)) == "question 1 is yes"
    assert said(Comparison("a", "=", False)) == "question 1 is no"
    assert said(Comparison("use", "=", USE)) == "question 4 is “Chronic pain”"
    assert said(Comparison("bmi", "<=", Decimal(40))) == "question 3 is at most 40"
    assert said(Comparison("bmi", "exists", True)) == "question 3 is answered"
    assert said(Conditions(ANY, (Comparison("a", "=", True), Comparison("b", "=", False)))) == (
        "question 1 is yes or question 2 is no"
    )
    # the innermost rule says it all; what the record answers has no number and goes without saying
    assert said(Comparison("a", "=", True), Comparison("b", "=", True)) == "question 2 is yes"
    assert said(Comparison("a", "=", True), Comparison("known", "=", True)) == "question 1 is yes"
