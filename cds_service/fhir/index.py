"""Every resource of one call by type and id, whatever prefetch key it came under."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from cds_service.fhir.availability import Availability
from cds_service.fhir.bundles import counts_matches, has_error, has_next_page
from cds_service.fhir.places import NamedPlaces
from cds_service.fhir.references import ParsedReference, contained_in, parse_reference, reference_to

Resource = Mapping[str, Any]

_DEEPEST_BUNDLE = 4  # batch responses nest bundles once; more is nonsense
_MOST_FINDINGS = 50  # of one call; a request full of rubbish says the same thing over and over
_NO_RECORDS = ("Bundle", "OperationOutcome", "")  # types that say something about a search, or nothing
_SUBJECT_ELEMENTS = ("subject", "patient", "beneficiary")  # how R4 names whom a resource is about


class KeyOutcome(enum.Enum):
    """What one prefetch key said (CDS Hooks 2.0, prefetch: absent and null are different answers)."""

    ABSENT = "absent"  # the client did not look
    NULL = "null"  # the client looked, there is nothing
    EMPTY = "empty"  # a search set without matches
    DELIVERED = "delivered"
    INCOMPLETE = "incomplete"  # a page of more, or a count without entries
    FAILED = "failed"  # an OperationOutcome with errors, or nothing that is FHIR


class ResourceIndex:
    """Resources of one patient's call; implements the rule engine's data source.

    Built per request and used by one thread. Broken parts become `findings` (sentences for the log and for
    people, without patient data); they are never raised.
    """

    __slots__ = (
        "_asked",
        "_by_type",
        "_by_url",
        "_declared",
        "_delivered",
        "_encounter_id",
        "_held",
        "_keys",
        "_own_reference",
        "_patient_id",
        "_places",
        "_settled",
        "_shown",
        "_undeclared",
        "base_url",
        "findings",
    )

    def __init__(self, base_url: str | None = None) -> None:
        self.base_url = base_url.rstrip("/") if base_url else None
        self.findings: list[str] = []
        self._by_type: dict[str, dict[str, Resource]] = {}
        self._by_url: dict[str, Resource] = {}
        self._keys: dict[str, KeyOutcome] = {}
        self._declared: Mapping[str, tuple[str, ...]] = {}
        self._delivered: set[str] = set()  # types that came under any key
        self._undeclared: set[str] = set()  # types that came under a key nobody declared
        self._settled: dict[str, Availability] = {}
        self._shown: dict[str, tuple[Resource, ...]] = {}
        self._patient_id: str | None = None
        self._own_reference = ""
        self._encounter_id: str | None = None
        self._asked: dict[str, set[int]] = {}  # by type, the orders that the call asks about
        self._places: dict[int, NamedPlaces] = {}
        self._held: dict[str | tuple[str, str], Resource] = {}  # drafts, by fullUrl and by type and id

    @classmethod
    def from_prefetch(
        cls,
        prefetch: object,
        declared: Mapping[str, tuple[str, ...]] | None = None,
        base_url: str | None = None,
    ) -> ResourceIndex:
        """Index a `prefetch` object.

        `declared` gives the resource types that each advertised key asks for; `base_url` is the client's
        FHIR server, so that an absolute reference to another server is not taken for a local one.
        """
        index = cls(base_url)
        index._declared = declared or {}
        if isinstance(prefetch, dict):
            for key, value in prefetch.items():
                index._add_key(key, value)
        elif prefetch is not None:
            index.findings.append("prefetch is not an object and was not read")
        return index

    # -- building ---------------------------------------------------------------------------------------

    def add(self, resource: object, full_url: str | None = None) -> None:
        """Index one more resource (a draft order, a late read); does not touch its type's availability."""
        if self._store(resource, full_url) is None:
            self._note("something that is no FHIR resource was not read")

    def hold(self, draft: Resource, full_url: object = None) -> None:
        """Let references lead to a draft order of this call, which is no record of anything itself."""
        kind, identity = draft.get("resourceType"), draft.get("id")
        if isinstance(kind, str) and isinstance(identity, str):
            self._held[kind, identity] = draft
        if isinstance(full_url, str):
            self._held[full_url] = draft

    def settle(self, resource_type: str, availability: Availability) -> None:
        """Overrule what the prefetch said of a type, once somebody has fetched it or failed to."""
        self._settled[resource_type] = availability

    def set_patient(self, patient_id: str) -> None:
        """Say whose call this is ("pat-1" or "Patient/pat-1"); other patients' resources then stay hidden."""
        self._patient_id = patient_id.removeprefix("Patient/")
        self._own_reference = f"Patient/{self._patient_id}"
        self._shown.clear()

    def set_encounter(self, encounter_id: str | None) -> None:
        """Say in which encounter the call happens (`context.encounterId`)."""
        self._encounter_id = encounter_id.removeprefix("Encounter/") if encounter_id else None

    def ask_about(self, order: Resource, places: NamedPlaces | None = None) -> None:
        """Say that the call asks about this order, and which places it names for it.

        An order that is asked about is no record of the past: `resources` leaves it out.
        """
        self._asked.setdefault(str(order.get("resourceType")), set()).add(id(order))
        if places is not None:
            self._places[id(order)] = places
        self._shown.clear()

    def places_of(self, order: Resource) -> NamedPlaces | None:
        """The places that the call itself names for an order, besides what the order says."""
        return self._places.get(id(order))

    def _add_key(self, key: str, value: object) -> None:
        if value is None:
            self._keys[key] = KeyOutcome.NULL
            return
        seen: set[str] = set()
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if isinstance(value, list):
            self._note(f"prefetch.{key} is a list where a resource or Bundle is due")
            seen.update(kind for item in value if (kind := self._store(item, None)))
            outcome = KeyOutcome.INCOMPLETE
        elif isinstance(value, dict) and kind == "Bundle":
            outcome = self._add_bundle(key, value, seen, 0)
        elif kind == "OperationOutcome":
            outcome = KeyOutcome.FAILED
            self._note(f"prefetch.{key} is an OperationOutcome: the client could not tell")
        elif stored := self._store(value, None):
            seen.add(stored)
            outcome = KeyOutcome.DELIVERED
        else:
            self._note(f"prefetch.{key} is no FHIR resource")
            outcome = KeyOutcome.FAILED
        self._keys[key] = outcome
        self._delivered |= seen
        if key not in self._declared:
            self._undeclared |= seen

    def _add_bundle(self, key: str, bundle: Resource, seen: set[str], depth: int) -> KeyOutcome:
        entries = bundle.get("entry")
        if isinstance(entries, dict):
            entries = [entries]
        if entries is not None and not isinstance(entries, list):
            self._note(f"prefetch.{key}.entry is no list")
            return KeyOutcome.FAILED
        outcome = KeyOutcome.EMPTY
        if entries and self._add_search_set(entries, seen):
            outcome = KeyOutcome.DELIVERED
        else:
            for position, entry in enumerate(entries or ()):
                outcome = _worse(outcome, self._add_entry(f"{key}.entry[{position}]", entry, seen, depth))
        if has_next_page(bundle) or (not entries and counts_matches(bundle)):
            self._note(f"prefetch.{key} is one page of more")
            outcome = _worse(outcome, KeyOutcome.INCOMPLETE)
        return outcome

    def _add_search_set(self, entries: list[Any], seen: set[str]) -> bool:
        """Index entries at once when all are of one new type, each with an id of its own; else touch nothing.

        Nearly every bundle is like that, and this takes a third of the time of one entry after the other.
        """
        try:
            kind = entries[0]["resource"]["resourceType"]
            of_type = {
                resource["id"]: resource
                for entry in entries
                if (resource := entry["resource"])["resourceType"] == kind
            }
            by_url = {entry["fullUrl"]: entry["resource"] for entry in entries if "fullUrl" in entry}
        except (KeyError, TypeError):
            return False
        if kind in _NO_RECORDS or type(kind) is not str or self._by_type.get(kind):
            return False
        if len(of_type) != len(entries) or "" in of_type or {*map(type, of_type)} != {str}:
            return False
        self._by_type[kind] = of_type
        self._by_url |= by_url
        seen.add(kind)
        return True

    def _add_entry(self, where: str, entry: object, seen: set[str], depth: int) -> KeyOutcome:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(entry, dict) and isinstance(resource, dict):
            kind = resource.get("resourceType")
            if kind == "OperationOutcome":
                if not has_error(resource):
                    return KeyOutcome.EMPTY
                self._note(f"prefetch.{where} reports an error")
                return KeyOutcome.FAILED
            if kind == "Bundle" and depth < _DEEPEST_BUNDLE:
                return self._add_bundle(where, resource, seen, depth + 1)
            if kind != "Bundle" and (stored := self._store(resource, entry.get("fullUrl"))):
                seen.add(stored)
                return KeyOutcome.DELIVERED
        self._note(f"prefetch.{where} holds no FHIR resource")
        return KeyOutcome.INCOMPLETE

    def _store(self, resource: object, full_url: object) -> str | None:
        """Index a resource and give back its type; None when it is none."""
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(resource, dict) or not isinstance(kind, str) or not kind:
            return None
        of_type = self._by_type.get(kind)
        if of_type is None:
            of_type = self._by_type[kind] = {}
        identity = resource.get("id")
        if not isinstance(identity, str) or not identity:
            of_type[f"\x00{len(of_type)}"] = resource  # indexed, but not reachable by any id
        else:
            known = of_type.setdefault(identity, resource)
            if known is not resource and _last_updated(resource) >= _last_updated(known):
                of_type[identity] = resource
        if isinstance(full_url, str):
            self._by_url[full_url] = resource
        self._shown.pop(kind, None)
        return kind

    # -- reading ----------------------------------------------------------------------------------------

    @property
    def patient(self) -> Resource | None:
        """The patient of this call; None when not delivered. Never another patient."""
        patients = self._by_type.get("Patient")
        if not patients:
            return None
        found = patients.get(self._patient_id) if self._patient_id else None
        if found is None and len(patients) == 1:
            identity, only = next(iter(patients.items()))
            if self._patient_id is None or identity.startswith("\x00"):
                found = only
        return found

    @property
    def patient_id(self) -> str | None:
        """Whose call this is, without "Patient/"."""
        return self._patient_id

    @property
    def encounter(self) -> Resource | None:
        """The encounter of this call: that of its context, else the only one; never another patient's."""
        if self._encounter_id is not None:
            found = self.get("Encounter", self._encounter_id)
            return None if found is None or self.is_foreign(found) else found
        encounters = self.resources("Encounter")
        return encounters[0] if len(encounters) == 1 else None

    def get(self, resource_type: str, identity: str) -> Resource | None:
        """One resource by type and id; None when not delivered."""
        return self._by_type.get(resource_type, {}).get(identity)

    def resources(self, resource_type: str) -> Sequence[Resource]:
        """All resources of a type that are not plainly about another patient, in the order of delivery."""
        shown = self._shown.get(resource_type)
        if shown is None:
            of_type = self._by_type.get(resource_type) or {}
            shown = tuple(of_type.values())
            if not _all_about(self._own_reference, shown):
                shown = tuple([resource for resource in shown if not self.is_foreign(resource)])
            hidden = len(of_type) - len(shown)
            if asked := self._asked.get(resource_type):
                shown = tuple([each for each in shown if id(each) not in asked])
            if hidden:
                self._note(f"{hidden} {resource_type} of another patient left out")
            self._shown[resource_type] = shown
        return shown

    def resolve(self, reference: object, container: Resource | None = None) -> Resource | None:
        """Follow a Reference object or string; None when the target is not at hand (FHIR R4 2.3).

        `container` is the resource that holds the reference; "#id" looks among its contained resources.
        """
        parsed = parse_reference(reference)
        if parsed is None:
            return None
        if parsed.fragment is not None:
            return contained_in(container, parsed.fragment)
        found = self._by_url.get(parsed.url)
        if found is None and parsed.type is not None and parsed.id is not None and self._is_local(parsed):
            found = self.get(parsed.type, parsed.id) or self._held.get((parsed.type, parsed.id))
        return found or self._held.get(parsed.url)

    def availability(self, resource_type: str) -> Availability:
        """What absence of a resource of this type means in this call.

        A failed key makes its types FAILED; a declared key left out, or a page of more, makes them
        NOT_FETCHED, unless the client delivered the type under a key of its own.
        """
        settled = self._settled.get(resource_type)
        if settled is None:
            settled = self._settled[resource_type] = self._availability(resource_type)
        return settled

    def outcome(self, key: str) -> KeyOutcome:
        """What the client said under one prefetch key."""
        return self._keys.get(key, KeyOutcome.ABSENT)

    def entries(self, types: Collection[str]) -> list[tuple[str | None, Resource]]:
        """Resources of some types that are not about another patient, with their fullUrls."""
        urls = {id(resource): url for url, resource in self._by_url.items()}
        found = [each for kind in types for each in self._by_type.get(kind, {}).values()]
        return [(urls.get(id(each)), each) for each in found if not self.is_foreign(each)]

    @property
    def drafts(self) -> Mapping[str | tuple[str, str], Resource]:
        """The draft orders that references may lead to, by fullUrl and by type and id."""
        return self._held

    def __iter__(self) -> Iterator[Resource]:
        return (resource for of_type in self._by_type.values() for resource in of_type.values())

    def _availability(self, resource_type: str) -> Availability:
        outcomes = {self.outcome(key) for key, types in self._declared.items() if resource_type in types}
        if KeyOutcome.FAILED in outcomes:
            return Availability.FAILED
        if resource_type in self._undeclared and KeyOutcome.INCOMPLETE not in outcomes:
            return Availability.AVAILABLE
        if not outcomes or outcomes & {KeyOutcome.ABSENT, KeyOutcome.INCOMPLETE}:
            return Availability.NOT_FETCHED
        return Availability.AVAILABLE if resource_type in self._delivered else Availability.EMPTY

    def _is_local(self, parsed: ParsedReference) -> bool:
        return parsed.base is None or self.base_url is None or _server(parsed.base) == _server(self.base_url)

    def _note(self, finding: str) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(finding)

    def is_foreign(self, resource: Resource) -> bool:
        """Whether a resource plainly is about another patient than that of this call."""
        if self._patient_id is None:
            return False
        for element in _SUBJECT_ELEMENTS:
            subject = resource.get(element)
            if isinstance(subject, dict):
                parsed = parse_reference(subject)
                return parsed is not None and parsed.type == "Patient" and parsed.id != self._patient_id
        return False


def _server(base_url: str) -> str:
    """A base address without scheme, case and trailing slash."""
    return base_url.partition("://")[2].rstrip("/").lower()


_SEVERITY = (KeyOutcome.EMPTY, KeyOutcome.DELIVERED, KeyOutcome.INCOMPLETE, KeyOutcome.FAILED)


def _worse(one: KeyOutcome, other: KeyOutcome) -> KeyOutcome:
    return max(one, other, key=_SEVERITY.index)


def _all_about(reference: str, resources: Sequence[Resource]) -> bool:
    """Whether the subject of every resource is this one, written like this: the usual case, told fast."""
    try:
        for resource in resources:
            if resource["subject"]["reference"] != reference:
                return False
    except (KeyError, TypeError):
        return False
    return True


def _last_updated(resource: Resource) -> str:
    meta = resource.get("meta")
    updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return updated if isinstance(updated, str) else ""


__all__ = ["KeyOutcome", "NamedPlaces", "Resource", "ResourceIndex", "reference_to"]
