"""What the public test kit for CRD servers looks at, in our own words, and requests as in its presets.

Each check gives the problems it finds as sentences; none means that the kit's test would pass. Requests have
the shapes and order types of the kit's presets: what they are about is invented here, and the payer is one
that this service knows, since the presets' own payer cannot be identified from what they send.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tests.conformance.crd.service import (
    COVERAGE_INFORMATION,
    PRIMARY,
    REQUESTER,
    RXNORM,
    Document,
    Resource,
    actions,
    appointment,
    bundle,
    chart,
    coverage,
    order,
)

COVERED_BY: Final = [{"reference": "Coverage/cov-1"}]
HCPCS_OF_CLAIMS: Final = "https://bluebutton.cms.gov/resources/codesystem/hcpcs"
ORDER_TYPES: Final = (
    "DeviceRequest",
    "MedicationRequest",
    "NutritionOrder",
    "ServiceRequest",
    "VisionPrescription",
)
RESOURCES_OF: Final[Mapping[str, Sequence[str]]] = {
    "appointment-book": ("Appointment",),
    "order-sign": ORDER_TYPES,
    "order-dispatch": ORDER_TYPES,
    "order-select": ORDER_TYPES,
    "encounter-start": ("Encounter",),
    "encounter-discharge": ("Encounter",),
}
PROPOSABLE: Final = {"Device", "Encounter", "Medication", *ORDER_TYPES}

# -- requests of the presets ---------------------------------------------------------------------------------


def _tablet(identity: str, code: str, name: str) -> Resource:
    return order(
        "MedicationRequest",
        identity,
        medicationCodeableConcept={"coding": [{"system": RXNORM, "code": code, "display": name}]},
        reasonCode=[{"coding": [{"system": "http://snomed.info/sct", "code": "52042003"}]}],
        insurance=COVERED_BY,
        dosageInstruction=[
            {"sequence": 1, "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}
        ],
        dispenseRequest={"numberOfRepeatsAllowed": 3, "quantity": {"value": 90, "code": "TAB"}},
    )


def _device() -> Resource:
    code = {"coding": [{"system": HCPCS_OF_CLAIMS, "code": "E0250", "display": "Hospital bed"}]}
    return order(
        "DeviceRequest",
        "device-1",
        intent="original-order",
        codeCodeableConcept=code,
        performer=REQUESTER,
        insurance=COVERED_BY,
    )


def _service() -> Resource:
    code = {"coding": [{"system": HCPCS_OF_CLAIMS, "code": "G0180", "display": "Home health certification"}]}
    return order(
        "ServiceRequest", "service-1", code=code, performer=[REQUESTER], insurance=COVERED_BY,
        occurrenceDateTime="2025-10-01",
    )  # fmt: skip


def _call(hook: str, context: Document, configuration: Document | None, **prefetch: Any) -> Document:
    coverages = {"coverage": bundle(coverage())}
    document: Document = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": "https://ehr.example.org/fhir",
        "fhirAuthorization": {
            "access_token": "SAMPLE_TOKEN",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "user/Patient.read user/Observation.read",
            "subject": "cds-service",
        },
        "context": {"patientId": "pat-1"} | context,
        "prefetch": prefetch if hook.startswith("encounter") else coverages | prefetch,
    }
    if configuration is not None:
        document["extension"] = {"davinci-crd.configuration": configuration}
    return document


def _user(encounter: str = "enc-1") -> Document:
    return {"userId": "Practitioner/prac-1", "encounterId": encounter}


def _collection(*resources: Resource) -> Resource:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in resources],
    }


def presets() -> Iterator[tuple[str, Document]]:
    """A name and a request each: hooks, order types and shapes of the kit's two presets for servers."""
    options = {"coverage": True, "max-cards": 10}
    person = chart()["patient"]
    plain = [appointment("appointment-1"), appointment("appointment-2")]
    yield (
        "two appointments",
        _call("appointment-book", _user() | {"appointments": _collection(*plain)}, options, patient=person),
    )
    based = appointment("appointment-3", _service(), comment="home health", priority=5)
    yield (
        "an appointment for an order that is not at hand",
        _call("appointment-book", _user() | {"appointments": _collection(based)}, options, patient=person),
    )
    encounter = {
        "resourceType": "Encounter",
        "id": "enc-1",
        "status": "in-progress",
        "class": {"code": "AMB"},
    }
    for hook in ("encounter-start", "encounter-discharge"):
        yield hook, _call(hook, _user(), None, encounter=encounter)
    for code, name in (("105611", "azathioprine 50 MG"), ("105585", "methotrexate 2.5 MG")):
        tablet = _tablet(f"mr-{code}", code, name)
        selected = {"selections": [f"MedicationRequest/mr-{code}"], "draftOrders": _collection(tablet)}
        yield f"{name} selected", _call("order-select", _user() | selected, options)
    for given in (_service(), _device()):
        reference = f"{given['resourceType']}/{given['id']}"
        dispatched = {"order": reference, "performer": REQUESTER["reference"]}
        yield (
            f"{reference} dispatched",
            _call("order-dispatch", dispatched, None, order=given, patient=person),
        )
    wishes: tuple[Document, Document] = ({"alt-drug": True}, options | {"alt-drug": True, "dtr-clin": True})
    for given, wish in zip((_device(), _service()), wishes, strict=True):
        signed = _user() | {"draftOrders": _collection(given)}
        user = {"resourceType": "Practitioner", "id": "prac-1"}
        yield f"{given['resourceType']} signed", _call("order-sign", signed, wish, patient=person, user=user)


