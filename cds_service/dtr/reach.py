"""What a definition reads, found by walking its ELM through every definition and function it reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cds_service.cql import CompiledLibrary

Elm = Mapping[str, Any]

FHIR = "{http://hl7.org/fhir}"


class Retrieve(NamedTuple):
    """One retrieve: the resource type, and the codes or the value set that filter it.

    `library` is the name of the one it stands in. `path` is the element that the filter looks at; `value_set`
    is a canonical URL; `codes` are (system, code, display).
    """

    type: str
    library: str
    path: str | None = None
    value_set: str | None = None
    codes: tuple[tuple[str, str, str | None], ...] = ()


class Reach(NamedTuple):
    """Everything that some definitions read, each once in the order it is reached."""

    retrieves: tuple[Retrieve, ...]
    parameters: tuple[str, ...]
    value_sets: tuple[str, ...]

    def of(self, library: str) -> tuple[Retrieve, ...]:
        """The retrieves that stand in one library."""
        return tuple(each for each in self.retrieves if each.library == library)


def reach(library: CompiledLibrary, definitions: Iterable[str]) -> Reach:
    """What these definitions of a library read, included libraries counted."""
    walker = _Walker()
    for name in definitions:
        walker.definition(library, name)
    return Reach(tuple(walker.retrieves), tuple(walker.parameters), tuple(walker.value_sets))


def reads_anything(library: CompiledLibrary, definition: str) -> bool:
    """Whether a definition depends on the record or the order at all."""
    found = reach(library, (definition,))
    return bool(found.retrieves or found.parameters)


class _Walker:
    def __init__(self) -> None:
        self.retrieves: dict[Retrieve, None] = {}
        self.parameters: dict[str, None] = {}
        self.value_sets: dict[str, None] = {}
        self._seen: set[tuple[str, str]] = set()

    def definition(self, library: CompiledLibrary, name: str) -> None:
        definition = library.definitions.get(name)
        if definition is not None and self._is_new(library, name):
            self._walk(library, definition.elm)

    def _function(self, library: CompiledLibrary, name: str) -> None:
        if self._is_new(library, f"{name}()"):
            for function in library.unit.functions.get(name, ()):
                self._walk(library, function.element["expression"])

    def _is_new(self, library: CompiledLibrary, name: str) -> bool:
        key = (library.name, name)
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _walk(self, library: CompiledLibrary, elm: Elm) -> None:
        kind, name = elm.get("type"), elm.get("name")
        alias = elm.get("libraryName")
        owner = library.includes.get(alias) if alias is not None else library
        if owner is not None and name is not None:
            if kind == "ExpressionRef":
                self.definition(owner, name)
            elif kind == "FunctionRef":
                self._function(owner, name)
            elif kind == "ParameterRef":
                self.parameters[name] = None
            elif kind == "ValueSetRef":
                self.value_sets[owner.value_sets[name]] = None
        if "valueset" in elm:  # of InValueSet, which names it without a node of its own
            self._walk(library, {**elm["valueset"], "type": "ValueSetRef"})
        if kind == "Retrieve":
            self._retrieve(library, elm)
        for part in _parts(elm):
            self._walk(library, part)

    def _retrieve(self, library: CompiledLibrary, elm: Elm) -> None:
        resource = str(elm["dataType"]).removeprefix(FHIR)
        codes = elm.get("codes")
        value_set: str | None = None
        listed: tuple[tuple[str, str, str | None], ...] = ()
        if codes is not None:
            for part in _all(codes):
                owner = library.includes[part["libraryName"]] if "libraryName" in part else library
                if part.get("type") == "ValueSetRef":
                    value_set = owner.value_sets[part["name"]]
                elif part.get("type") == "CodeRef":
                    code = owner.unit.codes[part["name"]]
                    listed += ((code.system or "", code.code, code.display),)
        path = elm.get("codeProperty") if codes is not None else None
        self.retrieves[Retrieve(resource, library.name, path, value_set, listed)] = None


def _parts(elm: Elm) -> Iterator[Elm]:
    """The nodes directly below one."""
    for key, value in elm.items():
        if key in ("annotation", "signature", "resultTypeSpecifier"):
            continue
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, dict):
                yield each


def _all(elm: Elm) -> Iterator[Elm]:
    yield elm
    for part in _parts(elm):
        yield from _all(part)
