"""Reading one order-sign request: what passes, what does not, and which element the error names."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import RequestLimits
from cds_service.hooks.request import HookRequest, parse_hook_request
from tests.hooks.requests import body, hook_request, order, replaced


def parse(document: Any, limits: RequestLimits | None = None) -> HookRequest:
    return parse_hook_request(body(document), "order-sign", limits)


def error_of(document: Any, limits: RequestLimits | None = None) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse(document, limits)
    return caught.value


def test_a_request_becomes_plain_values() -> None:
    request = parse(
        hook_request(
            prefetch={"patient": {"resourceType": "Patient", "id": "p1"}, "coverage": None},
            fhirServer="https://ehr.example.org/fhir",
            extension={"davinci-crd.requestedVersion": "2.2", "davinci-crd.configuration": {"max-cards": 1}},
        )
    )
    assert request.hook_instance == "f2a2853e-0000-4000-8000-000000000001"
    assert request.patient_id == "p1"
    assert request.user_id == "Practitioner/d1"
    assert request.draft_orders == (("context.draftOrders.entry[0].resource", order()),)
    assert request.prefetch == {"patient": {"resourceType": "Patient", "id": "p1"}, "coverage": None}
    assert request.requested_version == "2.2"
    assert request.configuration == {"max-cards": 1}
    assert request.fhir_server == "https://ehr.example.org/fhir"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("context.draftOrders.resourceType", ...),
        ("context.draftOrders.type", "collection"),
        ("context.encounterId", None),
        ("context.draftOrders.entry.0.resource.category", {"coding": [{}]}),
        ("context.draftOrders.entry.0.resource.category", [{"coding": [{}]}]),
        ("context.draftOrders.entry.0.resource.intent", ...),
        ("context.draftOrders.entry.0.resource.id", ...),
        ("context.draftOrders.entry.0.resource.status", "active"),
        ("context.draftOrders.entry.0.resource.dosageInstruction", "as told"),
        ("context.draftOrders.entry.0.resource.medicationCodeableConcept", {"coding": [{"code": "1"}]}),
        ("context.draftOrders.entry.0.unknown", {"a": 1}),
        ("context.unknown", [1]),
        ("unknown", "x"),
        ("prefetch", None),
        ("extension", None),
        ("extension", {"davinci-crd.configuration": "nonsense"}),
        ("hookInstance", "not-a-uuid"),
    ],
)
def test_real_but_invalid_or_unusual_requests_pass(path: str, value: Any) -> None:
    assert len(parse(replaced(hook_request(), path, value)).draft_orders) == 1


@pytest.mark.parametrize(
    ("path", "value", "code", "expression"),
    [
        ("hook", ..., "CDS-1010", "hook"),
        ("hook", "order-select", "CDS-1012", "hook"),
        ("hook", 7, "CDS-1011", "hook"),
        ("hookInstance", ..., "CDS-1010", "hookInstance"),
        ("hookInstance", "", "CDS-1011", "hookInstance"),
        ("context", ..., "CDS-1010", "context"),
        ("context", [], "CDS-1011", "context"),
        ("context.patientId", ..., "CDS-1010", "context.patientId"),
        ("context.patientId", None, "CDS-1011", "context.patientId"),
        ("context.patientId", 12, "CDS-1011", "context.patientId"),
        ("context.userId", ..., "CDS-1010", "context.userId"),
        ("context.draftOrders", ..., "CDS-1010", "context.draftOrders"),
        ("context.draftOrders", [], "CDS-1011", "context.draftOrders"),
        ("context.draftOrders.resourceType", "Patient", "CDS-1011", "context.draftOrders.resourceType"),
        ("context.draftOrders.entry", ..., "CDS-1010", "context.draftOrders.entry"),
        ("context.draftOrders.entry", {}, "CDS-1011", "context.draftOrders.entry"),
        ("context.draftOrders.entry", [], "CDS-1017", "context.draftOrders.entry"),
        ("context.draftOrders.entry.0", None, "CDS-1011", "context.draftOrders.entry[0]"),
        ("context.draftOrders.entry.0.resource", ..., "CDS-1010", "context.draftOrders.entry[0].resource"),
        ("context.draftOrders.entry.0.resource", "x", "CDS-1011", "context.draftOrders.entry[0].resource"),
        (
            "context.draftOrders.entry.0.resource.resourceType",
            ...,
            "CDS-1010",
            "context.draftOrders.entry[0].resource.resourceType",
        ),
        (
            "context.draftOrders.entry.0.resource.id",
            5,
            "CDS-1011",
            "context.draftOrders.entry[0].resource.id",
        ),
        (
            "context.draftOrders.entry.0.resource.medicationCodeableConcept",
            ...,
            "CDS-1014",
            "context.draftOrders.entry[0].resource.medication",
        ),
        (
            "context.draftOrders.entry.0.resource.medicationCodeableConcept",
            {},
            "CDS-1014",
            "context.draftOrders.entry[0].resource.medication",
        ),
        (
            "context.draftOrders.entry.0.resource.medicationCodeableConcept",
            "Macrilen",
            "CDS-1011",
            "context.draftOrders.entry[0].resource.medicationCodeableConcept",
        ),
        (
            "context.draftOrders.entry.0.resource.resourceType",
            "MedicationOrder",
            "CDS-1013",
            "context.draftOrders.entry[0].resource.resourceType",
        ),
        ("context.draftOrders.entry.0.resource.resourceType", "Patient", "CDS-1017", None),
        ("prefetch", [], "CDS-1011", "prefetch"),
        ("prefetch", {"patient": "p1"}, "CDS-1011", "prefetch.patient"),
        ("fhirServer", 1, "CDS-1011", "fhirServer"),
        ("extension", [], "CDS-1011", "extension"),
        ("extension", {"davinci-crd.requestedVersion": 2.2}, "CDS-1011", None),
        ("extension", {"davinci-crd.requestedVersion": "2.0.1"}, "CDS-1020", None),
    ],
)
def test_errors_name_the_element(path: str, value: Any, code: str, expression: str | None) -> None:
    error = error_of(replaced(hook_request(), path, value))
    assert error.code == code
    assert error.expressions
    if expression:
        assert error.expressions[0] == expression
        assert expression in error.message


def test_the_only_body_without_an_element_to_name_is_no_object() -> None:
    error = error_of([1])
    assert (error.code, error.message) == ("CDS-1005", "The body must be an object, not a list.")


def test_several_errors_are_told_at_once() -> None:
    error = error_of({"hook": "order-sign", "context": {"patientId": 1}})
    assert set(error.expressions) == {
        "hookInstance",
        "context.patientId",
        "context.userId",
        "context.draftOrders",
    }


def test_messages_never_repeat_content() -> None:
    secret = "Jane Doe 1980-05-17"
    for path in ("context.patientId", "prefetch", "context.draftOrders.entry.0.resource"):
        error = error_of(replaced(hook_request(), path, [secret]))
        assert secret not in error.message


def test_the_same_order_twice_is_an_error_but_orders_without_id_are_not() -> None:
    error = error_of(hook_request(order(), order()))
    assert error.code == "CDS-1016"
    without_id = {name: value for name, value in order().items() if name != "id"}
    assert len(parse(hook_request(without_id, without_id)).draft_orders) == 2


def test_resources_that_are_no_orders_are_context() -> None:
    medication = {"resourceType": "Medication", "id": "m1"}
    request = parse(hook_request(medication, order()))
    assert [path for path, _ in request.draft_orders] == ["context.draftOrders.entry[1].resource"]
    assert request.context["draftOrders"]["entry"][0]["resource"] == medication


def test_absurd_numbers_of_orders_are_refused() -> None:
    orders = [order(id=f"o{number}") for number in range(6)]
    assert len(parse(hook_request(*orders), RequestLimits(max_orders=6)).draft_orders) == 6
    error = error_of(hook_request(*orders), RequestLimits(max_orders=5))
    assert (error.code, error.kind) == ("CDS-1015", ErrorKind.TOO_LARGE)


def test_references_instead_of_ids_are_understood() -> None:
    document = replaced(hook_request(), "context.patientId", "Patient/p1")
    assert parse(replaced(document, "context.encounterId", "Encounter/e1")).patient_id == "p1"


def test_the_version_of_the_exchange_travels_with_errors() -> None:
    document = hook_request(extension={"davinci-crd.requestedVersion": "2.2"})
    assert error_of(replaced(document, "context.draftOrders", ...)).version == "2.2"


def test_decimals_of_orders_keep_their_digits() -> None:
    quantity = b'{"value": 2.50, "times": 1e2, "big": 123456789012345678901234567890, "plain": 5.0}'
    text = body(hook_request(order(dispenseRequest="HERE"))).replace(b'"HERE"', quantity)
    request = parse_hook_request(text, "order-sign")
    dispense = request.draft_orders[0][1]["dispenseRequest"]
    assert dispense["value"] == 2.5
    assert str(dispense["value"]) == "2.50"
    from cds_service.hooks.reading import write_json

    assert write_json(dispense) == (
        b'{"value":2.50,"times":1e2,"big":123456789012345678901234567890,"plain":5.0}'
    )
