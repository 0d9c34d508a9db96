"""Which Coverage an order is about, and whose it is (CRD 2.2.1, hooks, hook-13 and resp-45)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Protocol

from cds_service.fhir import reads
from cds_service.fhir.index import ResourceIndex
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.orders.coverage import is_active, member_coverage, payor_organization
from cds_service.orders.model import MemberCoverage
from cds_service.policies.model import Payer

Resource = Mapping[str, Any]

_UNUSABLE: Final = frozenset({"entered-in-error", "draft"})
_ACTIVE: Final = frozenset({"active", None})  # clients ask for active ones and may leave the status out


class Payers(Protocol):
    """What is asked of the policy catalogue."""

    def payer_of(self, coverage: Resource, organization: Resource | None) -> Payer | None: ...
    def line_of_business(self, coverage: Resource, payer: Payer) -> str | None: ...


def coverage_of(order: Resource, path: str, index: ResourceIndex, payers: Payers) -> MemberCoverage:
    """The Coverage of an order: the one its `insurance` names, else the patient's only active one.

    `path` is where the order stands in the request. Raises RequestError: COVERAGE when there is no
    usable Coverage, more than one, or none of a payer on file; DATA_UNAVAILABLE when nobody could look.
    INVALID when the order itself is another patient's.
    A known payer's Coverage that is not active is given back: `inactive` says so in words.
    """
    if index.is_foreign(order):
        text = f"{path} is an order for another patient than the one of the call."
        raise RequestError("CDS-1019", text, (path, "context.patientId"))
    candidates = [each for each in _candidates(order, path, index) if _status(each) not in _UNUSABLE]
    if not candidates:
        text = f"There is no usable Coverage for {path}."
        raise RequestError("CDS-1030", text, (path, "prefetch"), ErrorKind.COVERAGE)
    active = [each for each in candidates if _status(each) in _ACTIVE]
    known = [
        (each, payer)
        for each in active or candidates
        if (payer := payers.payer_of(each, payor_organization(each, index))) is not None
    ]
    if not known:
        text = f"The payer of the Coverage for {path} cannot be identified or is not served here."
        raise RequestError("CDS-1031", text, (path, "Coverage.payor"), ErrorKind.COVERAGE)
    if len(known) > 1:
        text = f"There are several Coverages for {path}; its insurance element must name the one meant."
        raise RequestError("CDS-1032", text, (f"{path}.insurance",), ErrorKind.COVERAGE)
    coverage, payer = known[0]
    return member_coverage(coverage, payer.id, payers.line_of_business(coverage, payer))


def inactive(coverage: MemberCoverage, on: date) -> str | None:
    """Why a coverage does not count on a date, in words; None when it counts, or when that cannot be read."""
    if is_active(coverage.resource, on) is not False:
        return None
    period = reads.period(coverage.resource.get("period"))
    if period.end is not None and period.end < on:
        return f"The coverage ended on {period.end}, before the date of service {on}."
    if period.start is not None and period.start > on:
        return f"The coverage starts on {period.start}, after the date of service {on}."
    return "The coverage of this order is not active."


def unreadable(coverage: MemberCoverage, on: date) -> bool:
    """Whether a coverage says something of its status or period that cannot be read, and decides."""
    return is_active(coverage.resource, on) is None


def _status(coverage: Resource) -> str | None:
    return next(iter(reads.codes(coverage.get("status"))), None)


def _candidates(order: Resource, path: str, index: ResourceIndex) -> Sequence[Resource]:
    references = [each for each in reads.objects(order.get("insurance")) if _names_coverage(each)]
    if references:
        named = {id(found): found for each in references if (found := index.resolve(each, order)) is not None}
        coverages = [each for each in named.values() if each.get("resourceType") == "Coverage"]
        if coverages:
            return [each for each in coverages if not index.is_foreign(each)]
        text = f"The Coverage that {path}.insurance names is neither in prefetch nor can it be queried."
        raise RequestError("CDS-1040", text, (f"{path}.insurance",), ErrorKind.DATA_UNAVAILABLE)
    delivered = index.resources("Coverage")
    if not delivered and not index.availability("Coverage").is_known:
        text = "Coverage is neither in prefetch nor can it be queried."
        raise RequestError("CDS-1040", text, ("prefetch.coverage",), ErrorKind.DATA_UNAVAILABLE)
    return delivered


def _names_coverage(reference: Resource) -> bool:
    text = reference.get("reference")
    return isinstance(text, str) and "ClaimResponse/" not in text
