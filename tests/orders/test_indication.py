"""Why a drug is ordered (policies/README points 5 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir.codes import Coding
from cds_service.orders.model import Indication
from tests.orders.examples import ICD, RXNORM, SNOMED, order, read

DEFICIENCY = {"coding": [{"system": ICD, "code": "E23.0", "display": "Hypopituitarism"}]}
PAIN = {"coding": [{"system": ICD, "code": "g8929"}]}
DEFICIENCY_CODE = Coding(ICD, "E23.0", "Hypopituitarism")
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "code": DEFICIENCY,
    "subject": {"reference": "Patient/p1"},
}
REASON = {"reasonReference": [{"reference": "Condition/c1"}]}
ENCOUNTER = {"resourceType": "Encounter", "id": "e1", "reasonCode": [PAIN]}


def status(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def indication(elements: dict[str, Any], *others: dict[str, Any]) -> Indication:
    return read(order(**elements), *others).indication


@pytest.mark.parametrize(
    "reason", [[DEFICIENCY], DEFICIENCY, {"coding": DEFICIENCY["coding"][0]}, [None, DEFICIENCY]]
)
def test_the_reason_code_of_the_order(reason: Any) -> None:
    found = indication({"reasonCode": reason})
    assert found.codes == (DEFICIENCY_CODE,)
    assert (found.source, found.is_coded, found.evidence) == ("order", True, ())


@pytest.mark.parametrize(
    "elements",
    [
        REASON,
        {"reasonReference": {"reference": "Condition/c1"}},
        {"reasonReference": ["Condition/c1"]},
        {"reason": [{"reference": {"reference": "Condition/c1"}}]},
    ],
)
def test_the_condition_that_the_order_refers_to(elements: dict[str, Any]) -> None:
    found = indication(elements, CONDITION)
    assert found.codes == (DEFICIENCY_CODE,)
    assert (found.source, found.is_coded, found.evidence) == ("order", True, ("Condition/c1",))


def test_a_reason_in_r5_form() -> None:
    assert indication({"reason": [{"concept": DEFICIENCY}]}).codes == (DEFICIENCY_CODE,)


def test_a_diagnosis_that_merely_is_on_the_problem_list_is_no_reason() -> None:
    assert indication({}, CONDITION) == Indication()


def test_the_encounter_gives_the_reason_when_the_order_gives_none() -> None:
    found = indication({"encounter": {"reference": "Encounter/e1"}}, ENCOUNTER)
    assert found.codes == (Coding(ICD, "G89.29"),)
    assert (found.source, found.evidence) == ("encounter", ("Encounter/e1",))


def test_the_reason_of_the_order_goes_before_that_of_the_encounter() -> None:
    assert indication({"reasonCode": [DEFICIENCY]}, ENCOUNTER).codes == (DEFICIENCY_CODE,)


@pytest.mark.parametrize("void", ["cancelled", "entered-in-error"])
def test_an_encounter_that_did_not_happen_gives_no_reason(void: str) -> None:
    assert indication({}, {**ENCOUNTER, "status": void}) == Indication()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verificationStatus": status("refuted")}, "refuted"),
        ({"verificationStatus": status("entered-in-error")}, "entered in error"),
        ({"verificationStatus": "refuted"}, "refuted"),
        ({"clinicalStatus": status("resolved")}, "resolved"),
        ({"clinicalStatus": status("inactive")}, "inactive"),
        ({"clinicalStatus": status("remission")}, "remission"),
        ({"onsetDateTime": "2025-03-11"}, "after the date of service"),
        ({"abatementDateTime": "2025-03-09"}, "ended on 2025-03-09"),
        ({"subject": {"reference": "Patient/p2"}}, "another patient"),
        ({"code": None}, "does not say what it is"),
    ],
)
def test_conditions_that_do_not_hold_do_not_count(change: dict[str, Any], words: str) -> None:
    found = indication(REASON, {**CONDITION, **change}, ENCOUNTER)
    assert (found.codes, found.is_coded, found.source) == ((), False, "order")
    assert len(found.unusable) == 1
    assert words in found.unusable[0]
    assert "Condition/c1" in found.unusable[0]


@pytest.mark.parametrize(
    "change",
    [
        {"verificationStatus": status("confirmed"), "clinicalStatus": status("active")},
        {"verificationStatus": status("provisional")},
        {"clinicalStatus": status("recurrence")},
        {"onsetDateTime": "2025-03-10"},
        {"onsetDateTime": "2025"},
        {"abatementDateTime": "2025-03-10"},
        {"subject": {"reference": "urn:uuid:1"}},
    ],
)
def test_conditions_that_hold_count(change: dict[str, Any]) -> None:
    assert indication(REASON, {**CONDITION, **change}).codes == (DEFICIENCY_CODE,)


def test_a_reason_that_was_not_delivered_is_noted_and_not_replaced() -> None:
    found = indication(REASON, ENCOUNTER)
    assert found.codes == ()
    assert found.unusable == ("The reason Condition/c1 was not delivered with the request.",)


def test_an_observation_may_be_the_reason() -> None:
    observation = {"resourceType": "Observation", "id": "c1", "code": DEFICIENCY, "status": "final"}
    elements = {"reasonReference": [{"reference": "Observation/c1"}]}
    assert indication(elements, observation).codes == (DEFICIENCY_CODE,)
    assert indication(elements, {**observation, "status": "cancelled"}).codes == ()


@pytest.mark.parametrize(
    ("reasons", "is_coded", "in_icd10cm"),
    [
        ([DEFICIENCY], True, True),
        ([{"coding": [{"system": SNOMED, "code": "1"}]}], True, False),
        ([{"coding": [{"system": SNOMED, "code": "1"}, *DEFICIENCY["coding"]]}], True, True),
        ([DEFICIENCY, {"coding": [{"system": SNOMED, "code": "1"}]}], True, False),
        ([DEFICIENCY, PAIN], True, True),
        ([{"text": "growth hormone deficiency"}], False, False),
        ([DEFICIENCY, {"text": "and something else"}], False, False),
        ([{"coding": [{"system": RXNORM, "code": "1"}]}], False, False),
        ([{"coding": [{"code": "E23.0"}]}], False, False),
        ([], None, None),
        ([{}], None, None),
        (None, None, None),
    ],
)
def test_whether_every_reason_is_coded(reasons: Any, is_coded: bool | None, in_icd10cm: bool | None) -> None:
    found = indication({"reasonCode": reasons})
    assert (found.is_coded, found.in_icd10cm) == (is_coded, in_icd10cm)


def test_one_unusable_reason_among_good_ones_leaves_the_indication_uncoded() -> None:
    found = indication({"reasonCode": [DEFICIENCY], **REASON})
    assert (found.codes, found.is_coded) == ((DEFICIENCY_CODE,), False)
