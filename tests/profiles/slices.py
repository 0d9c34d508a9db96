"""Which slice a value belongs to (FHIR R4, ElementDefinition.slicing.discriminator)."""

from __future__ import annotations

from typing import Any

from tests.profiles.elements import Element
from tests.profiles.package import Packages

Json = dict[str, Any]


def has_pattern(value: Any, pattern: Any) -> bool:
    """Whether a value holds everything of a pattern; lists hold each item somewhere."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(has_pattern(value.get(k), v) for k, v in pattern.items())
    if isinstance(pattern, list):
        items = value if isinstance(value, list) else []
        return all(any(has_pattern(item, each) for item in items) for each in pattern)
    return bool(value == pattern)


def matching_slice(value: Any, place: str, sliced: Element, packages: Packages) -> str | None:
    """The name of the slice that the discriminators choose; None for no slice."""
    discriminators = sliced.definition.get("slicing", {}).get("discriminator") or [
        {"type": "value", "path": "url"}
        if sliced.id.endswith("xtension")
        else {"type": "type", "path": "$this"}
    ]
    for name, element in sliced.slices.items():
        if all(_belongs(value, place, each, element, packages) for each in discriminators):
            return name
    return None


def _belongs(value: Any, place: str, discriminator: Json, element: Element, packages: Packages) -> bool:
    kind, path = discriminator["type"], discriminator["path"]
    if kind in ("type", "profile"):
        return _of_type(value, place, path, element, packages)
    steps = [] if path == "$this" else path.split(".")
    if kind == "exists":
        target = _descend(element, steps)
        wanted = target is not None and target.definition.get("min", 0) > 0
        return bool(_values(value, steps)) is wanted
    return _has_value(value, steps, element, packages)


def _of_type(value: Any, place: str, path: str, element: Element, packages: Packages) -> bool:
    steps = [] if path == "$this" else path.split(".")
    target = _descend(element, steps)
    if target is None:
        return False
    codes = {each["code"] for each in target.types}
    profiles = [packages.definition(each) for each in target.profiles]
    codes |= {each["type"] for each in profiles if each is not None}
    if not steps and "[x]" in element.id:
        last = place.rpartition(".")[2]
        return any(last.endswith(code[:1].upper() + code[1:]) for code in codes)
    return any(isinstance(each, dict) and each.get("resourceType") in codes for each in _values(value, steps))


def _has_value(value: Any, steps: list[str], element: Element, packages: Packages) -> bool:
    """Whether what the slice says on the way to the discriminator holds of the value."""
    said = False
    for number in range(len(steps) + 1):
        target = _descend(element, steps[:number])
        if target is None:
            break
        values = _values(value, steps[:number])
        fixed, pattern = target.value("fixed"), target.value("pattern")
        if fixed is not None or pattern is not None:
            said = True
            if not any(has_pattern(each, pattern) if fixed is None else each == fixed for each in values):
                return False
        binding = target.definition.get("binding", {})
        if number == len(steps) and not said and binding.get("strength") == "required":
            allowed = packages.codes(binding["valueSet"])
            bare = {code for _, code in allowed or ()}
            said = allowed is not None
            if said and not any(_code(each) in bare for each in values):
                return False
    if not said and steps == ["url"]:
        return any(each.partition("|")[0] == value.get("url") for each in element.profiles)
    return said


def _code(value: Any) -> Any:
    if isinstance(value, dict):
        codings = value.get("coding") or [value]
        return codings[0].get("code")
    return value


def _descend(element: Element, steps: list[str]) -> Element | None:
    for step in steps:
        below = element.below()
        found = below.get(step) or below.get(f"{step}[x]")
        if found is None:
            return None
        element = found
    return element


def _values(value: Any, steps: list[str]) -> list[Any]:
    values = [value]
    for step in steps:
        below: list[Any] = []
        for each in values:
            if isinstance(each, dict):
                child = each.get(step)
                if child is None:
                    child = next(
                        (v for k, v in each.items() if k.startswith(step) and k[len(step) :][:1].isupper()),
                        None,
                    )
                below += child if isinstance(child, list) else [] if child is None else [child]
        values = below
    return values
