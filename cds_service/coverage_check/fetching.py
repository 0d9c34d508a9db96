"""What a call lacks, read from the client's FHIR server (CRD 2.2.1 found-5; CDS Hooks 2.0, prefetch).

Given goes before fetched, fetched before unknown. Not asked for: what the client said there is none of
(null, an empty Bundle), and what no policy on file reads.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from typing import Any, Final

import orjson

from cds_service.coverage_check.needs import types_needed
from cds_service.fhir.availability import Availability
from cds_service.fhir.ehr import AllowedServers, BaseError, EhrCall, EhrClient, Fetched, Query
from cds_service.fhir.index import KeyOutcome, ResourceIndex
from cds_service.hooks.expressions import is_search, queries
from cds_service.hooks.prefetch import declared_types, templates, types_asked
from cds_service.hooks.reading import read_exactly
from cds_service.hooks.request import ORDER_TYPES, HookRequest
from cds_service.policies.catalogue import Catalogue

_LOG: Final = logging.getLogger(__name__)
_GIVEN: Final = frozenset({KeyOutcome.NULL, KeyOutcome.EMPTY, KeyOutcome.DELIVERED})
_UNREAD: Final = frozenset({"Device", "Practitioner"})  # in the standard expressions; no decision reads them
# Types with references to something else that decides.
_LEADING_ON: Final = ORDER_TYPES | {
    "Appointment",
    "Coverage",
    "Encounter",
    "Location",
    "Medication",
    "Organization",
    "PractitionerRole",
    "Task",
}


def fetch(
    index: ResourceIndex, request: HookRequest, ehr: EhrClient, catalogue: Catalogue, today: date
) -> frozenset[str]:
    """Read what a call lacks and its orders need; gives back the types of which a read failed. Never raises.

    Nothing is read when the call names no FHIR server, or one that it may not name: a registered client
    those it was registered with, other callers those of the service.
    """
    if request.fhir_server is None:
        return frozenset()
    try:
        own = _servers(request.client.fhir_bases) if request.client is not None else None
        call = ehr.call(request.fhir_server, request.access_token, own)
        if call is None:
            _LOG.debug("fhirServer is not on the list and is not read")
            return frozenset()
        if not request.dispatched and not _missing(index, request, call.base_url, None):
            return frozenset()
        needed = types_needed(request, index, catalogue, today)
        return frozenset() if needed is None else fetch_missing(index, request, call, needed)
    except Exception as error:  # the answer then rests on what was given
        _LOG.error("EHR not read code=CDS-2004 error=%s", type(error).__name__)
        return frozenset()


@functools.lru_cache(maxsize=1_024)
def _servers(bases: tuple[str, ...]) -> AllowedServers:
    """The list of one client; an entry that cannot be used allows nothing."""
    try:
        return AllowedServers(bases)
    except BaseError:
        _LOG.error("the FHIR servers of a client cannot be used: https addresses are expected")
        return AllowedServers()


@functools.cache
def _references(hook: str) -> tuple[str, ...]:
    """Templates of what orders and places refer to beyond the prefetch of a hook."""
    data = orjson.loads(resources.files("cds_service.hooks").joinpath("references.json").read_bytes())
    return tuple(data.get(hook, ()))


@functools.cache
def _searchable(hook: str) -> frozenset[str]:
    """Types that a hook's prefetch searches: what single reads of them give says nothing of absence."""
    types = declared_types(hook)
    return frozenset(
        kind for key, template in templates(hook).items() if is_search(template) for kind in types[key]
    )


def fetch_missing(
    index: ResourceIndex, request: HookRequest, call: EhrCall, searched: frozenset[str]
) -> frozenset[str]:
    """Fill the index before the deadline of the call; gives back the types of which a read failed.

    `searched` are the types whose searches matter; single resources that the orders refer to are always
    read. What was looked up is settled in the index: absence is then a fact. What failed is FAILED.
    """
    failed: set[str] = set()
    _ask(index, request, call, searched)
    for fetched in call.answers():
        kind = fetched.query.resource_type
        for resource in _as_written(fetched):
            index.add(resource)
        if fetched.availability is Availability.FAILED:
            failed.add(kind)
        if fetched.query.identity is None or kind not in _searchable(request.hook):
            _settle(index, kind, kind in failed)
        if fetched.resources and kind in _LEADING_ON:
            _ask(index, request, call, searched)
    if call.asked:
        _LOG.info(
            "EHR read",
            extra={
                "queries": call.asked,
                "failed": sorted(failed),
                "milliseconds": round(call.seconds * 1000, 2),
            },
        )
    return frozenset(failed)


def _ask(index: ResourceIndex, request: HookRequest, call: EhrCall, searched: frozenset[str]) -> None:
    for query in list(_missing(index, request, call.base_url, searched)):
        call.ask(query)


def _missing(
    index: ResourceIndex, request: HookRequest, base_url: str, searched: frozenset[str] | None
) -> Sequence[Query]:
    """The queries whose answers are not at hand, as far as their values are known by now.

    `searched`: the types whose searches matter; None for all.
    """
    types, asked = types_asked(request.hook), templates(request.hook)

    @functools.cache
    def answers(key: str) -> Sequence[Mapping[str, Any]]:
        template = asked.get(key, "")
        if key == "encounter":
            return [index.encounter] if index.encounter is not None else []
        if is_search(template):
            return [each for kind in types[key] for each in index.resources(kind)]
        named = (
            index.get(each.resource_type, each.identity or "")
            for each in queries(template, request.context, answers, base_url)
        )
        return [each for each in named if each is not None]

    found: list[Query] = []
    for key, template in asked.items():
        if index.outcome(key) not in _GIVEN and _UNREAD.isdisjoint(types[key]):
            found += queries(template, request.context, answers, base_url)
    for template in _references(request.hook):
        found += queries(template, request.context, answers, base_url)
    return [each for each in found if _is_missing(each, index, searched)]


def _as_written(fetched: Fetched) -> Sequence[Mapping[str, Any]]:
    """The resources of an answer; an order with its numbers as they were written, since it goes back."""
    if fetched.body and fetched.query.resource_type in ORDER_TYPES:
        exact = read_exactly(fetched.body)
        return fetched.resources if exact is None else [exact]
    return fetched.resources


def _is_missing(query: Query, index: ResourceIndex, searched: frozenset[str] | None) -> bool:
    kind = query.resource_type
    if query.identity is not None:
        reference = f"{kind}/{query.identity}"  # leads to a draft order of the call too
        delivered = index.patient if kind == "Patient" else index.resolve(reference)
        return delivered is None
    return (searched is None or kind in searched) and not index.availability(kind).is_known


def _settle(index: ResourceIndex, kind: str, failed: bool) -> None:
    """What absence of this type means now."""
    if failed:
        index.settle(kind, Availability.FAILED)
    elif index.resources(kind):
        index.settle(kind, Availability.AVAILABLE)
    else:
        index.settle(kind, Availability.EMPTY)
