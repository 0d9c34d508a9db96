"""What kind of place the drug is to be given at: the order's performers, else the place of the encounter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cds_service.fhir import reads
from cds_service.fhir.codes import Coding
from cds_service.fhir.index import NamedPlaces, Resource, ResourceIndex, reference_to
from cds_service.fhir.vocabulary import Vocabulary

_MOST_PLACES: Final = 20
_HIGHEST_PARENT: Final = 5  # organizations above an organization that are looked at
_LEFT: Final = ("completed", "planned", "reserved")  # FHIR R4 Encounter.location.status: not there now
# Where a resource names its own place, and what it is part of (FHIR R4).
_OWN_PLACES: Final = ("location", "organization")
_PARENTS: Final = ("partOf", "managingOrganization", "providedBy")
_KINDS: Final = ("type", "category")  # of Organization and Location; category is of HealthcareService


@dataclass(slots=True)
class Site:
    """Codes of the place and of what it is part of, and in words where they were found."""

    codes: dict[Coding, None] = field(default_factory=dict)
    affiliations: dict[Coding, None] = field(default_factory=dict)
    affiliation_known: bool = True  # False when something above a place was not delivered, or may be anything
    basis: str | None = None


_NOWHERE: Final = Site()


def named_site(
    order: Resource, index: ResourceIndex, vocabulary: Vocabulary, places: NamedPlaces | None = None
) -> Site | None:
    """The place that the call, else the order names for giving the drug; None when neither names any.

    `places` are those of the call: the performer it is dispatched to, the location of its appointment. The
    order's are read from MedicationRequest.performer and dispenseRequest.performer (FHIR R4), with the
    organizations, locations and services behind them. One that only dispenses (a pharmacy) says nothing.
    """
    if places is not None:
        named: list[Resource] = [
            each if isinstance(each, dict) else {"reference": each} for each in places.references
        ]
        site = _site_of(named, order, index, vocabulary, places.said)
        if site is not None:
            return site
    dispense = order.get("dispenseRequest")
    references = reads.objects(order.get("performer"))
    if isinstance(dispense, dict) and "performer" in dispense:
        references = references + reads.objects(dispense["performer"])
    return _site_of(references, order, index, vocabulary, "performer on the order")


def _site_of(
    references: Sequence[Resource], order: Resource, index: ResourceIndex, vocabulary: Vocabulary, named: str
) -> Site | None:
    """The place behind references; None without any, or when all only dispense."""
    site = Site()
    found, unclear = [], []
    for reference in references[:_MOST_PLACES]:
        resource = index.resolve(reference, order)
        if resource is None:
            unclear.append(_in_words(reference))
            continue
        kinds = set(site.codes)
        _collect(resource, index, vocabulary, site)
        if set(site.codes) - kinds and not _only_dispenses(resource, vocabulary):
            found.append(_named(resource, reference))
        elif not _only_dispenses(resource, vocabulary):
            unclear.append(_named(resource, reference))
    if not found and not unclear:
        return None
    said = f"{named}: {' and '.join(found)}" if found else ""
    silent = f"the kind of place is not given for {' and '.join(unclear)}" if unclear else ""
    site.basis = said or silent
    return site


def encounter_site(encounter: Resource | None, index: ResourceIndex, vocabulary: Vocabulary) -> Site:
    """Where the encounter takes place: its class, its current locations, its service provider."""
    if encounter is None:
        return _NOWHERE
    status = reads.codes(encounter.get("status"))
    settings = vocabulary.settings
    if (settings.void_encounter_statuses | settings.past_encounter_statuses).intersection(status):
        return _NOWHERE
    site = Site()
    site.codes.update(dict.fromkeys(reads.codings(encounter.get("class"), vocabulary.systems)))
    for place in reads.objects(encounter.get("location"))[:_MOST_PLACES]:
        if place.get("status") not in _LEFT:
            location = index.resolve(place.get("location"), encounter)
            if location is not None:
                _collect(location, index, vocabulary, site)
    provider = index.resolve(encounter.get("serviceProvider"), encounter)
    if provider is not None:
        _collect(provider, index, vocabulary, site)
    site.basis = f"place of {reference_to(encounter)}, since the order names none"
    return site


def _collect(resource: Resource, index: ResourceIndex, vocabulary: Vocabulary, site: Site) -> None:
    """Add the kinds of a place, of the places it names as its own, and of what these are part of."""
    own = [resource]
    for element in _OWN_PLACES:
        for reference in reads.objects(resource.get(element))[:_MOST_PLACES]:
            place = index.resolve(reference, resource)
            if place is not None:
                own.append(place)
    for place in own:
        site.codes.update(dict.fromkeys(_kinds(place, vocabulary)))
        for parent in _parents(place, index):
            kinds = dict.fromkeys(_kinds(parent, vocabulary)) if parent is not None else {}
            if not any(vocabulary.lists(kind) for kind in kinds):
                site.affiliation_known = False
            site.affiliations.update(kinds)


def _kinds(resource: Resource, vocabulary: Vocabulary) -> Iterator[Coding]:
    for element in _KINDS:
        if element in resource:
            yield from reads.codings(resource[element], vocabulary.systems)


def _parents(resource: Resource, index: ResourceIndex) -> Iterator[Resource | None]:
    """What a place belongs to, and what that belongs to, nearest first; None for what is not at hand."""
    level = [resource]
    for _ in range(_HIGHEST_PARENT):
        above = []
        for each in level:
            for element in _PARENTS:
                if element not in each:
                    continue
                parent = index.resolve(each[element], each)
                if parent is None:
                    yield None
                elif parent is not resource:
                    above.append(parent)
        if not above:
            return
        yield from above
        level = above[:_MOST_PLACES]


def _only_dispenses(resource: Resource, vocabulary: Vocabulary) -> bool:
    kinds = {coding[:2] for coding in _kinds(resource, vocabulary)}
    return bool(kinds) and kinds <= vocabulary.settings.dispensers


def _named(resource: Resource, reference: Resource) -> str:
    name = reads.text(resource.get("name"))
    known = reference_to(resource) if resource.get("id") else _in_words(reference)
    return f"{name[:80]}, {known}" if name else known


def _in_words(reference: Resource) -> str:
    return reads.text(reference.get("reference")) or reads.text(reference.get("display")) or "its performer"
