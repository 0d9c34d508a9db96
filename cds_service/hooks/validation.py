"""Requests against our own JSON schemas, with errors that name elements and never repeat their content."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from typing import Any

import orjson

from cds_service.hooks.errors import RequestError

_JSON_TYPES = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
_SCHEMA_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "integer": "a whole number",
    "number": "a number",
}
_MOST_REPORTED = 5

Path = tuple[str | int, ...]
PathFinder = Callable[[Any], Iterable[tuple[Sequence[str | int], Sequence[str | int]]]]


@functools.cache
def load_schema(hook: str) -> dict[str, Any]:
    """The schema file of one hook, parsed; raises FileNotFoundError for a hook without one."""
    text = resources.files("cds_service.hooks").joinpath(f"schemas/{hook}.json").read_bytes()
    schema: dict[str, Any] = orjson.loads(text)
    return schema


@functools.cache
def _error_finder(hook: str) -> PathFinder:
    """A function giving (path in the document, path in the schema) of each error.

    Uses jsonschema-rs, 300 times as fast; jsonschema where that is not installed.
    """
    schema = load_schema(hook)
    try:
        import jsonschema_rs
    except ImportError:
        return pure_python_finder(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)

    def find(document: Any) -> Iterable[tuple[Sequence[str | int], Sequence[str | int]]]:
        if validator.is_valid(document):
            return ()
        return [(error.instance_path, error.schema_path) for error in validator.iter_errors(document)]

    return find


def pure_python_finder(schema: dict[str, Any]) -> PathFinder:
    """The same with the pure-Python library."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema)

    def find(document: Any) -> Iterable[tuple[Sequence[str | int], Sequence[str | int]]]:
        errors = validator.iter_errors(document)
        return [(list(error.absolute_path), list(error.absolute_schema_path)) for error in errors]

    return find


def check(document: Any, hook: str, find: PathFinder | None = None) -> None:
    """Raise RequestError naming every element (at most five) that does not fit the hook's schema."""
    found: dict[str, tuple[str, str]] = {}
    for instance_path, schema_path in (find or _error_finder(hook))(document):
        for path, code, text in _describe(document, load_schema(hook), instance_path, schema_path):
            found.setdefault(path, (code, text))
    if found:
        shown = list(found)[:_MOST_REPORTED]
        raise RequestError(
            found[shown[0]][0],
            " ".join(f"{path or 'The body'} {found[path][1]}." for path in shown),
            tuple(path for path in shown if path),
        )


def _describe(
    document: Any, schema: Any, instance_path: Sequence[str | int], schema_path: Sequence[str | int]
) -> Iterable[tuple[str, str, str]]:
    """(element, error code, sentence) of one schema error; `required` names each missing member."""
    value, rule = document, schema
    steps: list[str | int] = []
    for step in instance_path:
        steps.append(str(step) if isinstance(value, dict) else step)  # a member called "0" comes as a number
        value = value[steps[-1]]
    for step in schema_path:
        rule = rule[step]
        if step == "required":
            break
    path = element_path(tuple(steps))
    keyword = "required" if "required" in schema_path[-2:] else schema_path[-1]
    if keyword == "required":
        for member in rule:
            if member not in value:
                yield f"{path}.{member}" if path else member, "CDS-1010", "is missing"
    elif keyword == "type":
        allowed = [rule] if isinstance(rule, str) else [each for each in rule if each != "null"]
        expected = " or ".join(_SCHEMA_TYPES[each] for each in allowed)
        found = _JSON_TYPES.get(type(value), "a number")
        yield path, "CDS-1011" if path else "CDS-1005", f"must be {expected}, not {found}"
    elif keyword == "const":
        yield path, "CDS-1011", f"must be {rule}"
    elif keyword == "minItems":
        yield path, "CDS-1017", "is empty"
    elif keyword == "minLength":
        yield path, "CDS-1011", "is empty"
    else:
        yield path, "CDS-1011", "is too long" if keyword == "maxLength" else "has the wrong form"


def element_path(steps: Path) -> str:
    """FHIRPath-like path of an element: ("entry", 0, "resource") is `entry[0].resource`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else step)
    return text
