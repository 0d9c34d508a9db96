"""Whose member it is: payers of the catalogue, found by identifier, else by whole name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cds_service.fhir import reads
from cds_service.fhir.systems import CodeSystems
from cds_service.policies.files import CatalogueFiles, Entry
from cds_service.policies.model import AlternativeSite, Payer
from cds_service.policies.product_lines import load_product_lines

FILE = "catalog/payers.yaml"
_STANCES = ("not-addressed", "no-authorization")
_LONGEST_NAME = 500  # characters; longer ones are no names
_SEPARATORS = re.compile(r"[^a-z0-9]+")


def _name_key(name: str) -> str:
    """Whole names compare without case, accents, punctuation and repeated blanks; "&" reads "and"."""
    decomposed = unicodedata.normalize("NFKD", name.replace("&", " and "))
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return _SEPARATORS.sub(" ", plain.casefold()).strip()


def _system_key(system: str) -> str:
    return system.strip().rstrip("/").lower()


class Payers(Mapping[str, Payer]):
    """All payers by id. An unknown payer is None, never somebody else's member."""

    def __init__(self, payers: Iterable[Payer] = ()) -> None:
        self._payers = {payer.id: payer for payer in payers}
        self._by_identifier: dict[tuple[str, str], Payer] = {}
        self._by_name: dict[str, Payer] = {}
        for payer in self._payers.values():
            for system, value in payer.identifiers:
                self._by_identifier[(_system_key(system), value.strip().upper())] = payer
            for name in (payer.label, *payer.aliases):
                self._by_name[_name_key(name)] = payer

    def __getitem__(self, identity: str) -> Payer:
        return self._payers[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._payers)

    def __len__(self) -> int:
        return len(self._payers)

    def match(self, coverage: Mapping[str, Any], organization: Mapping[str, Any] | None) -> Payer | None:
        """The payer of a Coverage and, when at hand, of its payor Organization (either may be ill-formed).

        Identifiers decide when any is known; then names and aliases as a whole. Known identifiers, or
        names, of two payers at once are no answer: None.
        """
        payors = reads.objects(coverage.get("payor"))
        organization = organization if isinstance(organization, dict) else {}
        identifiers = [payor.get("identifier") for payor in payors] + [organization.get("identifier")]
        found = {payer.id: payer for raw in identifiers for payer in self._by_identifiers(raw)}
        if not found:
            names = [payor.get("display") for payor in payors] + [organization.get("name")]
            aliases = organization.get("alias")
            names += aliases if isinstance(aliases, list) else [aliases]
            for name in names:
                if isinstance(name, str) and len(name) <= _LONGEST_NAME:
                    payer = self._by_name.get(_name_key(name))
                    if payer is not None:
                        found[payer.id] = payer
        return next(iter(found.values())) if len(found) == 1 else None

    def _by_identifiers(self, raw: object) -> Iterator[Payer]:
        for identifier in reads.objects(raw):
            system, value = identifier.get("system"), identifier.get("value")
            if isinstance(system, str) and isinstance(value, str):
                payer = self._by_identifier.get((_system_key(system), value.strip().upper()))
                if payer is not None:
                    yield payer


def load_payers(files: CatalogueFiles, systems: CodeSystems) -> Payers:
    """Read `catalog/payers.yaml`. Raises CatalogueError when two payers share an id, identifier or name."""
    payers: list[Payer] = []
    taken: dict[object, str] = {}

    def claim(entry: Entry, key: str, what: object, identity: str) -> None:
        if taken.setdefault(what, identity) != identity:
            entry.fail(key, f"{what} belongs to {taken[what]} too")

    for entry in files.yaml(FILE).entries("payers", required=True):
        identity = entry.text("id")
        if any(identity == other.id for other in payers):
            entry.fail("id", f"{identity} is listed twice")
        stance = entry.optional_text("unlisted_drugs") or "not-addressed"
        if stance not in _STANCES:
            entry.fail("unlisted_drugs", f"must be one of {', '.join(_STANCES)}")
        payer = Payer(
            id=identity,
            label=entry.text("label"),
            identifiers=tuple((i.text("system"), i.text("value")) for i in entry.entries("identifiers")),
            aliases=entry.texts("aliases"),
            url=entry.optional_text("url"),
            phone=entry.optional_text("phone"),
            real_time_approval=entry.flag("real_time_approval", True),
            unlisted_drugs=stance,
            alternatives=tuple(_alternative(item) for item in entry.entries("alternatives")),
            product_lines=load_product_lines(entry, systems),
        )
        for system, value in payer.identifiers:
            claim(entry, "identifiers", (_system_key(system), value.strip().upper()), identity)
        for name in (payer.label, *payer.aliases):
            claim(entry, "aliases", _name_key(name), identity)
        payers.append(payer)
    return Payers(payers)


def _alternative(entry: Entry) -> AlternativeSite:
    """A place in the payer's network; identifiers compare as Organization.identifier does, value exact."""
    return AlternativeSite(
        entry.text("name"),
        entry.text("setting"),
        tuple((_system_key(it.text("system")), it.text("value")) for it in entry.entries("identifiers")),
        entry.optional_text("contact"),
    )
