"""A snapshot as a tree: elements below elements, slices beside the element that they slice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
_SYSTEM = "http://hl7.org/fhirpath/System."


@dataclass(slots=True)
class Element:
    """One element definition. `children` by name ("value[x]"), `slices` by slice name."""

    definition: Json
    root: Element | None = None
    children: dict[str, Element] = field(default_factory=dict)
    slices: dict[str, Element] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id of the element definition, for example Patient.extension:race."""
        return str(self.definition["id"])

    @property
    def types(self) -> list[Json]:
        """The types that values may have; types of FHIRPath stand for texts."""
        return [
            {**each, "code": "string"} if each.get("code", "").startswith(_SYSTEM) else each
            for each in self.definition.get("type", ())
        ]

    @property
    def profiles(self) -> list[str]:
        """Profiles that values must meet, whatever their type."""
        return [profile for each in self.types for profile in each.get("profile", ())]

    def value(self, prefix: str) -> Any | None:
        """The fixed[x] or pattern[x] value; None when there is none."""
        return next((v for k, v in self.definition.items() if k.startswith(prefix) and k != prefix), None)

    def below(self) -> dict[str, Element]:
        """The children, those of the element that contentReference names included."""
        reference = self.definition.get("contentReference")
        if reference is None or self.root is None or self.children:
            return self.children
        target: Element | None = self.root
        for step in str(reference).rpartition("#")[2].split(".")[1:]:
            target = target.children.get(step) if target is not None else None
        return target.children if target is not None else {}


def snapshot_tree(definition: Json) -> Element:
    """The tree of a StructureDefinition that has a snapshot."""
    listed = definition["snapshot"]["element"]
    root = Element(listed[0])
    known = {root.id: root}
    for item in listed[1:]:
        element = Element(item, root)
        known[element.id] = element
        parent_id, _, step = element.id.rpartition(".")
        name, _, slice_name = step.partition(":")
        parent = known.get(parent_id)
        if parent is None:
            continue
        if not slice_name:
            parent.children[name] = element
        elif (sliced := parent.children.get(name) or _sliced_elsewhere(known, parent_id, name)) is not None:
            sliced.slices[slice_name] = element
    return root


def _sliced_elsewhere(known: dict[str, Element], parent_id: str, name: str) -> Element | None:
    """The sliced element when a slice of a slice does not repeat it."""
    return known.get(f"{parent_id}.{name}")
