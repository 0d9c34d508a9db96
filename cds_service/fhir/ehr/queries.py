"""One question to a FHIR server, and what its answers mean (FHIR R4 3.2, RESTful API)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from cds_service.fhir.availability import Availability

_DEEPEST: Final = 64
_TYPE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}")
# FHIR R4 ids have at most 64 characters; some servers write longer ones, and underscores.
_ID: Final = re.compile(r"(?!\.+$)[A-Za-z0-9\-._]{1,256}")


@dataclass(frozen=True, slots=True)
class Query:
    """A read ("Patient/p1", with `identity`) or a type-level search ("Coverage?patient=p1")."""

    resource_type: str
    path: str
    identity: str | None = None

    @classmethod
    def read(cls, resource_type: str, identity: str) -> Query | None:
        """The read of one resource; None when type or id could not stand in an address."""
        if not _TYPE.fullmatch(resource_type) or not _ID.fullmatch(identity):
            return None
        return cls(resource_type, f"{resource_type}/{identity}", identity)

    @classmethod
    def search(cls, resource_type: str, parameters: str) -> Query:
        """A search; `parameters` are already encoded."""
        return cls(resource_type, f"{resource_type}?{parameters}")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of one query: AVAILABLE, EMPTY, or FAILED (then `resources` are those that did come).

    `body` is the resource of a read as it was written.
    """

    query: Query
    availability: Availability
    resources: tuple[dict[str, Any], ...] = ()
    body: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search; `failed` when it holds something else than matches."""

    resources: tuple[dict[str, Any], ...] = ()
    failed: bool = False
    next_link: str | None = None


def read_answer(query: Query, status: int, body: bytes) -> Fetched:
    """The answer to a read: the resource asked for, none (404, 410), or a failure."""
    if status in (404, 410):
        return Fetched(query, Availability.EMPTY)
    resource = _parse(body) if status == 200 else None
    if resource is None or resource.get("resourceType") != query.resource_type:
        return Fetched(query, Availability.FAILED)
    if resource.get("id") != query.identity:
        return Fetched(query, Availability.FAILED)
    return Fetched(query, Availability.AVAILABLE, (resource,), body)


def search_page(query: Query, status: int, body: bytes) -> Page:
    """One page of the answer to a search (FHIR R4 3.1.0, search set)."""
    bundle = _parse(body) if status == 200 else None
    if bundle is None or bundle.get("resourceType") != "Bundle":
        return Page(failed=True)
    if bundle.get("type", "searchset") != "searchset":
        return Page(failed=True)
    entries = bundle.get("entry", [])
    failed = not isinstance(entries, list)
    resources = []
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if isinstance(resource, dict) and kind == query.resource_type:
            resources.append(resource)
        elif isinstance(resource, dict) and kind == "OperationOutcome":
            failed = failed or _reports_error(resource)
        elif not _is_included(entry):
            failed = True
    total = bundle.get("total")
    link = _next_link(bundle)
    if not resources and link is None and isinstance(total, int) and total > 0:
        failed = True  # a count of matches that were not sent
    return Page(tuple(resources), failed, link)


def _parse(body: bytes) -> dict[str, Any] | None:
    """A JSON object of reasonable depth; None for anything else."""
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return value
    return None


def _reports_error(outcome: dict[str, Any]) -> bool:
    issues = outcome.get("issue")
    return not isinstance(issues, list) or any(
        not isinstance(issue, dict) or issue.get("severity") not in ("warning", "information")
        for issue in issues
    )


def _is_included(entry: object) -> bool:
    search = entry.get("search") if isinstance(entry, dict) else None
    return isinstance(search, dict) and search.get("mode") in ("include", "outcome")


def _next_link(bundle: dict[str, Any]) -> str | None:
    links = bundle.get("link")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") in ("next", "more"):
            url = link.get("url")
            return url if isinstance(url, str) else ""
    return None
