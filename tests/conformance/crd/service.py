"""The running service as a client meets it: the real application over HTTP, and calls of every hook.

Requests are those that a conformant client sends: every order type of CRD at every hook that takes it.
"""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from flask import Flask
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.settings import Settings

Resource = dict[str, Any]
Document = dict[str, Any]

COVERAGE_INFORMATION: Final = (
    "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
)
EXAMPLES: Final = Path(__file__).parents[3] / "fhir_examples"
VERSIONS: Final = ("2.0", "2.1", "2.2")
PRIMARY: Final = ("order-sign", "order-dispatch", "appointment-book")
SECONDARY: Final = ("order-select", "encounter-start", "encounter-discharge")
HOOKS: Final = PRIMARY + SECONDARY
ORDER_HOOKS: Final = ("order-sign", "order-dispatch", "order-select")
HCPCS: Final = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC: Final = "http://hl7.org/fhir/sid/ndc"
ICD10: Final = "http://hl7.org/fhir/sid/icd-10-cm"
CPT: Final = "http://www.ama-assn.org/go/cpt"
PATIENT: Final = {"reference": "Patient/pat-1"}
REQUESTER: Final = {"reference": "Practitioner/prac-1"}


@functools.cache
def app() -> Flask:
    """The application with the shipped policies; its database is a temporary one."""
    folder = tempfile.mkdtemp(prefix="crd-conformance-")
    return create_app(Settings(database_url=f"sqlite:///{folder}/decisions.sqlite3", log_level="ERROR"))


@functools.cache
def discovered() -> dict[str, Document]:
    """What discovery offers, by hook."""
    response = app().test_client().get("/cds-services")
    assert response.status_code == 200
    return {each["hook"]: each for each in orjson.loads(response.data)["services"]}


def post(document: Document, hook: str | None = None) -> TestResponse:
    """Call the service that discovery names for the hook."""
    path = f"/cds-services/{discovered()[hook or document['hook']]['id']}"
    return app().test_client().post(path, data=orjson.dumps(document), content_type="application/json")


def answer(document: Document) -> Document:
    """The answer to a call that must succeed."""
    response = post(document)
    assert response.status_code == 200, response.data
    found: Document = orjson.loads(response.data)
    return found


# -- orders --------------------------------------------------------------------------------------------------

ORDERS: Final[Mapping[str, Resource]] = {
    "CommunicationRequest": {
        "resourceType": "CommunicationRequest",
        "status": "draft",
        "payload": [{"contentString": "Please send the last infusion record"}],
        "requester": REQUESTER,
    },
    "DeviceRequest": {
        "resourceType": "DeviceRequest",
        "status": "draft",
        "intent": "order",
        "codeCodeableConcept": {"coding": [{"system": HCPCS, "code": "E0250"}]},
        "requester": REQUESTER,
    },
    "MedicationRequest": {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [{"system": RXNORM, "code": "105611", "display": "azathioprine 50 MG Oral Tablet"}]
        },
        "requester": REQUESTER,
    },
    "NutritionOrder": {
        "resourceType": "NutritionOrder",
        "status": "draft",
        "intent": "order",
        "patient": PATIENT,
        "dateTime": "2025-09-08",
        "orderer": REQUESTER,
        "oralDiet": {"type": [{"text": "Low sodium diet"}]},
    },
    "ServiceRequest": {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": HCPCS, "code": "G0180"}]},
        "requester": REQUESTER,
    },
    "VisionPrescription": {
        "resourceType": "VisionPrescription",
        "status": "draft",
        "created": "2025-09-08",
        "patient": PATIENT,
        "dateWritten": "2025-09-08",
        "prescriber": REQUESTER,
        "lensSpecification": [
            {
                "product": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/ex-visionprescriptionproduct",
                            "code": "lens",
                        }
                    ]
                },
                "eye": "right",
            }
        ],
    },
}


