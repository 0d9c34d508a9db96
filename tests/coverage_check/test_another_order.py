"""Answers about one order never approve another: not one of the same id, nor the same one when it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cds_service.coverage_check.documentation import OpenDocumentation
from cds_service.coverage_check.kept_answers import counting
from cds_service.decisions.model import Outcome
from cds_service.dtr.model import AnswerType, Question
from cds_service.dtr.responses import completed
from cds_service.dtr.versions import DTR_2_2
from tests.coverage_check.calls import HCPCS, call, chart, coverage, found, macrilen, said
from tests.coverage_check.desk import (
    CLINICIAN,
    DOCUMENT,
    Desk,
    filled,
    forms,
    golden,
    is_of_rules,
    open_questions,
    prepared,
)
from tests.coverage_check.test_documentation import BMI, NOW, answered, opened_of, without_bmi

_ICD: str = "http://hl7.org/fhir/sid/icd-10-cm"
CANCER = "C50.911"
_WITHOUT_ID = {key: value for key, value in macrilen().items() if key != "id"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk.at(tmp_path)
    yield made
    made.close()


def unlisted(text: str = "exampleximab 10 mg/mL vial", **elements: Any) -> dict[str, Any]:
    """An order under a code that names no drug: only its words say what it is."""
    concept = {"coding": [{"system": HCPCS, "code": "J3490"}], "text": text}
    dosage = [{"text": "once a day", "doseAndRate": [{"doseQuantity": {"value": 10, "unit": "mg"}}]}]
    dispense = {"quantity": {"value": 30, "unit": "mL"}}
    order = macrilen(
        medicationCodeableConcept=concept, dosageInstruction=dosage, dispenseRequest=dispense, reasonCode=[]
    )
    return order | {"reasonReference": [{"reference": "Condition/c1"}]} | elements


def outpatient(day: str) -> dict[str, Any]:
    """The same for somebody who is not hospitalized, as the version of 2025 decides it."""
    return unlisted(authoredOn=day, category=[{"coding": [{"code": "outpatient"}]}])


def request(order: Mapping[str, Any], reason: str = CANCER, **keys: Any) -> Any:
    condition = {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/pat-1"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": _ICD, "code": reason}]},
    }
    return call(dict(order), prefetch=chart(conditions=found(condition), **keys))


def all_yes(desk: Desk, opened: OpenDocumentation) -> dict[str, Any]:
    """The questionnaire with yes to everything it asks, and its documents."""
    (form,) = opened.forms
    known = desk.documentation.prefilled(opened, form)
    given: dict[str, Any] = {}
    while question := next(
        (each for each in open_questions(form, known, given) if each.type is AnswerType.BOOLEAN), None
    ):
        given[question.link_id] = True
    return filled(opened, form, given, known)


_DOSE = [{"doseAndRate": [{"doseQuantity": {"value": 100, "unit": "mg"}}]}]
_REFILLED = {"quantity": {"value": 30, "unit": "mL"}, "numberOfRepeatsAllowed": 11}
_OTHER_PLAN: dict[str, Any] = {"class": [{"type": {"coding": [{"code": "plan"}]}, "value": "B"}]}
CHANGED: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "another drug": (unlisted("examplumab 5 mg/mL vial"), CANCER, coverage()),
    "another dose": (unlisted(dosageInstruction=_DOSE), CANCER, coverage()),
    "another dose in words": (unlisted(dosageInstruction=[{"text": "hourly"}]), CANCER, coverage()),
    "more of it": (unlisted(dispenseRequest={"quantity": {"value": 300}}), CANCER, coverage()),
    "refills": (unlisted(dispenseRequest=_REFILLED), CANCER, coverage()),
    "another reason": (unlisted(reasonReference=[{"reference": "Condition/c2"}]), CANCER, coverage()),
    "what the reason is": (unlisted(), "L40.0", coverage()),
    "another plan": (unlisted(), CANCER, {**coverage(), **_OTHER_PLAN}),
    "another member": (unlisted(), CANCER, coverage(subscriberId="W999")),
}


@pytest.mark.parametrize("name", CHANGED)
def test_an_order_of_the_same_id_that_asks_for_another_thing_is_asked_again(desk: Desk, name: str) -> None:
    opened = opened_of(desk, answered(desk, request(unlisted())))
    decided = desk.documentation.submit(opened, [all_yes(desk, opened)], NOW)
    assert decided.determination.outcome is Outcome.COVERED
    dated = unlisted(status="active", note=[{"text": "called back"}])
    dated["dosageInstruction"][0]["timing"] = {"repeat": {"boundsPeriod": {"start": "2024-09-02"}}}
    assert said(answered(desk, request(dated)))["pa-needed"] == ["satisfied"]
    order, reason, covered = CHANGED[name]
    values = said(answered(desk, request(order, reason, coverage=found(covered))))
    assert "satisfied-pa-id" not in values
    assert values["doc-needed"] == ["clinical"]


def test_an_infusion_of_an_order_whose_dose_was_raised_is_asked_again(desk: Desk) -> None:
    """The service says nothing of the dose: the drug order does that it is for."""

    def giving(milligrams: int) -> Any:
        dose = {"doseQuantity": {"value": milligrams, "unit": "mg"}}
        drug = unlisted(dosageInstruction=[{"doseAndRate": [dose]}]) | {"id": "mr-9"}
        service = {
            "resourceType": "ServiceRequest",
            "id": "sr-1",
            "status": "draft",
            "intent": "order",
            "subject": {"reference": "Patient/pat-1"},
            "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "96365"}]},
            "authoredOn": "2024-09-01",
            "supportingInfo": [{"reference": "MedicationRequest/mr-9"}],
        }
        return call(service, prefetch=chart(medicationRequests=found(drug)))

    opened = opened_of(desk, answered(desk, giving(10)))
    assert desk.documentation.submit(opened, [all_yes(desk, opened)], NOW).authorization_number
    assert said(answered(desk, giving(10)))["pa-needed"] == ["satisfied"]
    assert said(answered(desk, giving(100)))["doc-needed"] == ["clinical"]


def test_an_order_without_id_is_known_by_all_that_it_says(desk: Desk) -> None:
    """Drafts of some clients bear no id: nothing else would tell the next one from this one."""
    opened = opened_of(desk, answered(desk, call(_WITHOUT_ID, prefetch=without_bmi())))
    (form,) = opened.forms
    sent = filled(opened, form, {BMI: 24}, desk.documentation.prefilled(opened, form))
    number = desk.documentation.submit(opened, [sent], NOW).authorization_number
    assert number is not None
    same = said(answered(desk, call(_WITHOUT_ID, prefetch=without_bmi())))
    assert same["satisfied-pa-id"] == [number]
    other = {**_WITHOUT_ID, "authoredOn": "2024-09-02"}
    assert said(answered(desk, call(other, prefetch=without_bmi())))["doc-needed"] == ["clinical"]


def test_answers_renew_no_authorization_that_is_over(desk: Desk) -> None:
    begun = NOW.replace(year=2025, month=7)
    opened = opened_of(desk, desk.check.answer(request(outpatient("2025-07-01")), begun))
    decided = desk.documentation.submit(opened, [all_yes(desk, opened)], begun)
    assert str(decided.determination.allowed_to) == "2026-06-30"
    later = NOW.replace(year=2026, month=8)
    last = said(desk.check.answer(request(outpatient("2026-06-30")), later))
    assert last["pa-needed"] == ["satisfied"]
    over = desk.check.answer(request(outpatient("2026-07-01")), later)
    assert said(over)["doc-needed"] == ["clinical"]
    # The same answers, given again, are as good as the first ones.
    again = opened_of(desk, over)
    assert desk.documentation.submit(again, [all_yes(desk, again)], later).authorization_number
    assert said(desk.check.answer(request(outpatient("2026-07-01")), later))["pa-needed"] == ["satisfied"]


COMPENDIUM = "Use is supported by a standard medical reference compendium"


def test_what_another_version_asks_in_other_words_is_not_answered() -> None:
    """The version of 2025 names other compendia than the one before."""
    then = forms().of("cigna-1701", "2024-07-01", "non-specified")
    now = forms().of("cigna-1701", "2025-06-01", "non-specified")
    assert then is not None
    assert now is not None
    both = {each.definition for each in then.questions()} & {each.definition for each in now.questions()}
    assert COMPENDIUM in both
    values = {name: True for name in both if name}
    assert counting(values, then, then) == values
    assert counting(values, then, now) == {name: True for name in values if name != COMPENDIUM}


def test_the_form_of_another_version_decides_nothing_that_it_does_not_ask(desk: Desk) -> None:
    later = NOW.replace(year=2025, month=7)
    opened = opened_of(desk, desk.check.answer(request(outpatient("2025-07-01")), later))
    old = forms().of("cigna-1701", "2024-07-01", "non-specified")
    assert old is not None
    given: dict[str, Any] = {}
    while question := next(
        (each for each in open_questions(old, {}, given) if each.definition or each.documents), None
    ):
        supported = question.definition != "Use is approved and listed in the FDA label"
        given[question.link_id] = [DOCUMENT] if question.documents else supported
    sent = completed(old, DTR_2_2, opened.subject, given, {}, later, author=CLINICIAN)
    decided = desk.documentation.submit(opened, [sent], later)
    assert decided.determination.outcome is Outcome.DOCUMENTATION_NEEDED
    assert COMPENDIUM in [each.name for each in decided.determination.asks]


def test_a_coverage_that_ended_since_is_approved_by_no_answers(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    (form,) = opened.forms
    sent = filled(opened, form, {BMI: 24}, desk.documentation.prefilled(opened, form))
    assert desk.documentation.submit(opened, [sent], NOW).authorization_number
    for ended in (coverage(status="cancelled"), coverage(period={"end": "2024-08-31"})):
        values = said(answered(desk, call(prefetch=without_bmi(coverage=found(ended)))))
        assert values["covered"] == ["not-covered"]
        assert "satisfied-pa-id" not in values


def test_two_forms_that_say_different_things_of_one_plan_approve_nothing(desk: Desk) -> None:
    """For a federal employee the benefit plan decides; both uses are open, and so are both forms."""
    label = "bcbs-al-mp-446/2024-10-01: For a federal employee the benefit plan decides"
    case = prepared(next(each for each in golden() if each.startswith(label)))
    order = {key: value for key, value in case.order.items() if not key.startswith("reason")}
    assertion, _ = desk.asserted(replace(case, order=order))
    assert len(assertion.questionnaires) == 2
    opened = desk.documentation.open(assertion.identifiers.assertion_id, None)
    benefit = "the-member-s-benefit-plan-covers-the-infusion"

    def responses(*covers: bool) -> list[dict[str, Any]]:
        made = []
        for form, covered in zip(opened.forms, covers, strict=True):
            known, given = desk.documentation.prefilled(opened, form), dict[str, Any]()
            while question := next(
                (each for each in open_questions(form, known, given) if is_of_rules(each)), None
            ):
                given[question.link_id] = _answer(question, benefit, covered)
            made.append(filled(opened, form, given, known))
        return made

    agreed = desk.documentation.preview(opened, responses(True, True), opened.now)
    assert agreed.determination.outcome is Outcome.COVERED
    for covers in ((True, False), (False, True)):
        decided = desk.documentation.preview(opened, responses(*covers), opened.now)
        assert decided.determination.outcome is Outcome.DOCUMENTATION_NEEDED
        assert decided.authorization_number is None


def _answer(question: Question, benefit: str, covered: bool) -> Any:
    if question.type is AnswerType.CHOICE:
        return next(each for each in question.options if each.means)
    return covered if question.link_id == benefit else "terminal" not in question.link_id
