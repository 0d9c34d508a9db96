"""Service requests for infusions are drug orders (Excellus 7.03.03 and MP-446 list 96365, 96366, 96374)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.coverage_check.scope import resource_index
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.hooks.request import HookRequest
from tests.coverage_check.calls import HCPCS, Sink, answered, call, chart, coverage, found, said

CPT = "http://www.ama-assn.org/go/cpt"
NDC = "http://hl7.org/fhir/sid/ndc"
KETAMINE = {"system": NDC, "code": "67457-181-20"}
EXCELLUS = coverage(
    payor=[{"display": "Excellus BlueCross BlueShield"}],
    type={"coding": [{"system": "https://nahdo.org/sopt", "code": "512"}]},
)


def infusion(code: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """An order to give something by vein for complex regional pain syndrome."""
    return {
        "resourceType": "ServiceRequest",
        "id": "sr-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/pat-1"},
        "code": code,
        "authoredOn": "2025-09-08",
        "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G90.522"}]}],
    } | elements


def giving(code: str, *others: dict[str, Any], **elements: Any) -> dict[str, Any]:
    return {"coding": [{"system": CPT, "code": code}, *others]} | elements


def request(order: dict[str, Any], **keys: Any) -> HookRequest:
    return call(order, prefetch=chart(coverage=found(EXCELLUS)) | keys)


def outcome(order: dict[str, Any], **keys: Any) -> str:
    sink = Sink()
    answered(request(order, **keys), sink=sink)
    return sink.records[-1].outcome


@pytest.mark.parametrize("code", ["96365", "96366", "96374", "96365-59"])
@pytest.mark.parametrize(
    "named",
    [
        {"code": [KETAMINE]},
        {"orderDetail": [{"coding": [KETAMINE]}]},
        {"orderDetail": {"text": "ketamine infusion 0.5 mg/kg"}},
        {"text": "Ketamine infusion"},
        {"supportingInfo": [{"reference": "Medication/m-1"}]},
        {
            "supportingInfo": [{"reference": "#drug"}],
            "contained": {"id": "drug", "code": {"coding": [KETAMINE]}},
        },
        {"supportingInfo": [{"reference": "MedicationRequest/mr-9"}]},
        {"supportingInfo": [{"type": "Medication", "display": "ketamine infusion"}]},
    ],
    ids=lambda named: "+".join(named),
)
def test_the_drug_is_found_wherever_the_order_names_it(code: str, named: dict[str, Any]) -> None:
    elements = dict(named)
    service = giving(code, *elements.pop("code", ()))
    if "text" in elements:
        service["text"] = elements.pop("text")
    if "contained" in elements:
        elements["contained"] = [{"resourceType": "Medication"} | elements["contained"]]
    earlier = {
        "resourceType": "MedicationRequest",
        "id": "mr-9",
        "medicationReference": {"reference": "Medication/m-1"},
        "subject": {"reference": "Patient/pat-1"},
    }
    drug = {"resourceType": "Medication", "id": "m-1", "code": {"coding": [KETAMINE]}}
    order = infusion(service, **elements)
    assert outcome(order, medications=found(drug), medicationRequests=found(earlier)) == "not-covered"


def test_the_order_goes_back_as_the_service_request_it_is() -> None:
    order = infusion(giving("96365", KETAMINE))
    answer = answered(request(order))
    returned = dict(answer["systemActions"][0]["resource"])
    assert returned.pop("extension")
    assert returned == order
    assert said(answer)["covered"] == ["not-covered"]
    assert answer["cards"][0]["extension"]["davinci-crd.associated-resource"] == [
        {"reference": "ServiceRequest/sr-1"}
    ]


@pytest.mark.parametrize(
    "order",
    [
        infusion(giving("96365")),
        infusion(giving("96365", text="Infusion")),
        infusion(giving("96365"), supportingInfo=[{"reference": "Condition/c-1", "display": "ketamine"}]),
        infusion({"coding": [{"system": CPT, "code": "80299"}], "text": "Ketamine level"}),
        infusion({"coding": [{"system": HCPCS, "code": "E0250"}]}),
        infusion({"text": "MRI of the knee"}),
        infusion([]),  # type: ignore[arg-type]
    ],
)
def test_a_service_that_gives_no_drug_is_not_addressed(order: dict[str, Any]) -> None:
    assert outcome(order) == "not-addressed"


def test_the_occurrence_is_the_date_of_service() -> None:
    sink = Sink()
    order = infusion(giving("96365", KETAMINE), occurrencePeriod={"start": "2025-10-01T08:00:00Z"})
    answered(request(order), sink=sink)
    assert str(sink.records[0].service_date) == "2025-10-01"


@pytest.mark.requirement("crd-2.2.1@hook-16", "crd-2.2.1@resp-29")
@pytest.mark.parametrize(
    "order",
    [
        {"resourceType": "CommunicationRequest", "id": "o-1", "status": "draft"},
        {"resourceType": "DeviceRequest", "id": "o-1", "codeCodeableConcept": {"text": "Bed"}},
        {"resourceType": "NutritionOrder", "id": "o-1", "status": "draft"},
        {"resourceType": "ServiceRequest", "id": "o-1", "code": {"text": "MRI of the knee"}},
        {"resourceType": "VisionPrescription", "id": "o-1", "status": "draft"},
    ],
    ids=lambda order: order["resourceType"],
)
def test_every_order_type_of_crd_gets_an_answer(order: dict[str, Any]) -> None:
    answer = answered(request(order))
    assert said(answer)["covered"] == ["conditional"]
    assert answer["cards"] == []


@pytest.mark.requirement("crd-2.2.1@conf-5")
@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("reference", ["MedicationRequest/mr-1", "urn:uuid:0b1c", "https://ehr.example/x"])
def test_an_infusion_depends_on_the_drug_order_of_the_same_call(reference: str, version: str) -> None:
    drug = infusion(giving("96365")) | {"resourceType": "MedicationRequest", "id": "mr-1"}
    del drug["code"]
    drug["medicationCodeableConcept"] = {"coding": [KETAMINE]}
    service = infusion(giving("96365"), supportingInfo=[{"reference": reference}])
    entries: list[dict[str, Any]] = [{"resource": drug}, {"resource": service}]
    if not reference.startswith("Med"):
        entries[0]["fullUrl"] = reference
    drafts = {"draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": entries}}
    asked = call(prefetch=chart(coverage=found(EXCELLUS)), context=drafts, version=version)
    answer = answered(asked)
    assert "dependency" not in said(answer, 0)
    assert said(answer, 1)["dependency"] == [{"reference": reference}]
    assert said(answer, 1)["covered"] == ["not-covered"]
    assert check_answer(answer, VERSIONS[version]) == []


def test_a_drug_order_of_another_patient_is_nothing_to_depend_on() -> None:
    other = {
        "resourceType": "MedicationRequest",
        "id": "mr-9",
        "medicationCodeableConcept": {"coding": [KETAMINE]},
        "subject": {"reference": "Patient/pat-2"},
    }
    order = infusion(giving("96365", KETAMINE), supportingInfo=[{"reference": "MedicationRequest/mr-9"}])
    own = other | {"subject": {"reference": "Patient/pat-1"}}
    alone = said(answered(request(order, medicationRequests=found(other))))
    depending = said(answered(request(order, medicationRequests=found(own))))
    assert "dependency" not in alone
    assert depending["dependency"] == [{"reference": "MedicationRequest/mr-9"}]
    assert alone["coverage-assertion-id"] != depending["coverage-assertion-id"], (
        "another answer, another name"
    )


def test_a_draft_order_that_can_be_referred_to_is_still_no_record_of_the_past() -> None:
    index = resource_index(call())
    assert index.resolve({"reference": "MedicationRequest/mr-1"}) is not None
    assert list(index.resources("MedicationRequest")) == []