def order(kind: str, identity: str = "order-1", **elements: Any) -> Resource:
    """A valid order of one type."""
    found = copy.deepcopy(dict(ORDERS[kind])) | {"id": identity}
    if "patient" not in found:
        found |= {"subject": PATIENT, "authoredOn": "2025-09-08"}
    return found | elements


def drug(identity: str = "order-1", **elements: Any) -> Resource:
    """An order that the policies on file speak of: Macrilen in 2024, which an ample chart shows covered."""
    return (
        order(
            "MedicationRequest",
            identity,
            medicationCodeableConcept={"coding": [{"system": NDC, "code": "0169-1401-01"}]},
            authoredOn="2024-09-01",
            reasonCode=[{"coding": [{"system": ICD10, "code": "E23.0"}]}],
        )
        | elements
    )


def hospital_drug(identity: str = "order-1", **elements: Any) -> Resource:
    """Remicade, whose coverage depends on where it is given."""
    concept = {"coding": [{"system": RXNORM, "code": "213361"}, {"system": HCPCS, "code": "J1745"}]}
    reason = [{"coding": [{"system": ICD10, "code": "K50.90"}]}]
    return (
        order(
            "MedicationRequest",
            identity,
            medicationCodeableConcept=concept,
            authoredOn="2024-09-01",
            reasonCode=reason,
        )
        | elements
    )


# -- charts --------------------------------------------------------------------------------------------------


