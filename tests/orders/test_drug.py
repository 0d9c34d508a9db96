"""The drug of an order, wherever the client put it."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.fhir.codes import Coding
from cds_service.orders.errors import OrderError
from tests.orders.examples import HCPCS, KETAMINE, RXNORM, index_of, order, read

MEDICATION = {"resourceType": "Medication", "id": "m1", "code": KETAMINE}
EXPECTED = (Coding(RXNORM, "6130", "ketamine"),)


def without_drug(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": "mr", **elements}


@pytest.mark.parametrize(
    "elements",
    [
        {"medicationCodeableConcept": KETAMINE},
        {"medicationCodeableConcept": [KETAMINE]},
        {"medicationCodeableConcept": {**KETAMINE, "coding": KETAMINE["coding"][0]}},
        {"medicationReference": {"reference": "Medication/m1"}},
        {"medicationReference": "Medication/m1"},
        {"medicationReference": {"reference": "https://ehr.example/fhir/Medication/m1"}},
        {"medicationReference": {"reference": "#m2"}, "contained": [{**MEDICATION, "id": "m2"}]},
        {"medication": {"concept": KETAMINE}},
        {"medication": {"reference": {"reference": "Medication/m1"}}},
        {"medication": {"reference": "Medication/m1"}},
        {"medication": KETAMINE},
    ],
)
def test_the_drug_is_read(elements: dict[str, Any]) -> None:
    found = read(without_drug(**elements), MEDICATION)
    assert found.drug.codings == EXPECTED
    assert "Ketamine 50 mg/mL" in found.drug.display


def test_a_medication_without_a_code_is_read_by_its_ingredients() -> None:
    medication = {
        "resourceType": "Medication",
        "id": "m1",
        "ingredient": [{"itemCodeableConcept": KETAMINE}, {"itemReference": {"reference": "Medication/m2"}}],
    }
    lidocaine = {"coding": [{"system": RXNORM, "code": "6387"}]}
    other = {"resourceType": "Medication", "id": "m2", "code": lidocaine}
    found = read(without_drug(medicationReference={"reference": "Medication/m1"}), medication, other)
    assert [coding.code for coding in found.drug.codings] == ["6130", "6387"]


def test_all_codings_and_texts_are_kept_in_order_without_repeats() -> None:
    concept = {"coding": [*KETAMINE["coding"], {"system": HCPCS, "code": "j3490-jw"}, *KETAMINE["coding"]]}
    assert read(order(medicationCodeableConcept=concept)).drug.codings == (*EXPECTED, Coding(HCPCS, "J3490"))


@pytest.mark.parametrize("holder", ["medicationCodeableConcept", "order"])
@pytest.mark.parametrize("nested", [False, True])
def test_billing_codes_of_the_crd_extension_count(holder: str, nested: bool) -> None:
    value = {"url": "code", "valueCodeableConcept": {"coding": [{"system": HCPCS, "code": "J3490"}]}}
    extension: dict[str, Any] = {
        "url": "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options"
    }
    extension |= {"extension": [value]} if nested else {"valueCodeableConcept": value["valueCodeableConcept"]}
    if holder == "order":
        resource = order(extension=[extension])
    else:
        resource = order(medicationCodeableConcept={**KETAMINE, "extension": [extension]})
    assert read(resource).drug.codings == (*EXPECTED, Coding(HCPCS, "J3490"))


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"medicationCodeableConcept": None},
        {"medicationCodeableConcept": {}},
        {"medicationCodeableConcept": {"coding": [{}], "text": " "}},
        {"medicationReference": {"reference": "Medication/unknown"}},
        {"medicationReference": {"reference": "Condition/c1"}},
        {"medication": "  "},
    ],
)
def test_an_order_without_a_drug_is_refused_by_element(elements: dict[str, Any]) -> None:
    with pytest.raises(OrderError) as refusal:
        read(without_drug(**elements), {"resourceType": "Condition", "id": "c1", "code": KETAMINE})
    assert refusal.value.element == "MedicationRequest.medication[x]"
    assert refusal.value.message == "names no drug"


def test_the_text_of_a_reference_that_leads_nowhere_names_the_drug() -> None:
    found = read(without_drug(medicationReference={"reference": "Medication/x", "display": "Ketalar"}))
    assert found.drug.display == "Ketalar"
    assert found.notes == ("medicationReference Medication/x could not be followed.",)


def test_a_bare_string_names_the_drug() -> None:
    assert read(order(medicationCodeableConcept="Ketalar")).drug.display == "Ketalar"


def test_the_order_itself_is_handed_on_untouched() -> None:
    resource = order(unheardOf={"a": [None]})
    assert read(resource).resource is resource
    assert resource == order(unheardOf={"a": [None]})


def test_a_medication_that_is_its_own_ingredient_is_no_endless_road() -> None:
    medication = {
        "resourceType": "Medication",
        "id": "m1",
        "ingredient": [{"itemReference": "Medication/m1"}],
    }
    with pytest.raises(OrderError):
        read(without_drug(medicationReference={"reference": "Medication/m1"}), medication)
    assert index_of(medication).get("Medication", "m1") is medication
