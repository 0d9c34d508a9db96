"""What is behind an answer of the record, in words: a resource of the chart, and when it was noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.reads import texts

_DAYS: Final = (
    "effectiveDateTime",
    "performedDateTime",
    "occurrenceDateTime",
    "recordedDate",
    "onsetDateTime",
    "authoredOn",
    "dateAsserted",
    "issued",
)
_NAMED_BY: Final = ("code", "medicationCodeableConcept", "vaccineCode", "type")
_LONGEST: Final = 120


def in_words(reference: str, index: ResourceIndex) -> str:
    """ "Observation: Body mass index, 2024-08-20"; only kind and id where the chart says no more."""
    kind, _, identity = reference.partition("/")
    if kind == "Patient":
        return "Patient"
    resource = index.get(kind, identity) or {}
    name, day = _name(resource), _day(resource)
    said = ", ".join(filter(None, (name, day)))
    return f"{kind}: {said}" if said else f"{kind} {identity}".strip()


def _name(resource: Mapping[str, Any]) -> str:
    named = (each for element in _NAMED_BY for each in texts(resource.get(element)))
    return next(named, "")[:_LONGEST]


def _day(resource: Mapping[str, Any]) -> str:
    found = (resource.get(element) for element in _DAYS)
    return next((each[:10] for each in found if isinstance(each, str)), "")
