"""Whether the patient is hospitalized when the drug is given."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.orders.model import CareSetting, PatientStatus
from tests.orders.examples import ACT, CATEGORY, order, read

INPATIENT, OUTPATIENT, UNKNOWN = PatientStatus.INPATIENT, PatientStatus.OUTPATIENT, PatientStatus.UNKNOWN


def category(code: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": CATEGORY, "code": code}]}]


def encounter(code: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Encounter", "id": "e1", "class": {"system": ACT, "code": code}, **more}


def setting(elements: dict[str, Any], *others: dict[str, Any]) -> CareSetting:
    return read(order(**elements), *others).setting


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (category("inpatient"), INPATIENT),
        (category("outpatient"), OUTPATIENT),
        (category("community"), OUTPATIENT),
        (category("discharge"), OUTPATIENT),
        (category("Outpatient"), OUTPATIENT),
        (category("outpatient")[0], OUTPATIENT),
        ("outpatient", OUTPATIENT),
        (category("inpatient") + category("outpatient"), UNKNOWN),
        (category("something"), UNKNOWN),
        ({"text": "outpatient"}, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_the_category_of_the_order_says_it(value: Any, expected: PatientStatus) -> None:
    found = setting({"category": value})
    assert found.patient_status is expected
    assert (found.basis is None) is (expected is UNKNOWN)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (encounter("IMP"), INPATIENT),
        (encounter("AMB"), OUTPATIENT),
        (encounter("imp"), INPATIENT),
        (encounter("OBSENC"), UNKNOWN),
        (encounter("IMP", **{"class": {"code": "inpatient"}}), INPATIENT),
        (encounter("IMP", **{"class": "outpatient"}), OUTPATIENT),
        (encounter("IMP", **{"class": [{"coding": [{"system": ACT, "code": "AMB"}]}]}), OUTPATIENT),
        (encounter("IMP", **{"class": {"system": "urn:local", "code": "IMP"}}), UNKNOWN),
        (encounter("IMP", status="in-progress"), INPATIENT),
        (encounter("IMP", status="finished"), UNKNOWN),
        (encounter("AMB", status="cancelled"), UNKNOWN),
        (encounter("AMB", status="entered-in-error"), UNKNOWN),
    ],
)
def test_else_the_class_of_the_encounter(resource: dict[str, Any], expected: PatientStatus) -> None:
    assert setting({"encounter": {"reference": "Encounter/e1"}}, resource).patient_status is expected


@pytest.mark.parametrize(
    ("code", "encounter_class", "expected"),
    [
        ("outpatient", "AMB", OUTPATIENT),
        ("inpatient", "IMP", INPATIENT),
        ("outpatient", "IMP", UNKNOWN),
        ("inpatient", "AMB", UNKNOWN),
        ("discharge", "IMP", OUTPATIENT),
        ("community", "IMP", OUTPATIENT),
        ("outpatient", "OBSENC", OUTPATIENT),
    ],
)
def test_contradiction_leaves_it_open(code: str, encounter_class: str, expected: PatientStatus) -> None:
    assert setting({"category": category(code)}, encounter(encounter_class)).patient_status is expected


def test_a_contradiction_says_what_contradicts_what() -> None:
    found = setting({"category": category("outpatient")}, encounter("IMP"))
    assert found.basis == "category of the order and class of Encounter/e1 contradict each other"


def test_every_setting_code_found_is_kept() -> None:
    location = {
        "resourceType": "Location",
        "id": "l1",
        "type": [{"coding": [{"system": "urn:role", "code": "ICU"}]}],
    }
    old = {
        "resourceType": "Location",
        "id": "l2",
        "type": [{"coding": [{"system": "urn:role", "code": "HOSP"}]}],
    }
    places = [
        {"location": {"reference": "Location/l1"}},
        {"location": {"reference": "Location/l2"}, "status": "completed"},
    ]
    found = setting({"category": category("inpatient")}, encounter("IMP", location=places), location, old)
    assert [coding.code for coding in found.codes] == ["inpatient", "IMP", "ICU"]


def test_of_several_encounters_none_is_picked_unless_the_order_names_it() -> None:
    two = (encounter("AMB"), {**encounter("IMP"), "id": "e2"})
    assert setting({}, *two).patient_status is UNKNOWN
    assert setting({"encounter": {"reference": "Encounter/e2"}}, *two).patient_status is INPATIENT


def test_the_encounter_of_another_patient_says_nothing() -> None:
    foreign = encounter("AMB", subject={"reference": "Patient/p2"})
    assert setting({"encounter": {"reference": "Encounter/e1"}}, foreign).patient_status is UNKNOWN