def bundle(*resources: Resource, **elements: Any) -> Resource:
    """A search set."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [
            {"fullUrl": f"https://ehr.example.org/fhir/{each['resourceType']}/{each['id']}", "resource": each}
            for each in resources
        ],
    } | elements


def coverage(identity: str = "cov-1", **elements: Any) -> Resource:
    payor = {"identifier": {"system": "https://payers.example.org/payer-id", "value": "CIGNA"}}
    return {
        "resourceType": "Coverage",
        "id": identity,
        "status": "active",
        "subscriberId": "W123456789",
        "beneficiary": PATIENT,
        "relationship": {"coding": [{"code": "self"}]},
        "payor": [payor],
    } | elements


def body_mass_index(value: float, **elements: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": "bmi-1",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "39156-5"}]},
        "subject": PATIENT,
        "effectiveDateTime": "2024-08-20",
        "valueQuantity": {
            "value": value,
            "unit": "kg/m2",
            "system": "http://unitsofmeasure.org",
            "code": "kg/m2",
        },
    } | elements


def chart(**keys: Any) -> Document:
    """The prefetch of an adult with a body mass index of 24; a key given as `...` is left out."""
    given = {
        "patient": {
            "resourceType": "Patient",
            "id": "pat-1",
            "identifier": [{"system": "https://ehr.example.org/mrn", "value": "1"}],
            "name": [{"family": "Lindqvist"}],
            "gender": "female",
            "birthDate": "1980-05-17",
        },
        "coverage": bundle(coverage()),
        "observations": bundle(body_mass_index(24)),
        "conditions": bundle(),
        "medicationRequests": bundle(),
        "medicationStatements": bundle(),
        "allergies": bundle(),
        "procedures": bundle(),
    } | keys
    return {key: value for key, value in given.items() if value is not ...}


# -- calls ---------------------------------------------------------------------------------------------------


def call(
    hook: str,
    *orders: Resource,
    version: str | None = "2.2",
    prefetch: Document | None = None,
    configuration: Any = None,
    context: Mapping[str, Any] | None = None,
    **elements: Any,
) -> Document:
    """A call of a hook about some orders (by default one drug order), as that hook carries them."""
    given = orders or (drug(),)
    data = chart() if prefetch is None else dict(prefetch)
    document: Document = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"patientId": "pat-1", **_context(hook, given, data), **(context or {})},
        "prefetch": data,
        "extension": {},
    }
    if version is not None:
        document["extension"]["davinci-crd.requestedVersion"] = version
    if configuration is not None:
        document["extension"]["davinci-crd.configuration"] = configuration
    if not document["extension"]:
        del document["extension"]
    return document | elements


def _context(hook: str, orders: Sequence[Resource], prefetch: Document) -> Document:
    references = [f"{each['resourceType']}/{each['id']}" for each in orders]
    collection = {"resourceType": "Bundle", "type": "collection"}
    if hook == "order-dispatch":
        for each in orders:
            prefetch.setdefault(f"dispatched-{each['id']}", each)
        return {"dispatchedOrders": references, "performer": "Organization/org-1"}
    found: Document = {"userId": "Practitioner/prac-1"}
    if hook in ("order-sign", "order-select"):
        found["draftOrders"] = collection | {"entry": [{"resource": each} for each in orders]}
        return found | ({"selections": references} if hook == "order-select" else {})
    if hook == "appointment-book":
        for each in orders:
            if each["resourceType"] != "Appointment":
                prefetch.setdefault(f"ordered-{each['id']}", each)
        booked = [
            each if each["resourceType"] == "Appointment" else appointment(f"{each['id']}-appointment", each)
            for each in orders
        ]
        return found | {"appointments": collection | {"entry": [{"resource": each} for each in booked]}}
    return found | {"encounterId": "enc-1"}


def appointment(identity: str = "appointment-1", order: Resource | None = None, **elements: Any) -> Resource:
    """A proposed appointment, for an order or for none."""
    found: Resource = {
        "resourceType": "Appointment",
        "id": identity,
        "status": "proposed",
        "start": "2025-10-06T09:00:00-04:00",
        "end": "2025-10-06T10:00:00-04:00",
        "participant": [{"actor": PATIENT, "status": "accepted"}],
    }
    if order is not None:
        reference = {"reference": f"{order['resourceType']}/{order['id']}"}
        if order["resourceType"] != "ServiceRequest":
            alternate = "http://hl7.org/fhir/StructureDefinition/alternate-reference"
            reference = {"extension": [{"url": alternate, "valueReference": reference}]}  # type: ignore[dict-item]
        found["basedOn"] = [reference]
    return found | elements


def examples() -> Iterator[tuple[str, Document]]:
    """Every shipped request, of every hook, by name."""
    for path in sorted(EXAMPLES.rglob("*.json")):
        yield path.stem, orjson.loads(path.read_bytes())


def in_version(document: Document, version: str) -> Document:
    """The same call from a client that asks for a CRD version."""
    changed = copy.deepcopy(document)
    changed.setdefault("extension", {})["davinci-crd.requestedVersion"] = version
    return changed


@functools.cache
def answered_examples(version: str) -> tuple[tuple[str, Document, Document], ...]:
    """Name, request and answer of every shipped request, asked in one version."""
    found = []
    for name, document in examples():
        asked = in_version(document, version)
        found.append((name, asked, answer(asked)))
    return tuple(found)


# -- answers -------------------------------------------------------------------------------------------------


def actions(given: Document) -> list[Document]:
    found: list[Document] = given.get("systemActions", [])
    return found


def informations(resource: Resource) -> list[Document]:
    """The coverage-information extensions of an order."""
    return [each for each in resource.get("extension", ()) if each["url"] == COVERAGE_INFORMATION]


def said(given: Document, position: int = 0) -> dict[str, list[Any]]:
    """The coverage information of one action: values by sub-extension."""
    values: dict[str, list[Any]] = {}
    for part in informations(actions(given)[position]["resource"])[-1]["extension"]:
        values.setdefault(part["url"], []).append(next(value for key, value in part.items() if key != "url"))
    return values


def reason_codes(values: Mapping[str, list[Any]]) -> list[str | None]:
    """The code of each reason, None for one in words only."""
    return [each.get("coding", [{}])[0].get("code") for each in values.get("reason", ())]
