"""Prefetch templates per hook, as data, and the resource types that each key answers for."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from importlib import resources
from typing import Final

import orjson

_RESOURCE_TYPE: Final = re.compile(r"[A-Z][A-Za-z]+")
_OWN_ORDERS: Final = re.compile(
    r"^[A-Za-z]+\?_id=\{\{context\.(dispatchedOrders|appointments\.entry\.resource\.basedOn)\."
)


@functools.cache
def templates(hook: str) -> Mapping[str, str]:
    """Key to FHIR query, in dependency order; raises KeyError for a hook without templates.

    The first ones are the standard expressions of CRD 2.2 (the server must use them as they are), then
    come payer and places, then the patient's records. Templates stand in prefetch.json.
    """
    return {key: query for group in _groups(hook).values() for key, query in group.items()}


def offered(hook: str, records: Collection[str] | None = None) -> Mapping[str, str]:
    """The templates to offer where policies read these types of records only; None: whatever there is.

    Nobody is asked for records that no policy on file reads (CRD 2.2.1 found-27, 2.0.1 crd@42).
    """
    of_patient = _groups(hook).get("records", {})
    types = types_asked(hook)
    return {
        key: query
        for key, query in templates(hook).items()
        if records is None or key not in of_patient or not set(types[key]).isdisjoint(records)
    }


@functools.cache
def _groups(hook: str) -> Mapping[str, Mapping[str, str]]:
    data = orjson.loads(resources.files("cds_service.hooks").joinpath("prefetch.json").read_bytes())
    groups: dict[str, dict[str, str]] = data[hook]
    return groups


@functools.cache
def types_asked(hook: str) -> Mapping[str, tuple[str, ...]]:
    """Key to the resource types that the key asks for."""
    types = {}
    for key, query in templates(hook).items():
        match = _RESOURCE_TYPE.match(query)
        types[key] = (match.group(),) if match else ()
    return types


@functools.cache
def declared_types(hook: str) -> Mapping[str, tuple[str, ...]]:
    """Key to the resource types whose availability the key settles, for ResourceIndex.from_prefetch.

    The orders that a call is about say nothing of a patient's other orders: their keys settle nothing.
    """
    return {
        key: () if _OWN_ORDERS.search(templates(hook)[key]) else types
        for key, types in types_asked(hook).items()
    }


@functools.cache
def own_order_keys(hook: str, resource_type: str) -> tuple[str, ...]:
    """The keys that ask for the very orders of this type that a call is about."""
    declared = declared_types(hook)
    return tuple(
        key for key, types in types_asked(hook).items() if types == (resource_type,) and not declared[key]
    )
