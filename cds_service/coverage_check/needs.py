"""What is worth fetching for a call: only what the policies that speak of its orders read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from cds_service.coverage_check.member import coverage_of
from cds_service.fhir.index import ResourceIndex
from cds_service.hooks.errors import RequestError
from cds_service.hooks.request import HookRequest
from cds_service.orders.read import OrderError, is_drug_order, read_drug_order
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.reads import types_read

_COVERAGE: Final = "Coverage"


def types_needed(
    request: HookRequest, index: ResourceIndex, catalogue: Catalogue, today: date
) -> frozenset[str] | None:
    """The types to search for; None when what was given shows that no policy speaks of any order.

    As long as drug or coverage of an order are not known, everything that any policy on file reads.
    """
    needed: set[str] = set()
    addressed = bool(request.dispatched)  # orders that are still to be read may be about anything
    if addressed:
        needed.update(*(types_read(each.library) for each in catalogue.versions))
    for path, order in request.draft_orders:
        types = _of_order(order, path, index, catalogue, today)
        if types is not None:
            addressed = True
            needed |= types
    return frozenset(needed | {_COVERAGE}) if addressed else None


def _of_order(
    order: Mapping[str, Any], path: str, index: ResourceIndex, catalogue: Catalogue, today: date
) -> frozenset[str] | None:
    everything = frozenset().union(*(types_read(each.library) for each in catalogue.versions))
    reference = order.get("medicationReference")
    if reference is not None and index.resolve(reference, order) is None:
        return everything
    try:
        coverage = coverage_of(order, path, index, catalogue)
        if not is_drug_order(order, catalogue.vocabulary):
            return None
        read = read_drug_order(order, index, coverage, catalogue.identify, today, catalogue.vocabulary)
        selection = catalogue.select(read, read.service_date.date)
    except (RequestError, OrderError):
        return everything
    if not selection.statements:
        return None
    return frozenset().union(*(types_read(version.library) for version, _ in selection.statements))