# -- checks --------------------------------------------------------------------------------------------------


def _typed(holder: Mapping[str, Any], where: str, **types: type) -> Iterator[str]:
    for name, kind in types.items():
        if not isinstance(holder.get(name), kind) or holder[name] in ("", {}):
            yield f"{where}.{name} is no {kind.__name__}"


def check_discovery(document: Document) -> Iterator[str]:
    """A list of services, none without hook, description and id."""
    services = document.get("services")
    if not isinstance(services, list) or not services:
        yield "no services"
        return
    for service in services:
        yield from _typed(service, "service", hook=str, description=str, id=str)


def check_response(answer: Document, hook: str) -> Iterator[str]:
    """Cards with what every card needs; system actions where the hook is a primary one."""
    if not isinstance(answer.get("cards"), list):
        yield "no cards"
        return
    for card in answer["cards"]:
        yield from _typed(card, "card", summary=str, indicator=str, source=dict)
        if len(card["summary"]) >= 140:
            yield "summary too long"
        if card["indicator"] not in ("info", "warning", "critical"):
            yield "unknown indicator"
        yield from _typed(card["source"], "source", label=str, topic=dict)
        yield from _typed(card["source"]["topic"], "topic", code=str, system=str)
    if hook in PRIMARY and not isinstance(answer.get("systemActions"), list):
        yield "no systemActions at a primary hook"
    for action in actions(answer):
        yield from check_action(action)


def check_action(action: Document) -> Iterator[str]:
    """A described create or update of a resource, or delete of an order by its reference."""
    yield from _typed(action, "action", type=str, description=str)
    if action["type"] in ("create", "update"):
        yield from _typed(action, "action", resource=dict)
    elif action["type"] != "delete" or action.get("resourceId", "").count("/") != 1:
        yield "no create, update or delete"


def check_card_options(card: Document) -> Iterator[str]:
    """Optional elements of a card, where they are."""
    for name, kind in (("uuid", str), ("detail", str), ("suggestions", list), ("links", list)):
        if name in card:
            yield from _typed(card, "card", **{name: kind})
    if card.get("suggestions") and card.get("selectionBehavior") not in ("at-most-one", "any"):
        yield "no selectionBehavior"
    for suggestion in card.get("suggestions", ()):
        yield from _typed(suggestion, "suggestion", label=str)
        if suggestion.get("actions") == []:
            yield "no actions"
        for action in suggestion.get("actions", ()):
            yield from check_action(action)
    for link in card.get("links", ()):
        yield from _typed(link, "link", label=str, url=str, type=str)
        if link["type"] not in ("absolute", "smart") or not link["url"].startswith(("http://", "https://")):
            yield "link of another kind"
        if link["type"] == "absolute" and link.get("appContext"):
            yield "appContext on an absolute link"
    for reason in card.get("overrideReasons", ()):
        yield from _typed(reason, "overrideReason", code=str, system=str, display=str)


def coverage_informations(action: Document) -> list[Mapping[str, Any]]:
    """The coverage-information of an action, each as sub-extension to value; the last of several counts."""
    return [
        {
            part["url"]: next(value for key, value in part.items() if key != "url")
            for part in each["extension"]
        }
        for each in action["resource"].get("extension", ())
        if each["url"] == COVERAGE_INFORMATION
    ]


def with_coverage_information(answer: Document, hook: str) -> list[Document]:
    """The actions that carry coverage information on a resource that the hook is about."""
    return [
        action
        for action in actions(answer)
        if action["resource"]["resourceType"] in RESOURCES_OF[hook] and coverage_informations(action)
    ]


def check_identifiers(action: Document) -> Iterator[str]:
    """One coverage, one assertion id and at most one number; another coverage, other ones."""
    for name, least in (("coverage-assertion-id", 1), ("satisfied-pa-id", 0)):
        by_coverage: dict[str, set[str]] = {}
        for each in coverage_informations(action):
            found = by_coverage.setdefault(each["coverage"]["reference"], set())
            found |= {each[name]} if name in each else set()
        if any(not least <= len(each) <= 1 for each in by_coverage.values()):
            yield f"not one {name} for a coverage"
        ids = [identity for each in by_coverage.values() for identity in each]
        if len(ids) != len(set(ids)):
            yield f"{name} shared by coverages"


def check_alternate_request(card: Document, drafts: Sequence[Resource]) -> Iterator[str]:
    """What is changed or deleted stands in draftOrders; what is deleted is replaced by one of its type."""
    known = {f"{each['resourceType']}/{each['id']}" for each in drafts}
    for suggestion in card.get("suggestions", ()):
        created = {
            each["resource"]["resourceType"] for each in suggestion["actions"] if each["type"] == "create"
        }
        for action in suggestion["actions"]:
            resource = action.get("resource", {})
            target = action.get("resourceId") or f"{resource.get('resourceType')}/{resource.get('id')}"
            if action["type"] != "create" and target not in known:
                yield f"{target} is no draft order"
            if action["type"] == "delete" and target.split("/")[0] not in created:
                yield f"{target} is deleted without another"
            if target.split("/")[0] not in PROPOSABLE:
                yield f"{target} cannot be proposed"
