"""Named code lists; ICD-10-CM entries may stand for everything below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from cds_service.fhir.systems import CodeSystems
from cds_service.policies.errors import CatalogueError
from cds_service.policies.files import CatalogueFiles, Entry

EXPANSIONS: Final = "catalog/expansions/icd10cm.json"
"""What lies below the prefixes, as a release of the code system lists it; made by `rules build`."""


class Member(NamedTuple):
    """One entry of a value set; a prefix stands for every code that begins with it."""

    system: str
    code: str
    prefix: bool = False
    display: str = ""


class Expansions:
    """The codes of one release of ICD-10-CM that lie below the prefixes of our value sets.

    `release` and `source` say which and from where; `prefixes` are those that are covered whole.
    """

    def __init__(
        self, system: str, release: str, source: str, prefixes: Iterable[str], codes: Mapping[str, str]
    ) -> None:
        self.system, self.release, self.source = system, release, source
        self.prefixes = frozenset(prefixes)
        self._codes = codes

    def below(self, system: str, prefix: str) -> Mapping[str, str] | None:
        """Display by code of everything that begins with a prefix; None when that is not on file."""
        if system != self.system or prefix not in self.prefixes:
            return None
        return {code: display for code, display in self._codes.items() if code.startswith(prefix)}


NO_EXPANSIONS: Final = Expansions("", "", "", (), {})


class ValueSet:
    """The codes of one list. Membership is decided in constant time; safe for every thread."""

    def __init__(
        self,
        identity: str,
        title: str,
        url: str,
        source: str,
        members: Iterable[tuple[str, str, bool] | Member],
        systems: CodeSystems,
        expansions: Expansions = NO_EXPANSIONS,
    ) -> None:
        """`members` are (canonical system, code, whether it is a prefix), perhaps with a display."""
        self.id, self.title, self.url, self.source = identity, title, url, source
        self._systems = systems
        self._expansions = expansions
        self.members = listed = tuple(Member(*each) for each in members)
        self._members = frozenset((each.system, each.code) for each in listed)
        prefixes: dict[str, set[str]] = {}
        for each in listed:
            if each.prefix:
                prefixes.setdefault(each.system, set()).add(each.code)
        self._prefixes = {system: tuple(sorted(codes)) for system, codes in prefixes.items()}
        self._any_system = frozenset(each.code for each in listed)
        self._by_system = frozenset(each.system for each in listed)

    @cached_property
    def expansion(self) -> tuple[Member, ...] | None:
        """Every single code, by system and code; None when what lies below a prefix is not on file.

        A prefix that is no code by itself ("I4") is not among them.
        """
        found: dict[tuple[str, str], Member] = {}
        for each in self.members:
            below = (
                self._expansions.below(each.system, each.code) if each.prefix else {each.code: each.display}
            )
            if below is None:
                return None
            for code, display in below.items():
                found.setdefault((each.system, code), Member(each.system, code, False, display))
        return tuple(found[key] for key in sorted(found))

    @property
    def release(self) -> str | None:
        """The release of the code system that prefixes were expanded by; None without prefixes."""
        return self._expansions.release if self._prefixes else None

    @property
    def systems(self) -> frozenset[str]:
        """Canonical URIs of the systems the list speaks."""
        return self._by_system

    def contains(self, code: str, system: str | None) -> bool:
        """Whether the code is a member, under any spelling of its system; system None: of any of them."""
        if system is None:
            code = code.strip()
            return code in self._any_system or any(
                code.startswith(prefixes) for prefixes in self._prefixes.values()
            )
        if (system, code) in self._members:
            return True
        if system not in self._by_system:
            system = self._systems.canonical(system)
            if system not in self._by_system:
                return False
        code = self._systems.code(system, code)
        prefixes = self._prefixes.get(system)
        return (system, code) in self._members or (prefixes is not None and code.startswith(prefixes))

    def codes(self) -> Iterable[tuple[str, str]]:
        """(system, code) of the members that can be listed; what lies below a prefix cannot."""
        return iter(sorted(self._members))


class ValueSets:
    """All value sets of a catalogue by canonical URL; the rule engine's source of them."""

    def __init__(self, value_sets: Iterable[ValueSet] = ()) -> None:
        self._by_url = {value_set.url: value_set for value_set in value_sets}
        self._by_id = {value_set.id: value_set for value_set in self._by_url.values()}

    def lookup(self, url: str) -> ValueSet | None:
        """By canonical URL, with or without "|version"; None when not on file."""
        found = self._by_url.get(url)
        return found if found is not None else self._by_url.get(url.partition("|")[0])

    def get(self, identity: str) -> ValueSet | None:
        """By the id of our own files."""
        return self._by_id.get(identity)

    def __iter__(self) -> Iterator[ValueSet]:
        return iter(self._by_url.values())


def load_value_sets(files: CatalogueFiles, systems: CodeSystems) -> ValueSets:
    """Read `catalog/value_sets/*.yaml`. Raises CatalogueError on unknown systems and double ids or URLs."""
    expansions = _expansions(files, systems)
    found: dict[str, ValueSet] = {}
    for name in files.names("catalog/value_sets/*.yaml"):
        entry = files.yaml(name)
        identity, url = entry.text("id"), entry.text("url")
        if name.rpartition("/")[2] != f"{identity}.yaml":
            entry.fail("id", f"must be the name of its file, not {identity!r}")
        if url in found:
            entry.fail("url", f"{url} is the URL of {found[url].id} too")
        members = [_member(code, systems) for code in entry.entries("codes", required=True)]
        if not members:
            raise CatalogueError(name, "lists no code", "codes")
        title, source = entry.text("title"), entry.text("source")
        found[url] = ValueSet(identity, title, url, source, members, systems, expansions)
    return ValueSets(found.values())


def _expansions(files: CatalogueFiles, systems: CodeSystems) -> Expansions:
    if not files.exists(EXPANSIONS):
        return NO_EXPANSIONS
    entry = Entry(files.json(EXPANSIONS), EXPANSIONS)
    system = systems.url(entry.text("system"))
    if system is None:
        entry.fail("system", f"{entry.text('system')!r} is not in catalog/code_systems.yaml")
    codes = entry.entry("codes").data
    return Expansions(system, entry.text("release"), entry.text("source"), entry.texts("prefixes"), codes)


def _member(entry: Entry, systems: CodeSystems) -> Member:
    system = systems.url(entry.text("system"))
    if system is None:
        entry.fail("system", f"{entry.text('system')!r} is not in catalog/code_systems.yaml")
    code = systems.code(system, entry.text("code"))
    return Member(system, code, entry.flag("prefix", False), entry.text("display"))
