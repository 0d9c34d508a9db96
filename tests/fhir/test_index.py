"""What the index makes of a prefetch object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from cds_service.fhir.availability import Availability
from cds_service.fhir.index import KeyOutcome, ResourceIndex
from tests.fhir.json_values import json_values

DECLARED = {"patient": ("Patient",), "observations": ("Observation",), "problems": ("Condition",)}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}


def observation(identity: Any = "o1", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": identity, **more}


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": r} for r in resources],
        **more,
    }


def index_of(observations: Any) -> ResourceIndex:
    return ResourceIndex.from_prefetch({"observations": observations}, DECLARED)


@pytest.mark.parametrize(
    ("value", "outcome", "availability"),
    [
        (None, KeyOutcome.NULL, Availability.EMPTY),
        (bundle(total=0), KeyOutcome.EMPTY, Availability.EMPTY),
        ({"resourceType": "Bundle"}, KeyOutcome.EMPTY, Availability.EMPTY),
        (bundle(observation()), KeyOutcome.DELIVERED, Availability.AVAILABLE),
        (observation(), KeyOutcome.DELIVERED, Availability.AVAILABLE),
        (bundle(bundle(observation()), type="batch-response"), KeyOutcome.DELIVERED, Availability.AVAILABLE),
        (bundle(observation(), WARNING), KeyOutcome.DELIVERED, Availability.AVAILABLE),
        (bundle(WARNING), KeyOutcome.EMPTY, Availability.EMPTY),
        (ERROR, KeyOutcome.FAILED, Availability.FAILED),
        (bundle(observation(), ERROR), KeyOutcome.FAILED, Availability.FAILED),
        ("https://ehr.example/Observation", KeyOutcome.FAILED, Availability.FAILED),
        ({"id": "no-type"}, KeyOutcome.FAILED, Availability.FAILED),
        ({"resourceType": 7}, KeyOutcome.FAILED, Availability.FAILED),
        ({"resourceType": ""}, KeyOutcome.FAILED, Availability.FAILED),
        ({"resourceType": "Bundle", "entry": "none"}, KeyOutcome.FAILED, Availability.FAILED),
        (bundle(observation(), None), KeyOutcome.INCOMPLETE, Availability.NOT_FETCHED),
        ([observation()], KeyOutcome.INCOMPLETE, Availability.NOT_FETCHED),
        (bundle(total=3), KeyOutcome.INCOMPLETE, Availability.NOT_FETCHED),
        (
            bundle(observation(), link=[{"relation": "next", "url": "https://ehr.example/?page=2"}]),
            KeyOutcome.INCOMPLETE,
            Availability.NOT_FETCHED,
        ),
    ],
)
def test_each_answer_under_a_key_means_something_else(
    value: Any, outcome: KeyOutcome, availability: Availability
) -> None:
    index = index_of(value)
    assert index.outcome("observations") is outcome
    assert index.availability("Observation") is availability


def test_a_key_left_out_was_not_fetched() -> None:
    index = ResourceIndex.from_prefetch({}, DECLARED)
    assert index.outcome("observations") is KeyOutcome.ABSENT
    assert index.availability("Observation") is Availability.NOT_FETCHED


def test_nobody_looked_for_a_type_that_no_key_asks_for() -> None:
    assert index_of(None).availability("Procedure") is Availability.NOT_FETCHED


@pytest.mark.parametrize("prefetch", [None, [], "x", 7])
def test_a_prefetch_that_is_no_object_is_no_prefetch(prefetch: Any) -> None:
    assert ResourceIndex.from_prefetch(prefetch, DECLARED).availability("Patient") is Availability.NOT_FETCHED


def test_resources_are_found_whatever_the_key_is_called() -> None:
    index = ResourceIndex.from_prefetch({"vitals-of-last-year": bundle(observation())}, DECLARED)
    assert index.get("Observation", "o1") == observation()
    assert index.availability("Observation") is Availability.AVAILABLE


def test_a_type_included_in_the_answer_to_another_key_does_not_stand_for_its_own_key() -> None:
    index = index_of(bundle(observation(), {"resourceType": "Condition", "id": "c1"}))
    assert index.get("Condition", "c1") is not None
    assert index.availability("Condition") is Availability.NOT_FETCHED


def test_one_failed_key_of_two_leaves_the_type_failed() -> None:
    declared = {"vitals": ("Observation",), "labs": ("Observation",)}
    index = ResourceIndex.from_prefetch({"vitals": bundle(observation()), "labs": ERROR}, declared)
    assert index.availability("Observation") is Availability.FAILED


def test_a_draft_order_says_nothing_about_the_medication_history() -> None:
    index = ResourceIndex.from_prefetch({}, {"history": ("MedicationRequest",)})
    index.add({"resourceType": "MedicationRequest", "id": "draft"})
    assert index.availability("MedicationRequest") is Availability.NOT_FETCHED
    assert index.get("MedicationRequest", "draft") is not None


def test_a_late_read_settles_availability() -> None:
    index = ResourceIndex.from_prefetch({}, DECLARED)
    index.add(observation())
    index.settle("Observation", Availability.AVAILABLE)
    assert index.availability("Observation") is Availability.AVAILABLE
    assert list(index.resources("Observation")) == [observation()]


def test_broken_entries_are_noted_and_the_rest_is_read() -> None:
    index = index_of(
        {"resourceType": "Bundle", "entry": [None, {"resource": None}, {"resource": observation()}]}
    )
    assert [resource["id"] for resource in index.resources("Observation")] == ["o1"]
    assert len(index.findings) == 2
    assert all("prefetch.observations.entry" in finding for finding in index.findings)


def test_a_request_full_of_rubbish_is_noted_in_brief() -> None:
    index = index_of({"resourceType": "Bundle", "entry": [None] * 100_000})
    assert len(index.findings) == 50
    assert index.outcome("observations") is KeyOutcome.INCOMPLETE


def test_an_entry_object_in_place_of_a_list_is_read() -> None:
    index = index_of({"resourceType": "Bundle", "entry": {"resource": observation()}})
    assert index.get("Observation", "o1") is not None


def test_the_same_resource_under_two_keys_counts_once() -> None:
    index = ResourceIndex.from_prefetch({"a": observation(), "b": bundle(observation())})
    assert len(index.resources("Observation")) == 1


def test_of_two_versions_the_later_one_counts() -> None:
    old = observation(meta={"lastUpdated": "2024-01-01T00:00:00Z"}, status="preliminary")
    new = observation(meta={"lastUpdated": "2024-02-01T00:00:00Z"}, status="final")
    for order in ([old, new], [new, old]):
        assert [r["status"] for r in index_of(bundle(*order)).resources("Observation")] == ["final"]


def test_resources_without_an_id_are_all_kept() -> None:
    nameless = {"resourceType": "Observation", "status": "final"}
    index = index_of(bundle(nameless, dict(nameless), observation(identity=7)))
    assert len(index.resources("Observation")) == 3


def test_bundles_nested_without_end_are_not_followed() -> None:
    nested: Any = bundle(observation())
    for _ in range(200):
        nested = bundle(nested)
    assert index_of(nested).resources("Observation") == ()


class TestPatient:
    def test_the_patient_of_the_call_is_found_by_id(self) -> None:
        index = ResourceIndex.from_prefetch({"patient": {"resourceType": "Patient", "id": "p1"}})
        index.set_patient("p1")
        assert index.patient == {"resourceType": "Patient", "id": "p1"}

    def test_another_patient_is_never_taken_for_it(self) -> None:
        index = ResourceIndex.from_prefetch({"patient": {"resourceType": "Patient", "id": "p2"}})
        index.set_patient("p1")
        assert index.patient is None

    def test_a_patient_without_an_id_is_the_one_that_was_asked_for(self) -> None:
        index = ResourceIndex.from_prefetch({"patient": {"resourceType": "Patient"}})
        index.set_patient("p1")
        assert index.patient == {"resourceType": "Patient"}

    def test_a_type_in_front_of_the_id_does_not_matter(self) -> None:
        index = ResourceIndex.from_prefetch({"patient": {"resourceType": "Patient", "id": "p1"}})
        index.set_patient("Patient/p1")
        assert index.patient is not None
        assert index.patient_id == "p1"

    @pytest.mark.parametrize(
        "reference",
        ["Patient/p1", "https://ehr.example/fhir/Patient/p1", "Patient/p1/_history/3", "urn:uuid:1"],
    )
    def test_own_facts_are_shown(self, reference: str) -> None:
        index = index_of(bundle(observation(subject={"reference": reference})))
        index.set_patient("p1")
        assert len(index.resources("Observation")) == 1

    @pytest.mark.parametrize("element", ["subject", "patient", "beneficiary"])
    def test_facts_of_another_patient_stay_hidden_and_are_noted(self, element: str) -> None:
        index = index_of(
            bundle(observation("o1", **{element: {"reference": "Patient/p2"}}), observation("o2"))
        )
        index.set_patient("p1")
        assert [resource["id"] for resource in index.resources("Observation")] == ["o2"]
        assert index.findings == ["1 Observation of another patient left out"]


class TestEncounter:
    ENCOUNTERS = bundle({"resourceType": "Encounter", "id": "e1"}, {"resourceType": "Encounter", "id": "e2"})

    def test_the_encounter_of_the_context_counts(self) -> None:
        index = ResourceIndex.from_prefetch({"encounters": self.ENCOUNTERS})
        index.set_encounter("e2")
        assert index.encounter == {"resourceType": "Encounter", "id": "e2"}

    def test_the_encounter_of_another_patient_is_none(self) -> None:
        other = {"resourceType": "Encounter", "id": "e1", "subject": {"reference": "Patient/somebody-else"}}
        index = ResourceIndex.from_prefetch({"encounter": other})
        index.set_patient("pat-1")
        index.set_encounter("e1")
        assert index.encounter is None

    def test_among_several_none_is_picked(self) -> None:
        assert ResourceIndex.from_prefetch({"encounters": self.ENCOUNTERS}).encounter is None

    def test_a_single_one_needs_no_context(self) -> None:
        index = ResourceIndex.from_prefetch({"encounter": {"resourceType": "Encounter", "id": "e1"}})
        assert index.encounter is not None


@given(json_values())
def test_reading_anything_as_prefetch_never_raises(value: Any) -> None:
    for prefetch in (value, {"observations": value}, {"observations": bundle(value)}):
        index = ResourceIndex.from_prefetch(prefetch, DECLARED)
        index.set_patient("p1")
        index.availability("Observation")
        assert index.patient is None or index.patient["resourceType"] == "Patient"
        for resource in list(index):
            assert isinstance(resource["resourceType"], str)
            assert resource in index.resources(resource["resourceType"]) or index.findings
