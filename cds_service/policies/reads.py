"""Which types of resources the rules of a policy read."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cds_service.cql import CompiledLibrary

_FHIR: Final = "{http://hl7.org/fhir}"


@functools.lru_cache(maxsize=1_024)
def types_read(library: CompiledLibrary) -> frozenset[str]:
    """The FHIR types of all retrieves in a library and in those that it includes (CQL 1.5, Retrieve)."""
    unit = library.unit
    bodies: list[Any] = [each.elm for each in unit.definitions.values()]
    bodies += [each.element for overloads in unit.functions.values() for each in overloads]
    own = {kind.removeprefix(_FHIR) for body in bodies for kind in _retrieved(body)}
    return frozenset(own).union(*(types_read(each) for each in library.includes.values()))


def _retrieved(body: Any) -> Iterator[str]:
    remaining = [body]
    while remaining:
        node = remaining.pop()
        if isinstance(node, Mapping):
            if node.get("type") == "Retrieve" and isinstance(node.get("dataType"), str):
                yield node["dataType"]
            remaining.extend(node.values())
        elif isinstance(node, list):
            remaining.extend(node)
