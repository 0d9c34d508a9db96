"""The compact words of a golden case and the FHIR that they stand for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service.authoring.case_resources import Vocabulary
from cds_service.authoring.cases import CaseError, expand, load_cases
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date
from cds_service.policies.model import Payer

VOCABULARY = Vocabulary(
    systems={"icd10cm": "urn:icd", "snomed": "urn:snomed", "loinc": "urn:loinc", "rxnorm": "urn:rx"},
    products={"growmore": {"coding": [{"system": "urn:ndc", "code": "99999-001-01"}]}},
    payers={"acme": Payer("acme", "Acme Health", (("urn:payers", "ACME"),), ("Acme Health Plan",))},
)


def write(folder: Path, **facts: Any) -> Path:
    case = {"name": "A case", "today": "2024-05-02", "order": {"drug": "growmore"}}
    case |= {"expect": {"outcome": "covered"}} | facts
    file = folder / "cases.yaml"
    file.write_text(yaml.safe_dump({"cases": [case]}), "utf-8")
    return file


def expanded(folder: Path, **facts: Any) -> dict[str, Any]:
    """The resources of a case by reference, the order among them."""
    (case,) = load_cases(write(folder, **facts))
    result = expand(case, VOCABULARY)
    found = {"order": result.order}
    for bundle in result.prefetch.values():
        for entry in bundle["entry"]:
            resource = entry["resource"]
            found[f"{resource['resourceType']}/{resource['id']}"] = resource
    return found


def test_the_smallest_case_is_an_order_for_a_member(tmp_path: Path) -> None:
    assert expanded(tmp_path) == {
        "order": {
            "resourceType": "MedicationRequest",
            "id": "order-1",
            "status": "draft",
            "intent": "order",
            "medicationCodeableConcept": {"coding": [{"system": "urn:ndc", "code": "99999-001-01"}]},
            "subject": {"reference": "Patient/pat-1"},
            "insurance": [{"reference": "Coverage/cov-1"}],
        },
        "Patient/pat-1": {"resourceType": "Patient", "id": "pat-1"},
        "Coverage/cov-1": {
            "resourceType": "Coverage",
            "id": "cov-1",
            "status": "active",
            "beneficiary": {"reference": "Patient/pat-1"},
            "subscriberId": "member-1",
            "payor": [{"reference": "Organization/payer-1"}],
        },
        "Organization/payer-1": {
            "resourceType": "Organization",
            "id": "payer-1",
            "identifier": [{"system": "urn:payers", "value": "ACME"}],
            "name": "Acme Health Plan",
        },
    }


def test_every_word_about_the_order(tmp_path: Path) -> None:
    order = {
        "codes": [{"rxnorm": "6130", "display": "ketamine"}],
        "text": "Ketamine 50 mg/mL",
        "written": "2024-05-01",
        "start": "2024-05-03",
        "validity": {"start": "2024-05-01", "end": "2024-08-01"},
        "status": "active",
        "category": "outpatient",
        "reason": [{"icd10": "R62.52"}, {"text": "too small"}],
        "reason_condition": {"icd10": "E34.3", "status": "refuted", "clinical": "resolved"},
        "quantity": {"amount": 36, "unit": "tablet", "hours": 72, "refills": 0},
        "dose": {
            "amount": 1,
            "unit": "tablet",
            "frequency": 2,
            "period": 1,
            "period_unit": "d",
            "max": {"amount": 3, "hours": 24},
        },
        "route": {"snomed": "37839007"},
    }
    found = expanded(tmp_path, order=order, encounter={"class": "AMB", "reason": [{"icd10": "R55"}]})
    assert found["order"] == {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "status": "active",
        "intent": "order",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
                        "code": "outpatient",
                    }
                ]
            }
        ],
        "medicationCodeableConcept": {
            "coding": [{"system": "urn:rx", "code": "6130", "display": "ketamine"}],
            "text": "Ketamine 50 mg/mL",
        },
        "subject": {"reference": "Patient/pat-1"},
        "encounter": {"reference": "Encounter/enc-1"},
        "authoredOn": "2024-05-01",
        "reasonCode": [{"coding": [{"system": "urn:icd", "code": "R62.52"}]}, {"text": "too small"}],
        "reasonReference": [{"reference": "Condition/reason-1"}],
        "insurance": [{"reference": "Coverage/cov-1"}],
        "dosageInstruction": [
            {
                "timing": {
                    "repeat": {
                        "boundsPeriod": {"start": "2024-05-03"},
                        "frequency": 2,
                        "period": 1,
                        "periodUnit": "d",
                    }
                },
                "route": {"coding": [{"system": "urn:snomed", "code": "37839007"}]},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
                "maxDosePerPeriod": {
                    "numerator": {"value": 3, "unit": "tablet"},
                    "denominator": {
                        "value": 24,
                        "unit": "h",
                        "system": "http://unitsofmeasure.org",
                        "code": "h",
                    },
                },
            }
        ],
        "dispenseRequest": {
            "validityPeriod": {"start": "2024-05-01", "end": "2024-08-01"},
            "numberOfRepeatsAllowed": 0,
            "quantity": {"value": 36, "unit": "tablet"},
            "expectedSupplyDuration": {
                "value": 72,
                "unit": "h",
                "system": "http://unitsofmeasure.org",
                "code": "h",
            },
        },
    }
    reason = found["Condition/reason-1"]
    assert reason["code"] == {"coding": [{"system": "urn:icd", "code": "E34.3"}]}
    assert reason["verificationStatus"]["coding"][0]["code"] == "refuted"
    assert reason["clinicalStatus"]["coding"][0]["code"] == "resolved"
    assert found["Encounter/enc-1"]["class"]["code"] == "AMB"
    assert found["Encounter/enc-1"]["reasonCode"] == [{"coding": [{"system": "urn:icd", "code": "R55"}]}]


def test_the_chart(tmp_path: Path) -> None:
    found = expanded(
        tmp_path,
        patient={"birth_date": 1980, "gender": "female"},
        observations=[
            {"loinc": "39156-5", "value": 40.1, "unit": "kg/m2", "date": "2024-08-20"},
            {"loinc": "1-8", "value": True, "status": "cancelled"},
            {"snomed": "1", "value": {"snomed": "2"}},
            {"text": "no value"},
        ],
        conditions=[
            {"icd10": "F32.9", "onset": "2020", "recorded": "2021-01-01"},
            {"text": "?", "clinical": None},
        ],
        medications=[
            {"rxnorm": "1", "date": "2024-01-01"},
            {"rxnorm": "2", "recorded_as": "MedicationRequest"},
        ],
        allergies=[{"rxnorm": "3"}],
        resources=[{"resourceType": "Procedure", "id": "p1"}],
    )
    assert found["Patient/pat-1"]["birthDate"] == "1980"
    assert found["Observation/obs-1"] == {
        "resourceType": "Observation",
        "id": "obs-1",
        "status": "final",
        "code": {"coding": [{"system": "urn:loinc", "code": "39156-5"}]},
        "subject": {"reference": "Patient/pat-1"},
        "effectiveDateTime": "2024-08-20",
        "valueQuantity": {
            "value": 40.1,
            "unit": "kg/m2",
            "system": "http://unitsofmeasure.org",
            "code": "kg/m2",
        },
    }
    assert (found["Observation/obs-2"]["status"], found["Observation/obs-2"]["valueBoolean"]) == (
        "cancelled",
        True,
    )
    assert found["Observation/obs-3"]["valueCodeableConcept"] == {
        "coding": [{"system": "urn:snomed", "code": "2"}]
    }
    assert not [key for key in found["Observation/obs-4"] if key.startswith("value")]
    assert found["Condition/cond-1"]["clinicalStatus"]["coding"][0]["code"] == "active"
    assert found["Condition/cond-1"]["verificationStatus"]["coding"][0]["code"] == "confirmed"
    assert found["Condition/cond-1"]["onsetDateTime"] == "2020"
    assert "clinicalStatus" not in found["Condition/cond-2"]
    assert found["MedicationStatement/med-1"]["effectiveDateTime"] == "2024-01-01"
    assert found["MedicationRequest/med-2"]["intent"] == "order"
    assert found["AllergyIntolerance/allergy-1"]["patient"] == {"reference": "Patient/pat-1"}
    assert found["Procedure/p1"] == {"resourceType": "Procedure", "id": "p1"}


def test_what_the_chart_does_not_hold_is_empty_and_what_nobody_fetched_is_absent(tmp_path: Path) -> None:
    (case,) = load_cases(write(tmp_path, unavailable=["Observation"]))
    prefetch = expand(case, VOCABULARY).prefetch
    assert "Observation" not in prefetch
    assert prefetch["Condition"] == {"resourceType": "Bundle", "type": "searchset", "entry": []}


def test_the_place_of_the_encounter(tmp_path: Path) -> None:
    found = expanded(tmp_path, encounter={"class": "IMP", "location": {"snomed": "309904001"}})
    assert found["Encounter/enc-1"]["location"] == [{"location": {"reference": "Location/loc-1"}}]
    assert found["Location/loc-1"]["type"] == [{"coding": [{"system": "urn:snomed", "code": "309904001"}]}]


def test_answers_become_the_values_that_rules_take(tmp_path: Path) -> None:
    answers = {"A": True, "B": "1980-05-17", "Common.C": {"value": 40.1, "unit": "kg/m2"}}
    (case,) = load_cases(write(tmp_path, answers=answers))
    assert expand(case, VOCABULARY).answers == {
        "A": True,
        "B": Date(1980, 5, 17),
        "Common.C": Quantity(Decimal("40.1"), "kg/m2"),
    }


def test_a_reason_that_points_nowhere(tmp_path: Path) -> None:
    found = expanded(tmp_path, order={"drug": "growmore", "reason_condition": {"missing": True}})
    assert found["order"]["reasonReference"] == [{"reference": "Condition/reason-1"}]
    assert "Condition/reason-1" not in found


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        (
            {"order": {"drug": "growmore", "colour": "red"}},
            "order: unknown key 'colour'; known are category, ",
        ),
        ({"order": {"written": "2024-05-01"}}, "order: "),
        ({"pacient": {}}, "unknown key 'pacient'"),
        ({"observations": [{"loinc": "1-8", "unit": 5}]}, "observations[0].unit: "),
        ({"expect": {"outcome": "yes"}}, "expect.outcome: 'yes' is not one of covered, "),
        (
            {"expect": {"outcome": "covered", "criteria": {"A": "maybe"}}},
            "expect.criteria.A: 'maybe' is not one of",
        ),
        ({"expect": {}}, "expect: missing key 'outcome'"),
        ({"today": "2024-13-01"}, "today: "),
        ({"order": {"drug": "growless"}}, "order.drug: no product 'growless' in catalog/drugs.yaml"),
        ({"order": {"drug": "growmore", "reason": [{"cpt": "1"}]}}, "cpt: no such code system"),
        ({"coverage": {"payer": "other"}}, "coverage.payer: no payer 'other' in the catalogue"),
    ],
)
def test_a_mistake_names_file_case_and_key(tmp_path: Path, facts: dict[str, Any], what: str) -> None:
    file = write(tmp_path, **facts)
    with pytest.raises(CaseError) as refused:
        expand(load_cases(file)[0], VOCABULARY)
    assert str(refused.value).startswith(f"{file}: case 'A case': {what}")


def test_two_cases_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    file = write(tmp_path)
    file.write_text(file.read_text("utf-8") + file.read_text("utf-8").removeprefix("cases:\n"), "utf-8")
    with pytest.raises(CaseError, match="two cases are named 'A case'"):
        load_cases(file)


def test_a_file_that_is_no_yaml_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "cases.yaml"
    file.write_text("cases:\n\t- name: A case\n")
    with pytest.raises(CaseError, match=r"cases\.yaml:2"):
        load_cases(file)
