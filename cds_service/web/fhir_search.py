"""Search over resources that are few and public: questionnaires, libraries, value sets (FHIR R4, Search)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.web.fhir_dtr_metadata import SEARCH_PARAMETERS

Resource = Mapping[str, Any]
Query = Sequence[tuple[str, str]]

DEFAULT_COUNT: Final = 20
MOST_COUNT: Final = 100

_IGNORED: Final = frozenset({"_format", "_pretty", "_summary", "_elements", "_total", "_sort"})
_PAGING: Final = frozenset({"_count", "_offset"})
_MODIFIERS: Final = {"token": ("",), "uri": ("",), "string": ("", "exact", "contains")}


def search(
    resources: Iterable[Resource], query: Query, address: str, base: str, *, strict: bool = False
) -> dict[str, Any]:
    """The searchset Bundle of what matches; `address` is that of the search, without the query.

    Parameters that are not known are passed over, as FHIR asks, and are not in the self link; with `strict`
    (Prefer: handling=strict) they are refused. Raises RequestError.
    """
    tests: list[Callable[[Resource], bool]] = []
    used: list[tuple[str, str]] = []
    for name, value in query:
        if (test := _test(name, value)) is not None:
            tests.append(test)
            used.append((name, value))
        elif strict and name not in _IGNORED | _PAGING:
            raise _refused(name, f"The search parameter {name[:40]} is not supported.")
    count, offset = _number(query, "_count", DEFAULT_COUNT), _number(query, "_offset", 0)
    count = min(count, MOST_COUNT)
    found = [each for each in resources if all(test(each) for test in tests)]
    page = found[offset : offset + count]
    links = [{"relation": "self", "url": _link(address, used, count, offset)}]
    if page and offset + count < len(found):
        links.append({"relation": "next", "url": _link(address, used, count, offset + count)})
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": links,
    }
    if page:
        bundle["entry"] = [
            {
                "fullUrl": f"{base}/{each['resourceType']}/{each['id']}",
                "resource": each,
                "search": {"mode": "match"},
            }
            for each in page
        ]
    return bundle


def _test(name: str, value: str) -> Callable[[Resource], bool] | None:
    """What one parameter asks of a resource; None for a parameter that is not searched by."""
    element, _, modifier = name.partition(":")
    kind = SEARCH_PARAMETERS.get(element)
    if kind is None:
        return None
    if modifier not in _MODIFIERS[kind]:
        raise _refused(name, f"The search parameter {element} does not take this modifier.")
    values = [each for each in value.split(",") if each]
    if not values:
        return None
    key = element.removeprefix("_")
    if kind == "uri":
        return lambda resource: any(_is_address(resource, each) for each in values)
    if kind == "token":
        codes = {each.rpartition("|")[2] for each in values}
        return lambda resource: resource.get(key) in codes
    if modifier == "exact":
        return lambda resource: resource.get(key) in values
    folded = [each.casefold() for each in values]
    if modifier == "contains":
        return lambda resource: any(each in str(resource.get(key, "")).casefold() for each in folded)
    return lambda resource: str(resource.get(key, "")).casefold().startswith(tuple(folded))


def _is_address(resource: Resource, canonical: str) -> bool:
    url, _, version = canonical.partition("|")
    return resource.get("url") == url and (not version or resource.get("version") == version)


def _number(query: Query, name: str, default: int) -> int:
    given = [value for key, value in query if key == name]
    if not given:
        return default
    if not given[-1].isascii() or not given[-1].isdigit() or len(given[-1]) > 6:
        raise _refused(name, f"The parameter {name} must be a number.")
    return int(given[-1])


def _link(address: str, used: Query, count: int, offset: int) -> str:
    paging = [("_count", str(count)), *([("_offset", str(offset))] if offset else [])]
    return f"{address}?{urlencode([*used, *paging])}"


def _refused(name: str, text: str) -> RequestError:
    return RequestError("CDS-1216", text, (name[:40],), ErrorKind.OPERATION)
