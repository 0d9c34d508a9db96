"""Forms of policies that are shaped in ways the shipped ones are not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from cds_service.dtr.model import AnswerType, Comparison, Conditions, Question, Section
from cds_service.policies.model import Connective
from tests.dtr.made import all_of, any_of, criterion, made, no

A, B, C = criterion("A"), criterion("B"), criterion("C")
NULL = {"type": "Null"}


def literal(value: str) -> dict[str, Any]:
    return {"type": "Literal", "valueType": "{urn:hl7-org:elm-types:r1}Boolean", "value": value}


def at_most(fact: str, value: str) -> dict[str, Any]:
    number = {"type": "Literal", "valueType": "{urn:hl7-org:elm-types:r1}Integer", "value": value}
    return {"type": "LessOrEqual", "operand": [{"type": "ExpressionRef", "name": fact}, number]}


def sections(items: tuple[Section | Question, ...]) -> list[Section]:
    found = []
    for item in items:
        if isinstance(item, Section):
            found += [item, *sections(item.children)]
    return found


# ------------------------------------------------------------------------------------- what is never asked


def test_nothing_is_asked_where_a_literal_decides() -> None:
    logic = {"A": literal("false")}
    assert made(all_of(A, B), logic).items == ()
    assert made(A, logic).items == ()
    assert [each.link_id for each in made(any_of(A, B), logic).questions()] == ["b"]


def test_what_falls_back_to_a_literal_is_never_unknown() -> None:
    logic = {"A": {"type": "Coalesce", "operand": [NULL, literal("true")]}}
    assert [each.link_id for each in made(all_of(A, B), logic).questions()] == ["b"]
    assert made(no(A), logic).items == ()
    assert [each.link_id for each in made(all_of(no(A, B), C), {"A": literal("false")}).questions()] == [
        "b",
        "c",
    ]


def test_a_fall_back_to_a_fact_can_be_unknown() -> None:
    logic = {"A": {"type": "Coalesce", "operand": [literal("true"), NULL]}}
    assert [each.link_id for each in made(A, logic).questions()] == ["a"]


# -------------------------------------------------------------------------------------------------- groups


def test_groups_without_a_name_say_how_they_combine() -> None:
    found = sections(made(all_of(any_of(A, B), no(C, criterion("D")), any_of(criterion("E"), A))).items)
    assert [each.text for each in found] == [
        "All of the following",
        "Any of the following",
        "None of the following",
        "Any of the following",
    ]
    assert len({each.link_id for each in found}) == len(found)


def test_a_criterion_alone_needs_no_group() -> None:
    (only,) = made(A).items
    assert isinstance(only, Question)


def test_a_negated_criterion_is_asked_as_it_is_named() -> None:
    first, second = made(all_of(no(A), B)).questions()
    assert (first.text, first.link_id) == ("A?", "a")
    assert second.enabled == Comparison("a", "=", False)  # met, when the answer is no


def test_a_criterion_that_nobody_worded_is_asked_by_its_name() -> None:
    (found,) = made(replace(A, question=None)).questions()
    assert found.text == "Does this hold for the patient and the order: a?"


# ----------------------------------------------------------------------------------------------- documents


def test_a_negated_criterion_is_proved_when_the_answer_is_no() -> None:
    proved = criterion("A", documentation="The notes.")
    documents = [each for each in made(all_of(no(proved), B)).questions() if each.documents]
    assert [(each.text, each.enabled) for each in documents] == [("The notes.", Comparison("a", "=", False))]


def test_alternatives_are_proved_each_for_itself() -> None:
    one, other = (criterion(name, documentation="The notes.") for name in "AB")
    assert [each.documents for each in made(any_of(one, other)).questions() if each.documents] == ["a", "b"]
    assert [each.documents for each in made(all_of(one, other)).questions() if each.documents] == ["a"]


# --------------------------------------------------------------------------------------------------- facts


def test_criteria_that_rest_on_one_fact_are_one_question() -> None:
    upper, lower = (criterion(name, answer_type="quantity") for name in ("At most 40", "At most 30"))
    logic = {
        "Index": {"type": "Null"},
        "At most 40": at_most("Index", "40"),
        "At most 30": at_most("Index", "30"),
    }
    facts = {"At most 40": "Index", "At most 30": "Index"}
    found = list(made(any_of(all_of(upper, A), all_of(lower, B)), logic, facts).questions())
    assert [each.link_id for each in found] == ["at-most-40", "a", "b"]
    assert (found[0].definition, found[0].type) == ("Index", AnswerType.QUANTITY)
    assert found[1].enabled == Comparison("at-most-40", "<=", Decimal(40))


# ------------------------------------------------------------------------------------------ several places


def test_a_question_in_two_places_is_asked_when_either_is_reached() -> None:
    found = {each.link_id: each for each in made(any_of(all_of(A, C), all_of(B, C))).questions()}
    assert list(found) == ["a", "c", "b"]
    second_way = Conditions(
        Connective.ALL,
        (Comparison("a", "=", False), Comparison("b", "=", True)),
    )
    assert found["c"].enabled == Conditions(Connective.ANY, (Comparison("a", "=", True), second_way))


def test_a_comparison_under_another_name_is_the_comparison() -> None:
    upper = criterion("At most 40", answer_type="quantity")
    logic = {
        "Index": NULL,
        "Shared limit": at_most("Index", "40"),
        "At most 40": {"type": "ExpressionRef", "name": "Shared limit"},
    }
    _, second = made(any_of(upper, A), logic, {"At most 40": "Index"}).questions()
    assert second.enabled == Comparison("at-most-40", ">", Decimal(40))


def test_a_literal_on_the_left_turns_the_comparison() -> None:
    lower = criterion("At least 18", answer_type="quantity")
    number = {"type": "Literal", "valueType": "{urn:hl7-org:elm-types:r1}Decimal", "value": "18.5"}
    left = {"type": "LessOrEqual", "operand": [number, {"type": "ExpressionRef", "name": "Index"}]}
    _, second = made(
        all_of(lower, A), {"Index": NULL, "At least 18": left}, {"At least 18": "Index"}
    ).questions()
    assert second.enabled == Comparison("at-least-18", ">=", Decimal("18.5"))


def test_a_limit_in_another_unit_than_the_question_is_left_to_the_rules() -> None:
    """The answer is converted where the rules compare it; a form filler would compare bare numbers."""
    upper = criterion("At most 40", answer_type="quantity", unit="g")
    limit = {"type": "Quantity", "value": 40, "unit": "kg"}
    less = {"type": "Less", "operand": [{"type": "ExpressionRef", "name": "Index"}, limit]}
    _, second = made(
        all_of(upper, A), {"Index": NULL, "At most 40": less}, {"At most 40": "Index"}
    ).questions()
    assert second.enabled == Comparison("at-most-40", "exists", True)
