"""Retrieving by code, value set and date, from charts as clients send them."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.cql import CqlRuntimeError
from cds_service.cql.compiler.model_info import fhir_model
from cds_service.cql.values.clinical import Code
from tests.cql.sample import LOINC, Chart, evaluate, observation

CODING = {"system": LOINC, "code": "39156-5"}


@pytest.mark.parametrize(
    "code",
    [
        {"coding": [CODING]},
        {"coding": CODING},
        [{"coding": [CODING]}],
        {"coding": [{"code": "x"}, None, "y", CODING]},
    ],
)
@pytest.mark.parametrize("definition", ["By value set", "By code", "By concept"])
def test_a_code_is_found_however_it_is_wrapped(definition: str, code: Any) -> None:
    assert evaluate(Chart(observation("a", code=code))).value(definition) == ["a"]


@pytest.mark.parametrize(
    "code",
    [
        None,
        {},
        "39156-5",
        {"text": "BMI"},
        {"coding": []},
        {"coding": "39156-5"},
        {"coding": [{"code": "39156-5"}]},
        {"coding": [{"system": "http://snomed.info/sct", "code": "39156-5"}]},
        {"coding": [{"system": LOINC, "code": 39156}]},
        {"coding": [{"system": [LOINC], "code": "39156-5"}]},
    ],
)
@pytest.mark.parametrize("definition", ["By value set", "By code", "By concept"])
def test_another_code_or_none_is_not_found(definition: str, code: Any) -> None:
    assert evaluate(Chart(observation("a", code=code))).value(definition) == []


def test_a_value_set_that_is_not_on_file_is_an_error_and_not_an_empty_result() -> None:
    with pytest.raises(CqlRuntimeError, match="not on file") as raised:
        evaluate(Chart(observation("a"))).value("By unknown value set")
    assert raised.value.definition == "By unknown value set"


def test_codes_may_come_from_a_parameter() -> None:
    condition = {"resourceType": "Condition", "id": "c", "code": {"coding": [{"system": "s", "code": "1"}]}}
    found = evaluate(Chart(condition), parameters={"Indication codes": [Code("1", "s")]})
    assert found.value("By parameter") == ["c"]
    assert evaluate(Chart(condition), parameters={"Indication codes": []}).value("By parameter") == []
    assert evaluate(Chart(condition), parameters={}).value("By parameter") == []


def test_the_code_may_be_a_choice_a_list_or_a_single_coding() -> None:
    chart = Chart(
        {"resourceType": "MedicationRequest", "id": "m", "medicationCodeableConcept": {"coding": [CODING]}},
        {
            "resourceType": "MedicationRequest",
            "id": "n",
            "medicationReference": {"reference": "Medication/1"},
        },
        {"resourceType": "Encounter", "id": "e", "type": [{"coding": [CODING]}], "class": CODING},
        {"resourceType": "Encounter", "id": "f", "type": {"coding": [CODING]}, "class": [CODING]},
    )
    assert evaluate(chart).value("By choice") == ["m"]
    assert evaluate(chart).value("By list") == ["e", "f"]
    assert evaluate(chart).value("By coding") == ["e", "f"]


def test_by_date() -> None:
    days = {
        "before": "2023-12-31",
        "in": "2024-05-01T10:00:00Z",
        "vague": "2024",
        "broken": "May",
        "none": None,
    }
    orders = [
        {"resourceType": "MedicationRequest", "id": key, "authoredOn": day} for key, day in days.items()
    ]
    assert evaluate(Chart(*orders)).value("Dated") == ["in"]


def test_the_patient_is_the_patient_in_context_only() -> None:
    other = {"resourceType": "Patient", "id": "other"}
    assert evaluate(Chart(other)).value("One") == "p1"
    assert evaluate(Chart(other, patient=None)).value("One") is None


def test_the_model_knows_choices_lists_and_derived_types() -> None:
    model = fhir_model()
    assert model.element("Encounter", "type") == "[]CodeableConcept"
    assert "Quantity" in (model.element("Observation", "value") or "").split("|")
    assert model.element("Observation", "id") == "id"
    assert model.is_a("Age", "Quantity")
    assert model.primitive("date") == "System.Date"
    assert model.primitive("Quantity") is None
