"""Hook calls about the real catalogue, as short as a test can read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any, Final

import orjson

from cds_service.coverage_check import CoverageCheck
from cds_service.hooks.request import HookRequest, parse_hook_request
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import default_rules_directory
from cds_service.store.model import DecisionRecord

DAY: Final = date(2024, 9, 1)
PAYER: Final = {"identifier": {"system": "https://payers.example.org/payer-id", "value": "CIGNA"}}
HCPCS: Final = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


@cache
def catalogue() -> Catalogue:
    return Catalogue.load(default_rules_directory())


class Sink:
    """Keeps what is recorded."""

    def __init__(self) -> None:
        self.records: list[DecisionRecord] = []

    def record(self, record: DecisionRecord) -> None:
        self.records.append(record)


def macrilen(identity: str = "mr-1", **elements: Any) -> dict[str, Any]:
    """A Macrilen order that needs nothing but the chart below to be covered."""
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [
                {"system": "http://hl7.org/fhir/sid/ndc", "code": "0169-1401-01"},
                {"system": HCPCS, "code": "J3490"},
            ],
            "text": "Macrilen 60 mg",
        },
        "subject": {"reference": "Patient/pat-1"},
        "authoredOn": "2024-09-01",
        "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E23.0"}]}],
    } | elements


def coverage(identity: str = "cov-1", **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": identity,
        "status": "active",
        "subscriberId": "W123",
        "beneficiary": {"reference": "Patient/pat-1"},
        "payor": [PAYER],
    } | elements


def observation(value: float, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "bmi-1",
        "status": "final",
        "subject": {"reference": "Patient/pat-1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "39156-5"}]},
        "effectiveDateTime": "2024-08-20",
        "valueQuantity": {
            "value": value,
            "unit": "kg/m2",
            "system": "http://unitsofmeasure.org",
            "code": "kg/m2",
        },
    } | elements


def found(*resources: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": each} for each in resources],
    }


def chart(**keys: Any) -> dict[str, Any]:
    """The prefetch of a patient of 44 years with a body mass index of 24; None leaves a key as null."""
    return {
        "patient": {"resourceType": "Patient", "id": "pat-1", "birthDate": "1980-05-17"},
        "coverage": found(coverage()),
        "observations": found(observation(24)),
        "conditions": found(),
        "medicationRequests": found(),
        "medicationStatements": found(),
        "allergies": found(),
        "procedures": found(),
    } | keys


def call(
    *orders: dict[str, Any],
    prefetch: dict[str, Any] | None = None,
    version: str = "2.2",
    configuration: Any = None,
    extension: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    **elements: Any,
) -> HookRequest:
    body = {
        "hook": "order-sign",
        "hookInstance": "b3d0c1f0-7a3e-4c41-9d0c-3f0a2a4c8f11",
        "context": {
            "userId": "Practitioner/p1",
            "patientId": "pat-1",
            "draftOrders": {
                "resourceType": "Bundle",
                "entry": [{"resource": order} for order in orders or (macrilen(),)],
            },
        }
        | (context or {}),
        "prefetch": chart() if prefetch is None else prefetch,
        "extension": {"davinci-crd.requestedVersion": version} | (extension or {}),
    } | elements
    if configuration is not None:
        body["extension"]["davinci-crd.configuration"] = configuration
    return parse_hook_request(orjson.dumps(body), "order-sign")


def hook_call(
    hook: str,
    context: dict[str, Any],
    prefetch: dict[str, Any] | None = None,
    version: str = "2.2",
    **elements: Any,
) -> HookRequest:
    """A call of any hook."""
    body = {
        "hook": hook,
        "hookInstance": "b3d0c1f0-7a3e-4c41-9d0c-3f0a2a4c8f11",
        "context": {"patientId": "pat-1", "userId": "Practitioner/p1"} | context,
        "prefetch": chart() if prefetch is None else prefetch,
        "extension": {"davinci-crd.requestedVersion": version},
    } | elements
    return parse_hook_request(orjson.dumps(body), hook)


def remicade(identity: str = "mr-1", **elements: Any) -> dict[str, Any]:
    """An outpatient's Remicade order that names no place."""
    code = {
        "system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
        "code": "outpatient",
    }
    return (
        macrilen(identity)
        | {
            "category": [{"coding": [code]}],
            "medicationCodeableConcept": {
                "coding": [
                    {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "213361"},
                    {"system": HCPCS, "code": "J1745"},
                ],
            },
            "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "K50.90"}]}],
        }
        | elements
    )


POS: Final = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
NUCC: Final = "http://nucc.org/provider-taxonomy"


def place(kind: str, identity: str, pos: str, **elements: Any) -> dict[str, Any]:
    """An Organization or Location of one kind (place of service)."""
    concept = {"coding": [{"system": POS, "code": pos}]}
    return {"resourceType": kind, "id": identity, "name": identity, "type": [concept]} | elements


def answered(
    request: HookRequest | None = None, *, day: date = DAY, sink: Sink | None = None, **options: Any
) -> dict[str, Any]:
    check = CoverageCheck(catalogue(), sink, public_base_url="https://service.example/", **options)
    return check.answer(request or call(), datetime.combine(day, time(12), UTC))


def said(answer: dict[str, Any], position: int = 0) -> dict[str, list[Any]]:
    """The coverage information of one action: values by sub-extension."""
    values: dict[str, list[Any]] = {}
    for part in answer["systemActions"][position]["resource"]["extension"][-1]["extension"]:
        values.setdefault(part["url"], []).append(next(value for key, value in part.items() if key != "url"))
    return values


def standing(answer: dict[str, Any], position: int = 0) -> tuple[Any, Any]:
    """covered and pa-needed of one action."""
    values = said(answer, position)
    return values["covered"][0], values.get("pa-needed", [None])[0]
