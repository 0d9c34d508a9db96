"""Requests for the tests of this room, built so that one element can be changed at a time."""

from __future__ import annotations

import copy
from typing import Any

import orjson


def order(**changes: Any) -> dict[str, Any]:
    """One medication order as the public sandbox sends it: category as an object, no reason."""
    resource = {
        "resourceType": "MedicationRequest",
        "id": "request-123",
        "status": "draft",
        "intent": "order",
        "category": {"coding": [{"code": "community"}]},
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": "Macrilen 60 MG Oral Granules"},
    }
    return {**resource, **changes}


def hook_request(*orders: Any, **changes: Any) -> dict[str, Any]:
    """An order-sign request with these orders and members."""
    document: dict[str, Any] = {
        "hook": "order-sign",
        "hookInstance": "f2a2853e-0000-4000-8000-000000000001",
        "context": {
            "userId": "Practitioner/d1",
            "patientId": "p1",
            "draftOrders": {
                "resourceType": "Bundle",
                "entry": [{"resource": each} for each in (orders or (order(),))],
            },
        },
    }
    return {**document, **changes}


def replaced(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the element at "context.draftOrders.entry.0" replaced, or left out when value is ...."""
    result = copy.deepcopy(document)
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    target: Any = result
    for step in parents:
        target = target[step]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return result


def body(document: Any) -> bytes:
    """The bytes on the wire."""
    return orjson.dumps(document)
