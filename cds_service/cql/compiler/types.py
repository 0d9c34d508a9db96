"""Static CQL types, read from ELM type specifiers and carried as short strings.

`System.Integer`, `FHIR.Observation`, `List<FHIR.Coding>`, `Interval<System.Date>`,
`Choice<FHIR.Period|FHIR.dateTime>`, `Tuple` (its elements are not needed here) and `System.Any`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SYSTEM_URI: Final = "urn:hl7-org:elm-types:r1"
FHIR_URI: Final = "http://hl7.org/fhir"
_MODELS: Final = {SYSTEM_URI: "System", FHIR_URI: "FHIR"}


def qualified(name: str) -> str:
    """`{http://hl7.org/fhir}Period` -> `FHIR.Period`; a name of an unknown model stays as it is."""
    uri, brace, local = name.removeprefix("{").partition("}")
    return f"{_MODELS[uri]}.{local}" if brace and uri in _MODELS else name


def specified(specifier: Mapping[str, Any]) -> str:
    """Short type of an ELM TypeSpecifier (ELM specification, section Type Specifiers)."""
    match specifier.get("type"):
        case "ListTypeSpecifier":
            return f"List<{specified(specifier['elementType'])}>"
        case "IntervalTypeSpecifier":
            return f"Interval<{specified(specifier['pointType'])}>"
        case "ChoiceTypeSpecifier":
            return "Choice<" + "|".join(sorted(specified(one) for one in specifier["choice"])) + ">"
        case "TupleTypeSpecifier":
            return "Tuple"
        case _:
            return qualified(specifier["name"])


def result_type(node: Mapping[str, Any]) -> str | None:
    """The result type the translator wrote on a node, or None where it wrote none."""
    name = node.get("resultTypeName")
    if name is not None:
        return qualified(name)
    specifier = node.get("resultTypeSpecifier")
    return specified(specifier) if specifier is not None else None


def target_type(node: Mapping[str, Any], attribute: str) -> str | None:
    """Type named by `<attribute>` or `<attribute>Specifier` (As: asType, Is: isType, Convert: toType)."""
    specifier = node.get(f"{attribute}Specifier")
    if specifier is not None:
        return specified(specifier)
    name = node.get(attribute)
    return qualified(name) if name is not None else None


def element_of(type_name: str | None) -> str | None:
    """Element type of a list type; None for other types."""
    return type_name[5:-1] if type_name is not None and type_name.startswith("List<") else None


def point_of(type_name: str | None) -> str | None:
    """Point type of an interval type; None for other types."""
    return type_name[9:-1] if type_name is not None and type_name.startswith("Interval<") else None


def choices_of(type_name: str | None) -> tuple[str, ...]:
    """Alternatives of a choice type; empty for other types."""
    if type_name is None or not type_name.startswith("Choice<"):
        return ()
    parts: list[str] = []
    depth = 0
    start = 7
    for position, character in enumerate(type_name[7:-1], 7):
        depth += (character == "<") - (character == ">")
        if character == "|" and depth == 0:
            parts.append(type_name[start:position])
            start = position + 1
    return (*parts, type_name[start:-1])


def elm_name(type_name: str) -> str:
    """`System.Integer` -> `{urn:hl7-org:elm-types:r1}Integer`."""
    if type_name.startswith("System."):
        return f"{{{SYSTEM_URI}}}{type_name[7:]}"
    if type_name.startswith("FHIR."):
        return f"{{{FHIR_URI}}}{type_name[5:]}"
    return type_name
