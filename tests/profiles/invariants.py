"""Invariants of element definitions, evaluated by fhirpathpy."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models

from tests.profiles.elements import Element

ELSEWHERE: Final = {"ele-1", "ext-1", "dom-3"}  # told by the checks that use no profile

# What the evaluator lacks: narrative checks, reading what a reference leads to.
UNSUPPORTED: Final = ("htmlChecks()", "resolve()")

# The same without "a single item counts as true" (FHIRPath, singleton evaluation), which the evaluator lacks.
SPELLED_OUT: Final = {
    "crd-ci-q2": "extension.where(url = 'covered' and value != 'not-covered').exists() implies "
    "extension.where(url = 'pa-needed').exists()",
    "crd-ci-q4": "extension.where(url = 'pa-needed' and value = 'satisfied').exists() and "
    "extension.where(url = 'doc-purpose').exists() implies "
    "extension.where(url = 'doc-purpose').all(value != 'PA')",
    "bdl-10": "type = 'document' implies timestamp.exists()",
    "pd-1": "telecom.exists() or endpoint.exists()",
}
_TRACE: Final = re.compile(r"\.trace\('[^']*'\)")  # prints


def broken_invariants(value: Any, element: Element, resource: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(key, words) of each invariant of severity error that a value breaks or that cannot be evaluated."""
    for each in element.definition.get("constraint", ()):
        key, expression = each["key"], each.get("expression")
        if each["severity"] != "error" or key in ELSEWHERE or not expression:
            continue
        if any(name in expression for name in UNSUPPORTED):
            continue
        try:
            result = _holds(SPELLED_OUT.get(key, expression), value, _base(element), resource)
        except Exception as error:
            yield key, f"cannot be evaluated: {type(error).__name__}"
            continue
        if result not in ([True], []):
            yield key, str(each.get("human"))


def _base(element: Element) -> str | None:
    """What the evaluator calls the type of an element's values; None for whole resources."""
    path = str(element.definition.get("base", element.definition)["path"])
    kinds = [each["code"] for each in element.types]
    if not kinds:
        return "Extension" if path == "Extension" else None
    return path if kinds[0] in ("BackboneElement", "Element") else kinds[0]


def _holds(expression: str, value: Any, base: str | None, resource: dict[str, Any]) -> Any:
    """The evaluator marks what it is given, so it gets copies."""
    value = copy.deepcopy(value)
    node = value if base is None or "resourceType" in value else ResourceNode.create_node(value, base)  # type: ignore[no-untyped-call]
    return _compiled(expression)(node, {"resource": copy.deepcopy(resource)})


@functools.cache
def _compiled(expression: str) -> Callable[..., Any]:
    return fhirpathpy.compile(_TRACE.sub("", expression), models["r4"])
