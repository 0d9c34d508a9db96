"""One realistic order-sign request for the benchmarks: a drug of the catalogue, about 30 KB of prefetch."""

from __future__ import annotations

from typing import Any, Final

import orjson

SERVICE_DATE: Final = "2024-09-01"


def order_sign_request(prefetch_bytes: int = 30_000) -> dict[str, Any]:
    """A Macrilen order that is covered; the chart is filled with observations up to the given size."""
    document: dict[str, Any] = {
        "hook": "order-sign",
        "hookInstance": "6f0f3c4e-7c3c-4b7c-9a40-0f5e3a1d2c11",
        "context": {
            "userId": "Practitioner/prac-1",
            "patientId": "pat-1",
            "draftOrders": {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"resource": _order()}],
            },
        },
        "prefetch": {
            "patient": {
                "resourceType": "Patient",
                "id": "pat-1",
                "birthDate": "1980-05-17",
                "gender": "female",
            },
            "coverage": _found(
                {
                    "resourceType": "Coverage",
                    "id": "cov-1",
                    "status": "active",
                    "subscriberId": "W123456789",
                    "beneficiary": {"reference": "Patient/pat-1"},
                    "payor": [
                        {
                            "identifier": {
                                "system": "https://payers.example.org/payer-id",
                                "value": "CIGNA",
                            }
                        }
                    ],
                }
            ),
            "conditions": _found(_condition()),
            "allergies": _found(),
            "medicationStatements": _found(),
            "medicationRequests": _found(),
            "procedures": _found(),
            "observations": _found(_observation(0, "39156-5", 24.5, "kg/m2")),
        },
    }
    entries = document["prefetch"]["observations"]["entry"]
    while len(orjson.dumps(document["prefetch"])) < prefetch_bytes:
        entries.append({"resource": _observation(len(entries), "2345-7", 90.5 + len(entries), "mg/dL")})
    return document


def _order() -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "mr-1",
        "status": "draft",
        "intent": "order",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
                        "code": "outpatient",
                    }
                ]
            }
        ],
        "medicationCodeableConcept": {
            "coding": [
                {
                    "system": "http://hl7.org/fhir/sid/ndc",
                    "code": "0169-1401-01",
                    "display": "Macrilen 60 mg",
                },
                {
                    "system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
                    "code": "J3490",
                },
            ],
            "text": "Macrilen (macimorelin) 60 mg oral solution",
        },
        "subject": {"reference": "Patient/pat-1"},
        "authoredOn": SERVICE_DATE,
        "insurance": [{"reference": "Coverage/cov-1"}],
        "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E23.0"}]}],
    }


def _found(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [{"resource": each} for each in resources],
    }


def _condition() -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": "cond-1",
        "subject": {"reference": "Patient/pat-1"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E23.0"}]},
        "recordedDate": "2024-05-01",
    }


def _observation(number: int, code: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"obs-{number}",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/pat-1"},
        "effectiveDateTime": "2024-08-20",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }
