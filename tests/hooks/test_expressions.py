"""Prefetch templates as queries, with the values that one call has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from cds_service.hooks.expressions import is_search, queries
from cds_service.hooks.prefetch import templates

BASE = "https://ehr.example.org/fhir"
ORDER = "context.draftOrders.entry.resource"
MEDICATION = f"{ORDER}.ofType(MedicationRequest).medication.resolve().id"
ROLE = f"{ORDER}.requester.resolve().ofType(PractitionerRole).id"
PLACES = "%encounter.serviceProvider.resolve().id|%coverage.entry.resource.payor.resolve().id"
ALTERNATE = "http://hl7.org/fhir/StructureDefinition/alternate-reference"
CONTEXT: dict[str, Any] = {
    "patientId": "p1",
    "odd": "a b&c=1/../2",
    "nothing": "",
    "draftOrders": {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "MedicationRequest",
                    "medicationReference": {"reference": "Medication/m1"},
                    "requester": {"reference": f"{BASE}/PractitionerRole/r1/_history/3"},
                    "insurance": [
                        {"reference": "Coverage/c1"},
                        {"reference": "Coverage/c1"},
                        {"display": "card"},
                    ],
                    "performer": {"reference": "https://other.example/fhir/Organization/o9"},
                    "recorder": {"reference": "#inside"},
                    "basedOn": {
                        "extension": [{"url": ALTERNATE, "valueReference": {"reference": "Task/t1"}}]
                    },
                }
            },
            {"resource": {"resourceType": "DeviceRequest", "codeReference": {"reference": "Device/d1"}}},
            {"resource": None},
            None,
        ],
    },
    "dispatchedOrders": ["MedicationRequest/x1", "ServiceRequest/x2", "nonsense", None],
}


def answers(key: str) -> Sequence[Mapping[str, Any]]:
    if key == "encounter":
        return [
            {"resourceType": "Encounter", "id": "e1", "serviceProvider": {"reference": "Organization/o1"}}
        ]
    if key == "coverage":
        return [{"resourceType": "Coverage", "id": "c1", "payor": [{"reference": "Organization/o2"}]}]
    return []


def paths(template: str) -> list[str]:
    return [each.path for each in queries(template, CONTEXT, answers, f"{BASE}/")]


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Patient/{{context.patientId}}", ["Patient/p1"]),
        ("Coverage?patient={{context.patientId}}&status=active", ["Coverage?patient=p1&status=active"]),
        ("Coverage?patient={{context.absent}}&status=active", []),
        ("Coverage?patient={{context.nothing}}", []),
        ("Coverage?patient={{today()}}", []),
        ("Encounter/{{context.encounterId}}", []),
        (
            f"Medication?_id={{{{{MEDICATION}}}}}",
            ["Medication/m1"],
        ),
        (f"Device?_id={{{{{ORDER}.ofType(DeviceRequest).code.resolve().id}}}}", ["Device/d1"]),
        (f"Coverage?_id={{{{{ORDER}.insurance.resolve().id}}}}", ["Coverage/c1"]),
        (
            f"PractitionerRole?_id={{{{{ROLE}}}}}",
            ["PractitionerRole/r1"],
        ),
        (f"Practitioner?_id={{{{{ORDER}.requester.resolve().ofType(Practitioner).id}}}}", []),
        (f"Organization?_id={{{{{ORDER}.performer.resolve().id}}}}", []),
        (f"Practitioner?_id={{{{{ORDER}.recorder.resolve().id}}}}", []),
        (f"Task?_id={{{{{ORDER}.basedOn.extension('{ALTERNATE}').value.resolve().id}}}}", ["Task/t1"]),
        (
            f"Organization?_id={{{{{PLACES}}}}}",
            ["Organization/o1", "Organization/o2"],
        ),
        ("Location?_id={{%unheard.of.resolve().id}}", []),
        (
            "MedicationRequest?_id={{context.dispatchedOrders.resolve().ofType(MedicationRequest).id}}",
            ["MedicationRequest/x1"],
        ),
        ("no template", []),
    ],
)
def test_a_template_asks_for_what_the_call_names(template: str, expected: list[str]) -> None:
    assert paths(template) == expected


def test_values_cannot_change_the_query_that_they_stand_in() -> None:
    assert paths("Coverage?patient={{context.odd}}") == ["Coverage?patient=2"]
    assert paths("Patient/{{context.odd}}") == ["Patient/2"]
    context = {"patientId": "p1&_include=*#?"}
    (query,) = queries("Coverage?patient={{context.patientId}}", context, answers, BASE)
    assert query.path == "Coverage?patient=p1%26_include%3D%2A%23%3F"


def test_a_call_names_only_so_many() -> None:
    context = {"orders": [f"Task/{number}" for number in range(100)]}
    assert len(list(queries("Task?_id={{context.orders.resolve().id}}", context, answers, BASE))) == 20


def test_every_published_template_is_a_read_or_a_search() -> None:
    for template in templates("order-sign").values():
        assert is_search(template) is ("_id=" not in template and "?" in template)
