"""One call from door to door: real requests, the real catalogue, the answer that goes out."""

from __future__ import annotations

import copy
import logging
from typing import Any

import pytest

import cds_service.coverage_check.check as check_module
from cds_service.coverage_check import CoverageCheck
from cds_service.coverage_check.scope import resource_index
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.hooks.request import HookRequest
from tests.coverage_check.calls import (
    HCPCS,
    Sink,
    answered,
    call,
    catalogue,
    chart,
    found,
    macrilen,
    observation,
    said,
    standing,
)

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, str | None]]] = {
    "covered": ({}, {}, ("covered", "satisfied")),
    "not covered": ({}, {"observations": found(observation(40.1))}, ("not-covered", None)),
    "documentation needed": ({}, {"observations": found()}, ("covered", "auth-needed")),
    "not fetched": (
        {},
        {"observations": {"resourceType": "OperationOutcome", "issue": []}},
        ("covered", "auth-needed"),
    ),
    "another policy": (
        {"medicationCodeableConcept": {"coding": [{"system": HCPCS, "code": "J9999"}]}},
        {},
        ("conditional", "conditional"),
    ),
    "no policy": (
        {"medicationCodeableConcept": {"text": "paracetamol 500 mg"}},
        {},
        ("conditional", "conditional"),
    ),
    "before the policy": ({"authoredOn": "2023-01-01"}, {}, ("conditional", "conditional")),
    "ill-formed": (
        {
            "category": {"coding": {"code": "outpatient"}},
            "reasonCode": {"text": "x"},
            "dosageInstruction": "daily",
        },
        {},
        ("covered", "auth-needed"),
    ),
    "no reason": ({"reasonCode": []}, {}, ("covered", "auth-needed")),
}


def request_of(case: str, version: str = "2.2") -> HookRequest:
    elements, keys, _ = CASES[case]
    return call(macrilen(**elements), prefetch=chart(**keys), version=version)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.requirement("crd-2.2.1@resp-14", "crd-2.2.1@resp-26", "crd-2.2.1@found-24", "crd-2.2.1@found-34")
def test_what_is_decided(case: str) -> None:
    assert standing(answered(request_of(case))) == CASES[case][2]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.requirement("crd-2.2.1@resp-13", "crd-2.2.1@resp-37", "crd-2.2.1@dev-2")
def test_every_answer_is_valid_and_leaves_the_order_alone(case: str, version: str) -> None:
    request = request_of(case, version)
    before = copy.deepcopy(request.draft_orders[0][1])
    answer = answered(request)
    assert check_answer(answer, VERSIONS[version]) == []
    after = answer["systemActions"][0]["resource"]
    assert {name: value for name, value in after.items() if name != "extension"} == before
    assert request.draft_orders[0][1] == before
    assert answer["cards"]


def test_an_approval_says_everything_about_itself() -> None:
    values = said(answered())
    assert values["satisfied-pa-id"][0].startswith("PA-")
    assert values["expiry-date"] == ["2025-08-31"]
    assert values["date"] == ["2024-09-01"]
    assert values["billingCode"] == [{"system": HCPCS, "code": "J3490"}]
    assert values["coverage"] == [{"reference": "Coverage/cov-1"}]


@pytest.mark.requirement("crd-2.2.1@dev-5", "crd-2.2.1@dev-14")
def test_a_client_may_not_want_unsolicited_determinations() -> None:
    answer = answered(call(configuration={"unsolicited-determ": False}))
    assert standing(answer) == ("covered", "auth-needed")
    assert "satisfied-pa-id" not in said(answer)


@pytest.mark.requirement("crd-2.2.1@dev-14")
def test_a_client_may_not_want_coverage_information() -> None:
    assert answered(call(configuration={"coverage-info": False})) == {"cards": []}


@pytest.mark.requirement("crd-2.2.1@dev-6", "crd-2.2.1@dev-15", "crd-2.2.1@dev-17", "crd-2.2.1@found-33")
@pytest.mark.parametrize(
    "request_",
    [
        call(configuration={"nonsense": {"deep": []}, "max-cards": "many"}),
        call(configuration=["not", "an", "object"]),
        call(extension={"davinci-crd.configuration": None, "com.example.other": 1}),
        call(context={"unheardOf": {"x": 1}}, unheardOf=True),
        call(macrilen(unheardOf={"x": [1]}, _status={"id": "s"})),
    ],
)
def test_what_is_not_understood_changes_nothing(request_: HookRequest) -> None:
    assert standing(answered(request_)) == ("covered", "satisfied")


@pytest.mark.requirement("crd-2.2.1@resp-35")
def test_an_order_that_carries_this_answer_already_is_left_alone() -> None:
    signed = answered()["systemActions"][0]["resource"]
    assert answered(call(signed | {"status": "active"})) == {"cards": []}


def test_new_facts_replace_the_earlier_answer() -> None:
    signed = answered(call(prefetch=chart(observations=found())))["systemActions"][0]["resource"]
    again = answered(call(signed))
    assert len(again["systemActions"][0]["resource"]["extension"]) == 1
    assert standing(again) == ("covered", "satisfied")


@pytest.mark.requirement("crd-2.2.1@resp-29", "crd-2.2.1@hook-16")
def test_several_orders_get_an_answer_each() -> None:
    other = {"resourceType": "ServiceRequest", "id": "sr-1", "status": "draft", "code": {"text": "MRI"}}
    text = macrilen("mr-2", medicationCodeableConcept={"text": "paracetamol"})
    answer = answered(call(macrilen(), other, text))
    assert [action["resource"]["id"] for action in answer["systemActions"]] == ["mr-1", "sr-1", "mr-2"]
    assert [standing(answer, position)[0] for position in range(3)] == [
        "covered",
        "conditional",
        "conditional",
    ]
    assert check_answer(answer, VERSIONS["2.2"]) == []
    identifiers = {said(answer, position)["coverage-assertion-id"][0] for position in range(3)}
    assert len(identifiers) == 3


