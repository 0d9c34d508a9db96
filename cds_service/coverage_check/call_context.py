"""What a decision that asks for documentation rests on, as it is kept, and the call made of it again.

Only what the decision reads: the order, who it is for and by which coverage, where, and the types of
resources that the rules of its policies retrieve.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import orjson

from cds_service.fhir import reads
from cds_service.fhir.availability import Availability
from cds_service.fhir.index import NamedPlaces, ResourceIndex
from cds_service.fhir.references import reference_to
from cds_service.hooks.reading import read_exactly, write_json

Resource = Mapping[str, Any]

# What reading an order may follow besides what rules retrieve.
_ORDER_READS: Final = (
    "Patient",
    "Coverage",
    "Encounter",
    "HealthcareService",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",  # who ordered, for whoever answers
    "PractitionerRole",
)
_REASONS: Final = ("Condition", "Observation")


@dataclass(frozen=True, slots=True)
class CallContext:
    """One order of one hook call, with everything that deciding it again needs.

    `path` is where the order stood in the request; `unsolicited` whether the client takes authorizations it
    did not ask for; `client` is `Caller.label`, None in open mode.
    """

    hook: str
    crd_version: str
    now: datetime
    fhir_server: str
    client: str | None
    unsolicited: bool
    path: str
    order: Resource
    index: ResourceIndex

    @property
    def origin(self) -> str:
        """What keeps apart resources of the same ids: who calls, and from which FHIR server."""
        return self.fhir_server if self.client is None else f"{self.client} {self.fhir_server}"


def content_of(context: CallContext, retrieved: Iterable[str]) -> Callable[[], bytes]:
    """What to keep of a call, as JSON made when it is called for; `retrieved` are types that rules read."""
    index, order = context.index, context.order
    types = dict.fromkeys((*_ORDER_READS, *sorted(retrieved)))
    if order.get("reasonReference"):
        types.update(dict.fromkeys(_REASONS))
    encounter = index.encounter
    places = index.places_of(order)
    return partial(
        write_json,
        {
            "hook": context.hook,
            "crdVersion": context.crd_version,
            "now": context.now.isoformat(),
            "fhirServer": context.fhir_server,
            "client": context.client,
            "unsolicited": context.unsolicited,
            "path": context.path,
            "patient": index.patient_id,
            "encounter": encounter.get("id") if encounter is not None else None,
            "order": order,
            "drafts": _named_drafts(index, order),
            "places": None if places is None else [list(places.references), places.said, places.day],
            "resources": [
                [url, resource]
                for url, resource in (*index.entries(types), *_drug_orders_given(index, order, types))
                if resource is not order
            ],
            "availability": {each: index.availability(each).value for each in types},
        },
    )


def context_of(content: bytes) -> CallContext:
    """The call that was kept, numbers of the order as they were written."""
    kept = read_exactly(content)
    kept = orjson.loads(content) if kept is None else kept
    order = kept["order"]
    index = ResourceIndex(kept["fhirServer"] or None)
    if kept["patient"]:
        index.set_patient(kept["patient"])
    index.set_encounter(kept["encounter"])
    for url, resource in kept["resources"]:
        index.add(resource, url)
    for url, draft in kept["drafts"]:
        index.hold(draft, url)
    for kind, availability in kept["availability"].items():
        index.settle(kind, Availability(availability))
    if kept["places"] is not None:
        references, said, day = kept["places"]
        index.ask_about(order, NamedPlaces(tuple(references), said, day))
    return CallContext(
        hook=kept["hook"],
        crd_version=kept["crdVersion"],
        now=datetime.fromisoformat(kept["now"]),
        fhir_server=kept["fhirServer"],
        client=kept["client"],
        unsolicited=kept["unsolicited"],
        path=kept["path"],
        order=order,
        index=index,
    )


def _drug_orders_given(
    index: ResourceIndex, order: Resource, kept: Container[str]
) -> Iterator[tuple[str | None, Resource]]:
    """The drug orders that a service of giving a drug is for: they say which drug, and how much of it."""
    named = [index.resolve(each, order) for each in reads.objects(order.get("supportingInfo"))]
    if "MedicationRequest" not in kept and any(named):
        for url, resource in index.entries(["MedicationRequest"]):
            if any(resource is each for each in named):
                yield url, resource


def _named_drafts(index: ResourceIndex, order: Resource) -> list[tuple[str | None, Resource]]:
    """Other drafts of the call that the order refers to: they may say what it is."""
    if not index.drafts:
        return []
    urls = {id(draft): key for key, draft in index.drafts.items() if isinstance(key, str)}
    drafts = {id(draft): draft for draft in index.drafts.values() if draft is not order}
    text = write_json(order)
    return [
        (urls.get(identity), draft)
        for identity, draft in drafts.items()
        if reference_to(draft).encode() in text or urls.get(identity, "\0").encode() in text
    ]
