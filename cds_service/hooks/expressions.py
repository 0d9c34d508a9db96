"""Prefetch templates as queries: which reads and searches a template asks for in one call.

Evaluates the subset of FHIRPath that prefetch templates use (CDS Hooks 3.0, prefetch tokens): paths from
`context` or `%key`, `ofType()`, `resolve()`, `extension()` and `|`. A reference is resolved to its type and
id only; what it leads to is read by those. Anything else gives no value, and a query without value is not
asked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from cds_service.fhir.ehr import Query
from cds_service.fhir.references import parse_reference

# The resources that answer an earlier key, by its name.
Answers = Callable[[str], Sequence[Mapping[str, Any]]]
Path = tuple[str, ...]

_READ: Final = re.compile(r"([A-Za-z]+)(?:/|\?_id=)\{\{([^{}]+)\}\}")
_SEARCH: Final = re.compile(r"([A-Za-z]+)\?(.+)")
_TOKEN: Final = re.compile(r"\{\{([^{}]+)\}\}")
_OUTSIDE_PARENTHESES: Final = r"(?![^(]*\))"
_MOST_VALUES: Final = 20  # of one template; a call names few practitioners, places and medications


def queries(template: str, context: Mapping[str, Any], answers: Answers, base_url: str) -> Iterator[Query]:
    """The queries of one template; none when it needs values that the call does not have.

    `?_id=` becomes one read for each id: reads tell what does not exist from what cannot be had. `base_url`
    is the FHIR server; absolute references to other servers give no value.
    """
    read = _READ.fullmatch(template)
    if read is not None:
        resource_type, expression = read.groups()
        for value in _values(expression, context, answers, base_url):
            query = Query.read(resource_type, value)
            if query is not None:
                yield query
        return
    search = _SEARCH.fullmatch(template)
    if search is not None:
        resource_type, parameters = search.groups()
        complete = True

        def encoded(token: re.Match[str]) -> str:
            nonlocal complete
            values = _values(token.group(1), context, answers, base_url)
            complete = complete and bool(values)
            return ",".join(quote(value, safe="") for value in values)

        text = _TOKEN.sub(encoded, parameters)
        if complete:
            yield Query.search(resource_type, text)


def is_search(template: str) -> bool:
    """Whether a template searches a type, and does not read resources by their ids."""
    return _READ.fullmatch(template) is None and _SEARCH.fullmatch(template) is not None


def _values(expression: str, context: Mapping[str, Any], answers: Answers, base_url: str) -> list[str]:
    """The texts that an expression gives, each once; ids without "Type/"."""
    found: dict[str, None] = {}
    for path in _parsed(expression):
        for value in _evaluate(path, context, answers, base_url):
            if isinstance(value, str) and value:
                found[value.rpartition("/")[2]] = None
    return list(found)[:_MOST_VALUES]


@functools.cache
def _parsed(expression: str) -> tuple[Path, ...]:
    alternatives = re.split(rf"\|{_OUTSIDE_PARENTHESES}", expression)
    return tuple(tuple(re.split(rf"\.{_OUTSIDE_PARENTHESES}", each.strip())) for each in alternatives)


def _evaluate(path: Path, context: Mapping[str, Any], answers: Answers, base_url: str) -> list[Any]:
    first, *steps = path
    values: list[Any]
    if first == "context":
        values = [context]
    elif first.startswith("%"):
        values = list(answers(first[1:]))
    else:
        return []
    for step in steps:
        if not values:
            break
        values = [each for value in values for each in _step(step, value, base_url)]
    return values


def _step(step: str, value: Any, base_url: str) -> list[Any]:
    if step == "resolve()":
        target = _target(value, base_url)
        return [target] if target is not None else []
    if not isinstance(value, Mapping):
        return []
    kind = value.get("resourceType")
    if step.startswith("ofType("):
        return [value] if kind == step[7:-1] else []
    if step.startswith("extension("):
        url = step[10:-1].strip("'\"")
        return [each for each in _listed(value.get("extension")) if _has_url(each, url)]
    if step in ("entry", "resource") and isinstance(kind, str) and kind != "Bundle":
        return [value]  # answers to a key are its resources, whatever Bundle they came in
    return _listed(value.get(step, value.get(f"{step}Reference")))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _has_url(extension: object, url: str) -> bool:
    return isinstance(extension, Mapping) and extension.get("url") == url


def _target(reference: object, base_url: str) -> dict[str, str] | None:
    """Type and id behind a reference to this server."""
    parsed = parse_reference(reference)
    if parsed is None or parsed.type is None or parsed.id is None:
        return None
    if parsed.base is not None and _server(parsed.base) != _server(base_url):
        return None
    return {"resourceType": parsed.type, "id": parsed.id}


def _server(url: str) -> str:
    return url.partition("://")[2].rstrip("/").lower()
