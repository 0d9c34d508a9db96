"""The FHIR 4.0.1 type model: element types of every class, from the public CQL model info.

The data file `fhir-4.0.1.json` is `compact()` of the model info XML that the official tools ship. Its shape:
`{class: [base class or null, {element: type}]}` where a type is `"Quantity"`, `"[]Coding"` for a list,
`"dateTime|Period"` for a choice, and `"System.String"` for a CQL type.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any, Final
from xml.etree import ElementTree as ET

_TYPE_ATTRIBUTE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"


def compact(model_info_xml: str) -> dict[str, list[Any]]:
    """Reduce a CQL model info document to the shape of the data file."""
    root = ET.fromstring(model_info_xml)  # noqa: S314 - a file of the official tools, never of a client
    namespace = root.tag.partition("}")[0] + "}"
    classes: dict[str, list[Any]] = {}
    for info in root.iter(f"{namespace}typeInfo"):
        if info.get(_TYPE_ATTRIBUTE) != "ClassInfo":
            continue
        base = info.get("baseType", "System.Any")
        elements = {
            str(element.get("name")): _element_type(element, namespace)
            for element in info.iter(f"{namespace}element")
        }
        classes[str(info.get("name"))] = [
            base.removeprefix("FHIR.") if base != "System.Any" else None,
            elements,
        ]
    return classes


def _element_type(element: ET.Element, namespace: str) -> str:
    plain = element.get("elementType") or element.get("type")
    if plain:
        return plain.removeprefix("FHIR.")
    specifier = element.find(f"{namespace}elementTypeSpecifier")
    assert specifier is not None, element.get("name")
    return _specifier(specifier, namespace)


def _specifier(node: ET.Element, namespace: str) -> str:
    kind = node.get(_TYPE_ATTRIBUTE)
    if kind == "ListTypeSpecifier":
        inner = node.get("elementType")
        if inner is not None:
            return "[]" + inner.removeprefix("FHIR.")
        child = node.find(f"{namespace}elementTypeSpecifier")
        assert child is not None
        return "[]" + _specifier(child, namespace)
    if kind == "ChoiceTypeSpecifier":
        return "|".join(_specifier(choice, namespace) for choice in node.iter(f"{namespace}choice"))
    prefix = "System." if node.get("namespace") == "System" else ""
    return prefix + str(node.get("name")).removeprefix("FHIR.")


class ModelInfo:
    """Looks up element types and base classes; class names without a namespace ("Observation")."""

    def __init__(self, classes: dict[str, list[Any]]) -> None:
        self._classes = classes
        self._derived: dict[str, frozenset[str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._classes

    def element(self, class_name: str, element: str) -> str | None:
        """Type of an element, searched along the base classes; None when the class has no such element."""
        name: str | None = class_name
        while name is not None and name in self._classes:
            base, elements = self._classes[name]
            if element in elements:
                return str(elements[element])
            name = base
        return None

    def bases(self, class_name: str) -> tuple[str, ...]:
        """The class itself and every class it is derived from, nearest first."""
        chain: list[str] = []
        name: str | None = class_name
        while name is not None and name in self._classes:
            chain.append(name)
            name = self._classes[name][0]
        return tuple(chain)

    def is_a(self, class_name: str, base: str) -> bool:
        """True when `class_name` is `base` or derived from it."""
        chain = self._derived.get(class_name)
        if chain is None:
            chain = self._derived[class_name] = frozenset(self.bases(class_name))
        return base in chain

    def is_resource(self, class_name: str) -> bool:
        """True for classes that carry `resourceType` in JSON."""
        return "Resource" in self.bases(class_name)

    def primitive(self, class_name: str) -> str | None:
        """CQL type behind `.value` of a FHIR primitive ("System.Date"); None for other classes."""
        value = self.element(class_name, "value")
        return value if value is not None and value.startswith("System.") else None


@functools.cache
def fhir_model() -> ModelInfo:
    """The FHIR 4.0.1 model, read once per process from package data."""
    text = resources.files(__package__).joinpath("fhir-4.0.1.json").read_bytes()
    return ModelInfo(json.loads(text))
