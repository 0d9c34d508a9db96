"""Synthetic patients as other people's generators write them, made into hook calls.

The generators know no payer of the catalogue and hardly any of its drugs. So each patient gets the Coverage
of one of our examples, and beside the orders of the chart some for drugs of examples with that payer;
whatever else the service reads is as the generator wrote it. One seed gives the same calls each time.
"""

from __future__ import annotations

import copy
import functools
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from cds_service.hooks.request import ORDER_TYPES

Json = dict[str, Any]
HOOKS: Final = (
    "order-sign",
    "order-select",
    "order-dispatch",
    "appointment-book",
    "encounter-start",
    "encounter-discharge",
)
_HISTORY: Final = {
    "Condition": "conditions",
    "Observation": "observations",
    "AllergyIntolerance": "allergies",
    "MedicationStatement": "medicationStatements",
    "Procedure": "procedures",
}
_PLACES: Final = {
    "Organization": "organizations",
    "Location": "locations",
    "PractitionerRole": "practitionerRoles",
}
_ORDER_KEYS: Final = {
    "MedicationRequest": "medicationRequests",
    "ServiceRequest": "serviceRequests",
    "DeviceRequest": "deviceRequests",
}
_ORDERS_OF_A_CHART: Final = 6
_DRUGS_FOR_EACH: Final = 3
_EXAMPLES: Final = Path(__file__).parents[2] / "fhir_examples"
_FROM_EXAMPLES: Final = (
    "medicationCodeableConcept",
    "reasonCode",
    "authoredOn",
    "dosageInstruction",
    "dispenseRequest",
)
_ALTERNATE: Final = "http://hl7.org/fhir/StructureDefinition/alternate-reference"


@dataclass(frozen=True)
class Call:
    """One hook call, and the references of the orders that must be answered."""

    document: Json
    orders: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """The resources of one patient by type, with ids and references a server would give."""

    patient: Json
    resources: Mapping[str, list[Json]]

    def some(self, kind: str) -> list[Json]:
        return self.resources.get(kind, [])


def charts(folder: Path) -> Iterator[Chart]:
    """The patients of all Bundles in a folder, one each."""
    for file in sorted(folder.rglob("*.json")):
        bundle = orjson.loads(file.read_bytes())
        if bundle.get("resourceType") != "Bundle":
            continue
        named: dict[str, str] = {}
        for entry in bundle["entry"]:
            resource = entry["resource"]
            address = entry.get("fullUrl", "")
            resource.setdefault("id", address.rpartition(":")[2] or str(uuid.uuid4()))
            named[address] = f"{resource['resourceType']}/{resource['id']}"
        by_type: dict[str, list[Json]] = {}
        for entry in bundle["entry"]:
            resource = _relinked(entry["resource"], named)
            by_type.setdefault(resource["resourceType"], []).append(resource)
        if by_type.get("Patient"):
            yield Chart(by_type["Patient"][0], by_type)


def _relinked(value: Any, named: Mapping[str, str]) -> Any:
    """The same with references to entries of the Bundle by type and id."""
    if isinstance(value, dict):
        return {
            key: named.get(each, each) if key == "reference" else _relinked(each, named)
            for key, each in value.items()
        }
    return [_relinked(each, named) for each in value] if isinstance(value, list) else value


@dataclass
class Payer:
    """A payer of our order-sign examples: how a Coverage names it, and the drug orders with it."""

    insured: Json
    organizations: list[Json]
    drugs: list[Json] = field(default_factory=list)


@functools.cache
def payers() -> Sequence[Payer]:
    """Those with drug orders in an example."""
    found: dict[bytes, Payer] = {}
    for file in sorted(_EXAMPLES.glob("*.json")):
        document = orjson.loads(file.read_bytes())
        coverage = document["prefetch"]["coverage"]["entry"][0]["resource"]
        given = [document["prefetch"].get(key, {}).get("entry", []) for key in ("payers", "organizations")]
        payors = {each.get("reference") for each in coverage["payor"]}
        organizations = [each["resource"] for each in (*given[0], *given[1])]
        named = [each for each in organizations if f"Organization/{each['id']}" in payors]
        orders = [each["resource"] for each in document["context"]["draftOrders"]["entry"]]
        insured = {key: coverage[key] for key in ("payor", "class", "type", "contained") if key in coverage}
        payer = found.setdefault(orjson.dumps(insured), Payer(insured, named))
        payer.drugs += [each for each in orders if "medicationCodeableConcept" in each]
    return [each for each in found.values() if each.drugs]