@pytest.mark.parametrize(
    "kind",
    ["DeviceRequest", "ServiceRequest", "NutritionOrder", "VisionPrescription", "CommunicationRequest"],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_orders_that_are_no_drug_orders_are_not_decided(kind: str, version: str) -> None:
    order = {"resourceType": kind, "id": "o-1", "status": "draft", "subject": {"reference": "Patient/pat-1"}}
    answer = answered(call(order, version=version))
    assert standing(answer) == ("conditional", "conditional")
    assert said(answer)["info-needed"] == ["OTH"]
    assert answer["cards"] == []
    assert check_answer(answer, VERSIONS[version]) == []


@pytest.mark.requirement("crd-2.2.1@resp-43", "crd-2.2.1@impl-2")
def test_trouble_with_one_order_stays_its_own_and_tells_no_patient_data(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = check_module.read_drug_order

    def failing(resource: Any, *rest: Any) -> Any:
        if resource["id"] == "mr-2":
            raise ZeroDivisionError("Jane Doe weighs 0 kg")
        return real(resource, *rest)

    monkeypatch.setattr(check_module, "read_drug_order", failing)
    with caplog.at_level(logging.ERROR):
        answer = answered(call(macrilen(), macrilen("mr-2"), macrilen("mr-3")))
    assert [standing(answer, position)[0] for position in range(3)] == ["covered", "indeterminate", "covered"]
    assert said(answer, 1)["reason"][0]["coding"][0]["code"] == "technical"
    assert "code=CDS-2003" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "failing" in caplog.text, "the place is named"
    assert "Jane" not in caplog.text
    assert check_answer(answer, VERSIONS["2.2"]) == []


def test_a_draft_order_is_no_evidence_of_earlier_treatment() -> None:
    request = call(macrilen(), macrilen("mr-2", status="completed"))
    assert list(resource_index(request).resources("MedicationRequest")) == []


def test_what_else_is_in_the_draft_bundle_can_be_referred_to() -> None:
    medication = {
        "resourceType": "Medication",
        "id": "med-1",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "0169-1401-01"}]},
    }
    order = macrilen(medicationReference={"reference": "Medication/med-1"})
    del order["medicationCodeableConcept"]
    assert standing(answered(call(order, medication))) == ("covered", "satisfied")


def test_a_medication_that_cannot_be_found_is_not_decided() -> None:
    order = macrilen(medicationReference={"reference": "Medication/elsewhere"})
    del order["medicationCodeableConcept"]
    assert standing(answered(call(order))) == ("conditional", "conditional")


def test_every_decision_is_recorded_with_what_it_rests_on() -> None:
    sink = Sink()
    answer = answered(sink=sink)
    (record,) = sink.records
    assert record.assertion_id == said(answer)["coverage-assertion-id"][0]
    assert record.authorization_number == said(answer)["satisfied-pa-id"][0]
    assert (record.payer, record.product, record.outcome) == ("cigna", "macrilen", "covered")
    assert [(each.policy, each.version, each.statement) for each in record.policies] == [
        ("cigna-1701", "2024-07-01", "macrilen")
    ]
    assert {each.id: each.evidence for each in record.criteria}["body-mass-index-is-at-most-40-kg-m2"] == (
        "Observation/bmi-1",
    )
    assert record.catalogue_version == catalogue().version
    assert record.hook_instance == "b3d0c1f0-7a3e-4c41-9d0c-3f0a2a4c8f11"
    assert record.decided_at.utcoffset() is not None
    assert str(record.authorized_to) == "2025-08-31"


def test_what_is_not_authorized_has_no_number_on_record() -> None:
    sink = Sink()
    answered(call(prefetch=chart(observations=found())), sink=sink)
    assert sink.records[0].authorization_number is None
    assert sink.records[0].authorized_from is None


def test_another_key_gives_other_names() -> None:
    names = {
        said(answered(assertion_key=key))["coverage-assertion-id"][0] for key in ("", "secret", "x" * 100)
    }
    assert len(names) == 3


def test_links_lead_to_the_page_of_the_policy_version() -> None:
    card = answered()["cards"][0]
    assert card["links"][0]["url"] == "https://service.example/policies/cigna-1701/2024-07-01"


@pytest.mark.parametrize(
    ("criterion", "value", "outcome"),
    [
        ("Body mass index is at most 40 kg/m2", True, "covered"),
        ("Body mass index is at most 40 kg/m2", False, "not-covered"),
        ("No criterion of this policy", True, "documentation-needed"),
    ],
)
def test_answers_stand_in_for_what_the_record_does_not_show(
    criterion: str, value: bool, outcome: str
) -> None:
    request = call(prefetch=chart(observations=found()))
    index = resource_index(request)
    path, order = request.draft_orders[0]
    coverage = check_module.coverage_of(order, path, index, catalogue())
    now = check_module.datetime.fromisoformat("2024-09-01T12:00:00+00:00")
    read, determination = CoverageCheck(catalogue()).determine(
        order, index, coverage, now.date(), now, {criterion: value}
    )
    assert read is not None
    assert determination.outcome.value == outcome
    assert determination.attested is (outcome != "documentation-needed")
