"""order-dispatch: the performer settles where the drug is given (CRD 2.2.1 hook-30, hook-33)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cds_service.coverage_check.scope import orders_in_scope, resource_index
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.fhir.availability import Availability
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import write_json
from cds_service.hooks.request import HookRequest, parse_hook_request
from tests.coverage_check.calls import (
    Sink,
    answered,
    call,
    chart,
    found,
    hook_call,
    macrilen,
    place,
    remicade,
    said,
    standing,
)
from tests.hooks.requests import body

HOSPITAL = place("Organization", "org-hospital", "22")
CENTER = place("Organization", "org-center", "49")
OFFICE = place("Location", "loc-office", "11")
ROLE = {
    "resourceType": "PractitionerRole",
    "id": "role-1",
    "location": [{"reference": "Location/loc-office"}],
}


def dispatch(
    performer: Any, *orders: dict[str, Any], version: str = "2.2", shape: Any = None, **keys: Any
) -> HookRequest:
    """A dispatch of the Remicade order with everything at hand in prefetch."""
    delivered = orders or (remicade(),)
    named = {"dispatchedOrders": [f"{each['resourceType']}/{each['id']}" for each in delivered]}
    prefetch = chart(
        medicationHistory=found(),
        orders=found(*delivered),
        places=found(HOSPITAL, CENTER, OFFICE, ROLE),
    )
    del prefetch["medicationRequests"]
    return hook_call("order-dispatch", {"performer": performer} | (shape or named), prefetch | keys, version)


def outcome(request: HookRequest) -> str:
    sink = Sink()
    answered(request, sink=sink)
    return sink.records[-1].outcome


@pytest.mark.requirement("crd-2.2.1@hook-33", "crd-2.2.1@resp-26")
@pytest.mark.parametrize(
    ("performer", "expected"),
    [
        ("Organization/org-hospital", "lower-cost-site"),
        ("Organization/org-center", "covered"),
        ("Location/loc-office", "covered"),
        ("PractitionerRole/role-1", "covered"),
        ({"reference": "Organization/org-hospital"}, "lower-cost-site"),
        ("Organization/not-delivered", "site-unknown"),
        ("Practitioner/p1", "site-unknown"),
    ],
)
def test_the_performer_settles_the_site_that_the_signed_order_left_open(
    performer: Any, expected: str
) -> None:
    assert outcome(call(remicade())) == "site-unknown"
    assert outcome(dispatch(performer)) == expected


def test_the_performer_of_the_dispatch_goes_before_the_one_on_the_order() -> None:
    order = remicade(dispenseRequest={"performer": {"reference": "Organization/org-hospital"}})
    assert outcome(dispatch("Organization/org-center", order)) == "covered"


def test_the_location_of_a_task_says_where_too() -> None:
    task = {"resourceType": "Task", "status": "requested", "location": {"reference": "Location/loc-office"}}
    named = {"dispatchedOrders": ["MedicationRequest/mr-1"], "fulfillmentTasks": [task]}
    assert outcome(dispatch("Practitioner/p1", shape=named)) == "covered"


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_the_first_shape_of_the_context_is_read_as_the_second(version: str) -> None:
    old = dispatch(
        "Organization/org-center",
        version=version,
        shape={"order": "MedicationRequest/mr-1", "task": {"resourceType": "Task", "status": "requested"}},
    )
    new = dispatch("Organization/org-center", version=version)
    assert answered(old) == answered(new)
    assert check_answer(answered(new), VERSIONS[version]) == []


@pytest.mark.requirement("crd-2.2.1@resp-35", "crd-2.2.1@resp-37")
def test_the_answer_of_order_sign_is_replaced_and_the_new_one_is_not_repeated() -> None:
    signed = answered(call(remicade()))["systemActions"][0]["resource"]
    foreign = {"url": "https://example.org/other", "valueBoolean": True}
    signed["extension"].insert(0, foreign)
    first = answered(dispatch("Organization/org-hospital", signed))
    updated = first["systemActions"][0]["resource"]
    assert len(updated["extension"]) == 2
    assert updated["extension"][0] == foreign
    assert said(first)["coverage-assertion-id"] != [
        part["valueString"]
        for part in signed["extension"][1]["extension"]
        if part["url"] == "coverage-assertion-id"
    ]
    assert "systemActions" not in answered(dispatch("Organization/org-hospital", updated))


@pytest.mark.requirement("crd-2.2.1@hook-30")
def test_only_the_dispatched_orders_are_answered() -> None:
    request = dispatch(
        "Organization/org-center",
        remicade(),
        macrilen("mr-2"),
        shape={"dispatchedOrders": ["MedicationRequest/mr-2", "MedicationRequest/mr-2"]},
    )
    answer = answered(request)
    assert [each["resource"]["id"] for each in answer["systemActions"]] == ["mr-2"]


def test_every_order_type_is_answered() -> None:
    device = {"resourceType": "DeviceRequest", "id": "d-1", "status": "active", "codeCodeableConcept": {}}
    answer = answered(dispatch("Organization/org-center", device, macrilen()))
    assert standing(answer) == ("conditional", "conditional")
    assert len(answer["systemActions"]) == 2


def test_the_dispatched_order_is_no_record_of_the_past() -> None:
    """Delivered under the key of the order, it says nothing of what the patient took before."""
    request = dispatch("Organization/org-center", medicationHistory=found(macrilen("earlier")))
    index = resource_index(request)
    ((_, order),) = orders_in_scope(request, index, frozenset()).draft_orders
    assert order["id"] == "mr-1"
    assert [each["id"] for each in index.resources("MedicationRequest")] == ["earlier"]
    assert index.availability("MedicationRequest") is Availability.AVAILABLE


def test_the_key_of_the_order_does_not_say_what_else_the_patient_takes() -> None:
    request = dispatch("Organization/org-center", medicationRequests=found(remicade()))
    prefetch = {
        key: value for key, value in request.prefetch.items() if key not in ("orders", "medicationHistory")
    }
    index = resource_index(replace(request, prefetch=prefetch))
    assert index.availability("MedicationRequest") is Availability.NOT_FETCHED


def test_numbers_go_back_as_they_were_written() -> None:
    document = {
        "hook": "order-dispatch",
        "hookInstance": "i-1",
        "context": {
            "patientId": "pat-1",
            "performer": "Organization/org-center",
            "dispatchedOrders": ["MedicationRequest/mr-1"],
        },
        "prefetch": chart(orders=found(remicade(priority=98765))),
        "extension": {"davinci-crd.requestedVersion": "2.2"},
    }
    request = parse_hook_request(body(document).replace(b"98765", b"5.00"), "order-dispatch")
    assert b'"priority":5.00' in write_json(answered(request))


@pytest.mark.parametrize(
    ("reference", "prefetched", "code", "kind"),
    [
        ("MedicationRequest/gone", {}, "CDS-1040", ErrorKind.DATA_UNAVAILABLE),
        ("MedicationRequest/gone", {"medicationRequests": None}, "CDS-1041", ErrorKind.INVALID),
        ("MedicationRequest/gone", {"medicationRequests": found()}, "CDS-1041", ErrorKind.INVALID),
        ("MedicationRequest/gone", {"medicationRequests": found(remicade())}, "CDS-1041", ErrorKind.INVALID),
        (
            "MedicationRequest/gone",
            {"medicationRequests": {"resourceType": "OperationOutcome"}},
            "CDS-1040",
            ErrorKind.DATA_UNAVAILABLE,
        ),
        ("urn:uuid:0b6e4a5c-0000-4000-8000-000000000001", {}, "CDS-1040", ErrorKind.DATA_UNAVAILABLE),
    ],
)
def test_an_order_that_is_not_to_be_had_is_named(
    reference: str, prefetched: dict[str, Any], code: str, kind: ErrorKind
) -> None:
    request = dispatch("Organization/org-center", shape={"dispatchedOrders": [reference]}, **prefetched)
    with pytest.raises(RequestError) as caught:
        answered(request)
    assert (caught.value.code, caught.value.kind) == (code, kind)
    assert caught.value.expressions == ("context.dispatchedOrders[0]",)


def test_an_order_of_another_patient_is_refused() -> None:
    other = remicade(subject={"reference": "Patient/someone-else"})
    with pytest.raises(RequestError) as caught:
        answered(dispatch("Organization/org-center", other))
    assert caught.value.code == "CDS-1019"


def test_a_dispatched_appointment_stands_for_its_order() -> None:
    appointment = {
        "resourceType": "Appointment",
        "id": "a-1",
        "basedOn": [{"reference": "MedicationRequest/mr-1"}],
    }
    named = {"dispatchedOrders": ["Appointment/a-1"]}
    request = dispatch("Organization/org-center", shape=named, booked=found(appointment))
    assert [each["resource"]["id"] for each in answered(request)["systemActions"]] == ["mr-1"]
