"""References in every form that clients write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.references import parse_reference, reference_to
from tests.fhir.json_values import json_values

CONDITION = {"resourceType": "Condition", "id": "c1"}
CONTAINER = {
    "resourceType": "MedicationRequest",
    "id": "mr",
    "contained": [{"resourceType": "Medication", "id": "m1"}],
}


def index_of_condition(base_url: str | None = None) -> ResourceIndex:
    entry = {"fullUrl": "urn:uuid:6f1b", "resource": CONDITION}
    return ResourceIndex.from_prefetch({"any": {"resourceType": "Bundle", "entry": [entry]}}, None, base_url)


@pytest.mark.parametrize(
    "reference",
    [
        "Condition/c1",
        {"reference": "Condition/c1"},
        {"reference": " Condition/c1 ", "display": "the problem"},
        "Condition/c1/_history/2",
        "https://ehr.example/fhir/Condition/c1",
        "https://ehr.example/fhir/Condition/c1/_history/2",
        "urn:uuid:6f1b",
        {"reference": "urn:uuid:6f1b"},
    ],
)
def test_a_delivered_resource_is_found(reference: Any) -> None:
    assert index_of_condition().resolve(reference) is CONDITION


@pytest.mark.parametrize(
    "reference",
    [
        None, "", "c1", "Condition", "Condition/", "/c1", "Condition/c2", "Observation/c1",
        "Condition?code=1",
        "#c1", "urn:uuid:other", {"identifier": {"value": "c1"}}, {"reference": None}, {"reference": 7},
        7, [], {},
    ],
)  # fmt: skip
def test_anything_else_is_not(reference: Any) -> None:
    assert index_of_condition().resolve(reference) is None


def test_another_server_has_other_resources_of_the_same_name() -> None:
    index = index_of_condition("https://ehr.example/fhir/")
    assert index.resolve("https://ehr.example/fhir/Condition/c1") is CONDITION
    assert index.resolve("http://EHR.example/fhir/Condition/c1") is CONDITION
    assert index.resolve("https://elsewhere.example/fhir/Condition/c1") is None


@pytest.mark.parametrize("reference", ["#m1", {"reference": "#m1"}])
def test_contained_resources_are_found_in_their_container_only(reference: Any) -> None:
    index = index_of_condition()
    assert index.resolve(reference, CONTAINER) == {"resourceType": "Medication", "id": "m1"}
    assert index.resolve(reference) is None
    assert index.resolve(reference, CONDITION) is None


def test_a_lone_number_sign_is_the_container_itself() -> None:
    assert index_of_condition().resolve("#", CONTAINER) is CONTAINER


def test_contained_ids_may_carry_the_number_sign() -> None:
    container = {
        "resourceType": "MedicationRequest",
        "contained": {"resourceType": "Medication", "id": "#m1"},
    }
    assert index_of_condition().resolve("#m1", container) == container["contained"]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Coverage", "id": "cov-1"}, "Coverage/cov-1"),
        ({"resourceType": "Coverage"}, "Coverage"),
        ({"resourceType": "Coverage", "id": 7}, "Coverage"),
        ({}, "Resource"),
    ],
)
def test_the_reference_to_a_resource(resource: dict[str, Any], expected: str) -> None:
    assert reference_to(resource) == expected


@given(json_values())
def test_no_reference_breaks_reading(value: Any) -> None:
    index = index_of_condition()
    found = index.resolve(value, value if isinstance(value, dict) else None)
    assert found is None or isinstance(found, dict)
    parsed = parse_reference(value)
    assert parsed is None or parsed.url
