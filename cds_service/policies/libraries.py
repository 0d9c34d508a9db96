"""Compiles every ELM library of a catalogue once, includes first, and refuses stale ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cds_service.cql import CompiledLibrary, CompileError, LibraryRegistry
from cds_service.cql.stamp import StaleElmError, collect_sources, library_name, verify
from cds_service.policies.errors import CatalogueError
from cds_service.policies.files import CatalogueFiles

_PATTERNS = ("common/*.elm.json", "policies/*/*/criteria.elm.json")
_SUFFIX = ".elm.json"


class LibrarySource(NamedTuple):
    """One library as it was written and as it was translated; `elm` is JSON."""

    name: str
    version: str
    cql: str
    elm: bytes


def load_libraries(files: CatalogueFiles) -> Mapping[str, CompiledLibrary]:
    """All libraries by the folder-relative name of their ELM file.

    Raises CatalogueError for a missing, unreadable or stale ELM file (its stamp is not the hash of the CQL
    beside it and of what that includes), for libraries with equal names, and for whatever the rule engine
    refuses to compile.
    """
    documents = {name: files.json(name) for pattern in _PATTERNS for name in files.names(pattern)}
    sources = _sources(files)
    by_library: dict[str, str] = {}
    for name, elm in documents.items():
        identity = _identity(name, elm)
        if identity in by_library:
            raise CatalogueError(name, f"library {identity} is also in {by_library[identity]}")
        by_library[identity] = name
        _check_stamp(name, elm, sources)

    registry = LibraryRegistry()
    compiled: dict[str, CompiledLibrary] = {}
    for name in _includes_first(documents, by_library):
        try:
            compiled[name] = registry.add(documents[name])
        except CompileError as error:
            raise CatalogueError(name, str(error)) from error
    return compiled


def load_sources(files: CatalogueFiles) -> Mapping[str, LibrarySource]:
    """The texts of all libraries by the library's name, for those who hand the rules on."""
    found = {}
    for elm, (name, text) in _sources(files).items():
        version = str(files.json(elm)["library"]["identifier"].get("version", ""))
        found[name] = LibrarySource(name, version, text, files.read(elm))
    return found


def _sources(files: CatalogueFiles) -> dict[str, tuple[str, str]]:
    """(library name, text) of every CQL file by the name of its ELM file; each must have been translated."""
    found: dict[str, tuple[str, str]] = {}
    for pattern in _PATTERNS:
        for name in files.names(pattern.removesuffix(_SUFFIX) + ".cql"):
            elm = name.removesuffix(".cql") + _SUFFIX
            if not files.exists(elm):
                raise CatalogueError(name, "was never translated: run `cds-service rules build`")
            text = files.text(name)
            found[elm] = (library_name(text) or "", text)
    return found


def _check_stamp(name: str, elm: Mapping[str, Any], sources: Mapping[str, tuple[str, str]]) -> None:
    if name not in sources:
        raise CatalogueError(name, "has no CQL file beside it")
    texts = dict(sources.values())
    try:
        verify(elm, collect_sources(sources[name][1], texts.get))
    except StaleElmError as error:
        raise CatalogueError(name, str(error)) from error


def _identity(name: str, elm: object) -> str:
    library = elm.get("library") if isinstance(elm, dict) else None
    identifier = library.get("identifier") if isinstance(library, dict) else None
    if not isinstance(identifier, dict) or not isinstance(identifier.get("id"), str):
        raise CatalogueError(name, "is no ELM library")
    return str(identifier["id"])


def _includes_first(documents: Mapping[str, Mapping[str, Any]], by_library: Mapping[str, str]) -> list[str]:
    order: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise CatalogueError(name, "includes itself")
        for include in documents[name]["library"].get("includes", {}).get("def", ()):
            included = by_library.get(include.get("path", ""))
            if included is not None and included not in order:
                visit(included, (*above, name))
        order[name] = None

    for name in documents:
        if name not in order:
            visit(name, ())
    return list(order)
