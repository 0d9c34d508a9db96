"""A resource against profiles: walks the value along the snapshot's tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.profiles.base import base_findings
from tests.profiles.elements import Element
from tests.profiles.findings import Finding
from tests.profiles.invariants import broken_invariants
from tests.profiles.package import Packages
from tests.profiles.slices import has_pattern, matching_slice

Json = dict[str, Any]
_RESOURCE: Final = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9.-]{1,64}(?:/_history/.+)?$")
_FHIR: Final = "http://hl7.org/fhir/StructureDefinition/"
_ANY: Final = {"Resource", "DomainResource", "Element", "BackboneElement"}


def errors(resource: Json, packages: Packages, profile: str | None = None) -> list[Finding]:
    """Everything wrong with a resource, each fault once, in the order of its elements.

    `profile` is the canonical that it must meet besides those of its own meta.profile; an unknown one raises
    LookupError. What stands in entries, contained and parameters is checked too.
    """
    check = _Check(packages)
    found: dict[Finding, None] = {}
    if profile is not None and packages.profile(profile) is None:
        raise LookupError(f"no package on hand defines {profile} with a snapshot")
    for each in base_findings(resource):
        found[each] = None
    for each in check.resource(resource, str(resource.get("resourceType")), profile):
        found[each] = None
    return list(found)


class _Check:
    def __init__(self, packages: Packages) -> None:
        self.packages = packages

    def resource(self, resource: Json, path: str, profile: str | None = None) -> Iterator[Finding]:
        claimed = (resource.get("meta") or {}).get("profile") or []
        for canonical in dict.fromkeys(([profile] if profile else []) + claimed):
            tree = self.packages.profile(canonical)
            if tree is not None:
                yield from _Walk(self, canonical.partition("|")[0], resource).element(resource, tree, path)
        yield from self._inside(resource, path, resource)

    def _inside(self, value: Any, path: str, owner: Json) -> Iterator[Finding]:
        """Extensions that a package defines, wherever they stand, and resources inside this one."""
        if isinstance(value, list):
            for number, each in enumerate(value):
                yield from self._inside(each, f"{path}[{number}]", owner)
        if not isinstance(value, dict):
            return
        for name, child in value.items():
            place = f"{path}.{name}"
            if name in ("extension", "modifierExtension") and isinstance(child, list):
                for number, each in enumerate(child):
                    yield from self._extension(each, f"{place}[{number}]", owner, value is owner)
            inner = child if isinstance(child, list) else [child]
            if inner and all(isinstance(each, dict) and "resourceType" in each for each in inner):
                for number, each in enumerate(inner):
                    where = f"{place}[{number}]" if isinstance(child, list) else place
                    yield from self.resource(each, where)
            else:
                yield from self._inside(child, place, owner)

    def _extension(self, extension: Any, path: str, owner: Json, on_resource: bool) -> Iterator[Finding]:
        if not isinstance(extension, dict):
            return
        url = str(extension.get("url"))
        if ("extension" in extension) == any(name.startswith("value") for name in extension):
            yield Finding(path, "ext-1", "must have either a value or extensions", url)
        tree = self.packages.profile(url)
        if tree is None:
            return
        yield from _Walk(self, url, owner).element(extension, tree, path)
        definition = self.packages.definition(url) or {}
        contexts = {each["expression"] for each in definition.get("context", ()) if each["type"] == "element"}
        kind = owner.get("resourceType")
        if on_resource and contexts and not contexts & {kind, *_ANY}:
            yield Finding(path, "context", f"is not defined for {kind}", url)


class _Walk:
    """One value against one profile; `resource` is what %resource means."""

    def __init__(self, check: _Check, profile: str, resource: Json) -> None:
        self.check, self.profile, self.root = check, profile, resource

    def fault(self, path: str, rule: str, message: str) -> Finding:
        return Finding(path, rule, message, self.profile)

    def element(self, value: Any, element: Element, path: str) -> Iterator[Finding]:
        """Everything of one value: fixed and pattern values, binding, invariants, children."""
        if isinstance(value, dict) and "resourceType" in value and value is not self.root:
            yield from _Walk(self.check, self.profile, value).element(value, element, path)
            return
        fixed, pattern = element.value("fixed"), element.value("pattern")
        if fixed is not None and value != fixed:
            yield self.fault(path, "fixed", f"must be {fixed!r}")
        if pattern is not None and not has_pattern(value, pattern):
            yield self.fault(path, "pattern", f"must have {pattern!r}")
        yield from self._binding(value, element, path)
        yield from self._target(value, element, path)
        for key, words in broken_invariants(value, element, self.root):
            yield self.fault(path, key, words)
        children = element.below()
        if isinstance(value, dict) and children:
            yield from self._children(value, children, path)
        for canonical in element.profiles if isinstance(value, dict) else ():
            tree = self.check.packages.profile(canonical)
            if tree is not None and len(element.profiles) == 1 and len(element.types) == 1:
                yield from _Walk(self.check, canonical, self.root).element(value, tree, path)

    def _children(self, value: Json, children: dict[str, Element], path: str) -> Iterator[Finding]:
        known = {"resourceType"}
        for name, child in children.items():
            keys = [name] if not name.endswith("[x]") else _choices(name, value)
            known |= {*keys, *(f"_{key}" for key in keys), f"_{name}"}
            values: list[tuple[str, Any]] = []
            for key in keys:
                if name != key and not _may_be(name, key, child):
                    yield self.fault(f"{path}.{key}", "type", f"{name} may not have this type")
                values += _listed(value.get(key), f"{path}.{key}")
            given = values or _listed(value.get(f"_{name}"), f"{path}._{name}")
            yield from self._count(f"{path}.{name}", len(given), child)
            yield from self._slices(values, child, f"{path}.{name}")
            for place, each in values:
                yield from self.element(each, child, place)
        if set(children) <= {"id", "extension"}:  # a snapshot that says something of extensions only
            return
        for name in value:
            if name not in known and not (name.startswith("_") and name[1:] in known):
                yield self.fault(f"{path}.{name}", "unknown", "is no element here")

    def _count(self, path: str, count: int, element: Element) -> Iterator[Finding]:
        least, most = element.definition.get("min", 0), element.definition.get("max", "*")
        if count < least or (most != "*" and count > int(most)):
            yield self.fault(path, "cardinality", f"{element.id} stands {count} times, not {least}..{most}")

    def _slices(self, values: list[tuple[str, Any]], sliced: Element, path: str) -> Iterator[Finding]:
        if not sliced.slices:
            return
        counts = dict.fromkeys(sliced.slices, 0)
        slicing = sliced.definition.get("slicing", {})
        for place, value in values:
            name = matching_slice(value, place, sliced, self.check.packages)
            if name is None:
                if slicing.get("rules") == "closed":
                    yield self.fault(place, "slice", "is in no slice")
                continue
            counts[name] += 1
            yield from self.element(value, sliced.slices[name], place)
        for name, count in counts.items():
            yield from self._count(f"{path}:{name}", count, sliced.slices[name])

    def _binding(self, value: Any, element: Element, path: str) -> Iterator[Finding]:
        binding = element.definition.get("binding", {})
        if binding.get("strength") != "required" or "valueSet" not in binding:
            return
        allowed = self.check.packages.codes(binding["valueSet"])
        given = coded(value)
        if allowed is None or given is None:
            return
        bare = {code for _, code in allowed}
        if not any((each in allowed) if each[0] is not None else (each[1] in bare) for each in given):
            shown = ", ".join(f"{system or ''}#{code}" for system, code in given) or "text only"
            yield self.fault(path, "binding", f"{shown} is not in {binding['valueSet']}")

    def _target(self, value: Any, element: Element, path: str) -> Iterator[Finding]:
        """The resource type that a literal reference names."""
        targets = [profile for each in element.types for profile in each.get("targetProfile", ())]
        reference = value.get("reference") if isinstance(value, dict) else None
        named = _RESOURCE.search(reference) if isinstance(reference, str) else None
        if not targets or named is None or any(each["code"] != "Reference" for each in element.types):
            return
        kinds = {self._kind(each) for each in targets}
        if not kinds & {named[1], "Resource", None}:
            yield self.fault(path, "target", f"may not refer to {named[1]}")

    def _kind(self, profile: str) -> str | None:
        if profile.startswith(_FHIR):
            return profile.removeprefix(_FHIR)
        definition = self.check.packages.definition(profile)
        return definition["type"] if definition is not None else None


def coded(value: Any) -> list[tuple[str | None, str]] | None:
    """(system, code) of a code, Coding, CodeableConcept or Quantity; system None: a bare code."""
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return None
    codings = value.get("coding", [value] if "code" in value else [])
    return [(each.get("system", ""), each["code"]) for each in codings if "code" in each]


def _choices(name: str, value: Json) -> list[str]:
    stem = name.removesuffix("[x]")
    keys = {each.removeprefix("_") for each in value}
    return sorted(each for each in keys if re.fullmatch(re.escape(stem) + "[A-Z][A-Za-z0-9]*", each))


def _may_be(name: str, key: str, element: Element) -> bool:
    suffix = key.removeprefix(name.removesuffix("[x]"))
    return any(each["code"][:1].upper() + each["code"][1:] == suffix for each in element.types)


def _listed(value: Any, path: str) -> list[tuple[str, Any]]:
    if value is None:
        return []
    if isinstance(value, list):
        return [(f"{path}[{number}]", each) for number, each in enumerate(value) if each is not None]
    return [(path, value)]
