"""appointment-book: coverage information on the order behind the appointment (CRD 2.2.1 hook-26)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.hooks.request import HookRequest
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

ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-reference"
REMICADE = {
    "extension": [{"url": ALTERNATE, "valueReference": {"reference": "MedicationRequest/mr-1"}}],
}
HOSPITAL = place("Location", "hospital", "22")
OFFICE = place("Location", "office", "11")
ROLE = {"resourceType": "PractitionerRole", "id": "role", "location": [{"reference": "Location/office"}]}


def appointment(*places: str, identity: str = "a-1", **elements: Any) -> dict[str, Any]:
    """A proposed appointment for the Remicade order at these places."""
    return {
        "resourceType": "Appointment",
        "id": identity,
        "status": "proposed",
        "basedOn": [REMICADE],
        "participant": [
            {"actor": {"reference": "Patient/pat-1"}, "status": "accepted"},
            *({"actor": {"reference": each}, "status": "tentative"} for each in places),
        ],
    } | elements


def book(*appointments: dict[str, Any], version: str = "2.2", **keys: Any) -> HookRequest:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in appointments]}
    prefetch = chart(
        orders=found(remicade()), places=found(HOSPITAL, OFFICE, ROLE), medicationHistory=found()
    )
    return hook_call("appointment-book", {"appointments": bundle}, prefetch | keys, version)


def outcome(request: HookRequest) -> str:
    sink = Sink()
    answered(request, sink=sink)
    return sink.records[-1].outcome


@pytest.mark.requirement("crd-2.2.1@hook-26", "crd-2.2.1@resp-26")
@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (["Location/hospital"], "lower-cost-site"),
        (["Location/office"], "covered"),
        (["PractitionerRole/role"], "covered"),
        (["PractitionerRole/role", "Location/hospital"], "lower-cost-site"),
        (["Practitioner/p1"], "site-unknown"),
        (["Location/not-delivered"], "site-unknown"),
        ([], "site-unknown"),
    ],
)
def test_the_booked_place_settles_the_site(places: list[str], expected: str) -> None:
    assert outcome(book(appointment(*places))) == expected


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_the_answer_stands_on_the_order_and_is_valid(version: str) -> None:
    answer = answered(book(appointment("Location/hospital"), version=version))
    assert [each["resource"]["resourceType"] for each in answer["systemActions"]] == ["MedicationRequest"]
    assert check_answer(answer, VERSIONS[version], "appointment-book") == []


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_an_appointment_without_an_order_carries_the_answer_itself(version: str) -> None:
    booked = appointment("Location/office", identity="a-2", basedOn=[])
    answer = answered(book(booked, version=version))
    returned = dict(answer["systemActions"][0]["resource"])
    assert returned.pop("extension")
    assert returned == booked
    assert standing(answer) == ("conditional", "conditional")
    assert check_answer(answer, VERSIONS[version], "appointment-book") == []


def test_an_order_that_cannot_be_read_leaves_the_answer_on_the_appointment() -> None:
    answer = answered(book(appointment("Location/office"), orders=found()))
    assert answer["systemActions"][0]["resource"]["resourceType"] == "Appointment"
    assert "leads to no order" in said(answer)["reason"][0]["text"]


def test_two_appointments_for_one_order_give_one_answer() -> None:
    request = book(appointment("Location/office"), appointment("Location/hospital", identity="a-2"))
    assert len(answered(request)["systemActions"]) == 1
    assert outcome(request) == "site-unknown"  # the two places contradict each other


def test_a_direct_reference_to_the_order_is_followed_too() -> None:
    direct = appointment("Location/office", basedOn=[{"reference": "MedicationRequest/mr-1"}])
    assert outcome(book(direct)) == "covered"


def test_the_day_of_the_appointment_is_the_date_of_service() -> None:
    sink = Sink()
    days = ("2024-12-03T09:00:00Z", "2024-11-05T09:00:00Z", "tomorrow")
    booked = [appointment(identity=f"a-{day}", start=day) for day in days]
    answered(book(*booked), sink=sink)
    assert str(sink.records[0].service_date) == "2024-11-05"


@pytest.mark.requirement("crd-2.2.1@resp-35")
def test_the_answer_of_order_sign_is_replaced() -> None:
    signed = answered(call(remicade()))["systemActions"][0]["resource"]
    first = answered(book(appointment("Location/hospital"), orders=found(signed)))
    updated = first["systemActions"][0]["resource"]
    assert len(updated["extension"]) == 1
    again = answered(book(appointment("Location/hospital"), orders=found(updated)))
    assert "systemActions" not in again


def test_an_order_of_another_patient_is_not_looked_at() -> None:
    foreign = macrilen(subject={"reference": "Patient/someone-else"})
    answer = answered(book(appointment("Location/office"), orders=found(foreign)))
    assert answer["systemActions"][0]["resource"]["resourceType"] == "Appointment"


@pytest.mark.parametrize("hook", ["encounter-start", "encounter-discharge"])
@pytest.mark.requirement("crd-2.2.1@hook-4")
def test_encounters_get_a_valid_answer_that_says_nothing(hook: str) -> None:
    assert answered(hook_call(hook, {"encounterId": "e-1"})) == {"cards": []}
    assert answered(hook_call(hook, {"encounterId": "e-1"}, prefetch={})) == {"cards": []}
