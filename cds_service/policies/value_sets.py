"""Named code lists; ICD-10-CM entries may stand for everything below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cds_service.fhir.systems import CodeSystems
from cds_service.policies.errors import CatalogueError
from cds_service.policies.files import CatalogueFiles, Entry


class ValueSet:
    """The codes of one list. Membership is decided in constant time; safe for every thread."""

    def __init__(
        self,
        identity: str,
        title: str,
        url: str,
        source: str,
        members: Iterable[tuple[str, str, bool]],
        systems: CodeSystems,
    ) -> None:
        """`members` are (canonical system, code, whether it is a prefix)."""
        self.id, self.title, self.url, self.source = identity, title, url, source
        self._systems = systems
        listed = tuple(members)
        self._members = frozenset((system, code) for system, code, _ in listed)
        prefixes: dict[str, set[str]] = {}
        for system, code, is_prefix in listed:
            if is_prefix:
                prefixes.setdefault(system, set()).add(code)
        self._prefixes = {system: tuple(sorted(codes)) for system, codes in prefixes.items()}
        self._any_system = frozenset(code for _, code, _ in listed)
        self._by_system = frozenset(system for system, _, _ in listed)

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
        system = self._systems.canonical(system)
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
        found[url] = ValueSet(identity, entry.text("title"), url, entry.text("source"), members, systems)
    return ValueSets(found.values())


def _member(entry: Entry, systems: CodeSystems) -> tuple[str, str, bool]:
    system = systems.url(entry.text("system"))
    if system is None:
        entry.fail("system", f"{entry.text('system')!r} is not in catalog/code_systems.yaml")
    return system, systems.code(system, entry.text("code")), entry.flag("prefix", False)