def calls(chart: Chart, seed: int, version: str) -> Iterator[Call]:
    """Every hook for one patient: each order signed, selected, dispatched and booked."""
    chance = random.Random(f"{seed} {chart.patient['id']}")
    payer = chance.choice(payers())
    coverage = _coverage(chart, payer.insured, chance)
    prefetch = _prefetch(chart, coverage) | {"payers": _bundle(payer.organizations)}
    orders = list(_orders(chart, coverage, payer.drugs, chance))
    context = {"userId": "Practitioner/any", "patientId": chart.patient["id"]}
    if chart.some("Encounter"):
        context["encounterId"] = chart.some("Encounter")[-1]["id"]
    for order in orders:
        named = f"{order['resourceType']}/{order['id']}"
        drafts = {"draftOrders": _bundle([order | {"status": "draft"}], "collection")}
        placed = _found_as(order | {"status": "active"})
        places = chart.some("Location") + chart.some("Organization")
        place = chance.choice(places) if places else None
        where = f"{place['resourceType']}/{place['id']}" if place else "Organization/unknown"
        yield _call("order-sign", version, context | drafts, prefetch, named)
        yield _call("order-select", version, context | drafts | {"selections": [named]}, prefetch, named)
        dispatch: Json = {"patientId": context["patientId"], "performer": where}
        dispatch |= {"order": named} if version == "2.0" else {"dispatchedOrders": [named]}
        yield _call("order-dispatch", version, dispatch, prefetch | placed, named)
        booking = {"appointments": _bundle([_appointment(order, named, where, chart)], "collection")}
        yield _call("appointment-book", version, context | booking, prefetch | placed, named)
    for hook in ("encounter-start", "encounter-discharge"):
        if "encounterId" in context:
            yield _call(hook, version, context, {})


def _call(hook: str, version: str, context: Json, prefetch: Json, *orders: str) -> Call:
    document = {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "context": context,
        "prefetch": prefetch,
        "extension": {"davinci-crd.requestedVersion": version},
    }
    return Call(document, orders)


def _coverage(chart: Chart, insured: Json, chance: random.Random) -> Json:
    return insured | {
        "resourceType": "Coverage",
        "id": "coverage-of-a-payer-on-file",
        "status": "active",
        "subscriberId": f"M{chance.randrange(10**9):09d}",
        "beneficiary": {"reference": f"Patient/{chart.patient['id']}"},
    }


def _orders(chart: Chart, coverage: Json, drugs: Sequence[Json], chance: random.Random) -> Iterator[Json]:
    """The latest orders of the chart, and its drug orders once more for drugs of the examples."""
    written = [each for kind in sorted(ORDER_TYPES) for each in chart.some(kind)]
    latest = sorted(written, key=lambda each: str(each.get("authoredOn", "")))[-_ORDERS_OF_A_CHART:]
    for number, order in enumerate(latest):
        yield _insured(order, coverage)
        if order["resourceType"] == "MedicationRequest":
            for drug in chance.sample(drugs, min(_DRUGS_FOR_EACH, len(drugs))):
                changed = _insured(order, coverage) | {"id": f"{drug['id']}-{number}"}
                yield changed | {key: drug[key] for key in _FROM_EXAMPLES if key in drug}


def _insured(order: Json, coverage: Json) -> Json:
    insured = copy.deepcopy(order)
    if order["resourceType"] in _ORDER_KEYS:
        insured["insurance"] = [{"reference": f"Coverage/{coverage['id']}"}]
    return insured


def _appointment(order: Json, named: str, where: str, chart: Chart) -> Json:
    based_on: Json = {"reference": named}
    if order["resourceType"] != "ServiceRequest":
        based_on = {"extension": [{"url": _ALTERNATE, "valueReference": {"reference": named}}]}
    return {
        "resourceType": "Appointment",
        "id": f"appointment-of-{order['id']}"[:64],
        "status": "proposed",
        "start": "2025-09-20T09:00:00Z",
        "end": "2025-09-20T10:00:00Z",
        "basedOn": [based_on],
        "participant": [
            {"actor": {"reference": f"Patient/{chart.patient['id']}"}, "status": "accepted"},
            {"actor": {"reference": where}, "status": "tentative"},
        ],
    }


def _prefetch(chart: Chart, coverage: Json) -> Json:
    prefetch: Json = {"patient": chart.patient, "coverage": _bundle([coverage])}
    if chart.some("Encounter"):
        prefetch["encounter"] = chart.some("Encounter")[-1]
    for kind, key in (_HISTORY | _PLACES).items():
        prefetch[key] = _bundle(chart.some(kind))
    return prefetch


def _found_as(order: Json) -> Json:
    return (
        {_ORDER_KEYS[order["resourceType"]]: _bundle([order])} if order["resourceType"] in _ORDER_KEYS else {}
    )


def _bundle(resources: list[Json], kind: str = "searchset") -> Json:
    entries = [{"resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}
