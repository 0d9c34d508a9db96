"""Definitions of FHIR packages (tgz, one JSON file per definition), read once."""

from __future__ import annotations

import functools
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.profiles.elements import Element, snapshot_tree

REPOSITORY = Path(__file__).parents[2]
_KINDS = {"StructureDefinition", "ValueSet", "CodeSystem"}
Json = dict[str, Any]


class Packages:
    """The StructureDefinitions, ValueSets and CodeSystems of some packages, by canonical."""

    def __init__(self, *names: str) -> None:
        self._definitions: dict[str, Json] = {}
        for name in names:
            for definition in _definitions(directory() / f"{name}.tgz"):
                self._definitions.setdefault(definition["url"], definition)
        self._trees: dict[str, Element] = {}

    def definition(self, canonical: str) -> Json | None:
        """What stands under a canonical, with or without version."""
        return self._definitions.get(canonical.partition("|")[0])

    def profile(self, canonical: str) -> Element | None:
        """The element tree of a StructureDefinition's snapshot; None for an unknown one or one without."""
        url = canonical.partition("|")[0]
        definition = self._definitions.get(url)
        if definition is None or "snapshot" not in definition:
            return None
        if url not in self._trees:
            self._trees[url] = snapshot_tree(definition)
        return self._trees[url]

    def codes(self, canonical: str) -> frozenset[tuple[str, str]] | None:
        """(system, code) of all concepts of a value set; None when the packages do not hold it whole."""
        found = self.definition(canonical)
        if found is None or found.get("resourceType") != "ValueSet":
            return None
        listed: set[tuple[str, str]] = set()
        for include in found.get("compose", {}).get("include", ()):
            part = self._included(include)
            if part is None:
                return None
            listed |= part
        for exclude in found.get("compose", {}).get("exclude", ()):
            part = self._included(exclude)
            if part is None:
                return None
            listed -= part
        return frozenset(listed)

    def _included(self, include: Json) -> set[tuple[str, str]] | None:
        if include.get("filter"):
            return None
        if "valueSet" in include:
            sets = [self.codes(each) for each in include["valueSet"]]
            known = [each for each in sets if each is not None]
            if len(known) < len(sets) or "system" in include:
                return None
            return set(frozenset.intersection(*known))
        system = include.get("system", "")
        if "concept" in include:
            return {(system, each["code"]) for each in include["concept"]}
        whole = self.definition(system)
        if whole is None or whole.get("content") != "complete":
            return None
        return {(system, code) for code in _concepts(whole.get("concept", ()))}


def _concepts(concepts: Any) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _concepts(concept.get("concept", ()))


def directory() -> Path:
    """Where packages are looked for."""
    return Path(os.environ.get("FHIR_PACKAGES_DIR") or REPOSITORY.parent / "shared" / "ig")


def packages(*names: str) -> Packages:
    """These packages; skips the calling test when one is not on this machine."""
    missing = [name for name in names if not (directory() / f"{name}.tgz").is_file()]
    if missing:
        pytest.skip(f"no FHIR package {', '.join(missing)} here: set FHIR_PACKAGES_DIR")
    return _read(names)


@functools.cache
def _read(names: tuple[str, ...]) -> Packages:
    return Packages(*names)


@functools.cache
def _definitions(path: Path) -> tuple[Json, ...]:
    found = []
    with tarfile.open(path) as archive:
        for member in archive:
            folder, _, name = member.name.rpartition("/")
            if folder == "package" and name.partition("-")[0] in _KINDS and name.endswith(".json"):
                file = archive.extractfile(member)
                assert file is not None
                found.append(orjson.loads(file.read()))
    return tuple(found)
