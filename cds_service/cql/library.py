"""Compiled libraries: the registry that resolves includes, and what a library offers to callers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cds_service.cql.compiler.definitions import Definition
from cds_service.cql.compiler.unit import LibraryUnit
from cds_service.cql.errors import CompileError
from cds_service.cql.evaluation import Evaluation, EvaluationInput


class CompiledLibrary:
    """One CQL library, compiled. Immutable; shared by every thread."""

    def __init__(self, unit: LibraryUnit, includes: Mapping[str, CompiledLibrary]) -> None:
        self.unit = unit
        self.name: str = unit.name
        self.version: str | None = unit.version
        self.definitions: Mapping[str, Definition] = MappingProxyType(unit.definitions)
        self.includes: Mapping[str, CompiledLibrary] = MappingProxyType(dict(includes))
        self.value_sets: Mapping[str, str] = MappingProxyType(
            {name: reference.id for name, reference in unit.value_sets.items()}
        )

    def defines(self, name: str) -> bool:
        """Whether a name is that of a definition here ("Name"), or in an included library ("Alias.Name")."""
        if name in self.definitions:
            return True
        alias, _, local = name.partition(".")
        included = self.includes.get(alias)
        return included is not None and local in included.definitions

    def evaluate(self, input: EvaluationInput) -> Evaluation:  # noqa: A002
        """Start an evaluation; definitions are evaluated when asked for.

        Raises `CqlRuntimeError` when `input.answers` names a definition that does not exist.
        """
        return Evaluation(self.unit, input)

    def __repr__(self) -> str:
        return f"CompiledLibrary({self.unit.label})"


class LibraryRegistry:
    """Compiles libraries and resolves their includes among those added before."""

    def __init__(self) -> None:
        self._libraries: dict[tuple[str, str | None], CompiledLibrary] = {}

    def add(self, elm: Mapping[str, Any]) -> CompiledLibrary:
        """Compile one ELM document (`{"library": {...}}` as the translator writes it).

        Raises `CompileError` for translator errors, unresolved includes, unknown nodes and attributes.
        """
        library = elm.get("library", elm)
        if not isinstance(library, Mapping) or not isinstance(library.get("identifier"), Mapping):
            raise CompileError("not an ELM library: it has no identifier")
        label = str(library["identifier"].get("id"))
        included: dict[str, CompiledLibrary] = {}
        for include in (library.get("includes") or {}).get("def") or ():
            try:
                included[include["localIdentifier"]] = self.get(include["path"], include.get("version"))
            except CompileError as error:
                raise error.at(label, None, include.get("locator")) from None
        try:
            unit = LibraryUnit(library, {alias: one.unit for alias, one in included.items()})
        except (KeyError, AttributeError, TypeError) as error:
            raise CompileError(f"malformed ELM: {type(error).__name__} {error}", library=label) from error
        compiled = CompiledLibrary(unit, included)
        self._libraries[(unit.name, unit.version)] = compiled
        return compiled

    def get(self, name: str, version: str | None = None) -> CompiledLibrary:
        """A library added before; without a version, the last one. Raises `CompileError` when unknown."""
        if version is not None:
            found = self._libraries.get((name, version))
        else:
            found = next((one for key, one in reversed(self._libraries.items()) if key[0] == name), None)
        if found is None:
            raise CompileError(f"library {name}{f' version {version}' if version else ''} is not known")
        return found
