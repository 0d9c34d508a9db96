"""Conditions on answers: the same in `enableWhen`, in FHIRPath and in the service."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from cds_service.dtr.conditions import all_of, any_of, asked, condition, holds, is_plain
from cds_service.dtr.fhirpath import fhirpath
from cds_service.dtr.model import Comparison, Condition, Conditions, Option
from cds_service.policies.model import Connective
from tests.dtr.shipped import MACRILEN, form

YES, NO = Comparison("a", "=", True), Comparison("a", "=", False)
HIGH = Comparison("b", ">", Decimal(40))
GIVEN = Comparison("c", "exists", True)
SYSTEM = "https://payer.example/CodeSystem/it's"
PAIN = Option(SYSTEM, "pain", "Pain", True)
CHOSEN = Comparison("d", "=", PAIN)

R4 = models["r4"]
NEST = Conditions(Connective.ANY, (Conditions(Connective.ALL, (YES, HIGH)), GIVEN, CHOSEN))


def response(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers as a QuestionnaireResponse, in groups."""
    items = []
    for link_id, value in answers.items():
        if value is None:
            continue
        if isinstance(value, bool):
            answer: dict[str, Any] = {"valueBoolean": value}
        elif isinstance(value, Decimal):
            answer = {"valueQuantity": {"value": float(value), "code": "kg/m2"}}
        elif isinstance(value, str):
            answer = {"valueDate": value}
        else:
            answer = {"valueCoding": {"system": value[0], "code": value[1]}}
        items.append({"linkId": link_id, "answer": [answer]})
    return {"resourceType": "QuestionnaireResponse", "item": [{"linkId": "group", "item": items}]}


ANSWERS = [
    dict(zip("abcd", row, strict=True))
    for row in itertools.product(
        [None, True, False],
        [None, Decimal(40), Decimal("40.5")],
        [None, "1970-02-03"],
        [None, (SYSTEM, "pain"), (SYSTEM, "other"), ("https://other.example", "pain")],
    )
]


@pytest.mark.parametrize("test", [YES, NO, HIGH, GIVEN, CHOSEN, Comparison("c", "exists", False), NEST])
def test_an_expression_says_what_the_condition_says(test: Condition) -> None:
    evaluate = fhirpathpy.compile(fhirpath(test), R4)
    for answers in ANSWERS:
        resource = response(answers)
        assert evaluate(resource, {"resource": resource}) == [holds(test, answers)]


def test_what_is_always_so_needs_no_condition() -> None:
    assert all_of([]) is all_of([True]) is any_of([YES, True]) is True
    assert any_of([]) is any_of([False]) is all_of([YES, False]) is False
    assert condition(True) is None
    with pytest.raises(ValueError, match="never asked"):
        condition(False)


def test_lists_of_one_kind_become_one_list() -> None:
    assert all_of([YES, all_of([HIGH, GIVEN]), YES]) == Conditions(Connective.ALL, (YES, HIGH, GIVEN))
    assert any_of([all_of([YES])]) == YES
    assert is_plain(all_of([YES, HIGH]))
    assert not is_plain(NEST)


def test_an_answer_to_what_is_not_asked_counts_as_none() -> None:
    used, birth, index = (each.link_id for each in form(*MACRILEN).questions())
    given = {used: True, birth: "1970-02-03", index: Decimal(38)}
    assert asked(form(*MACRILEN), given) == {used, birth, index}
    assert asked(form(*MACRILEN), given | {used: False}) == {used}
    assert asked(form(*MACRILEN), {birth: "1970-02-03"}) == {used}
