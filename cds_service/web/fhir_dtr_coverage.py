"""Whether the Coverage of a DTR call is one that this service knows (DTR 2.2.0, spec-130)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from cds_service.coverage_check import CoverageCheck
from cds_service.coverage_check.membership import Refusal, enrolled
from cds_service.fhir import reads
from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.references import parse_reference, reference_text
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.orders.coverage import member_coverage, payor_organization
from cds_service.policies.model import Payer
from cds_service.web.fhir_dtr_request import PackageRequest

Resource = Mapping[str, Any]

_UNKNOWN: Final = "no-member-found"


def check_coverages(asked: PackageRequest, check: CoverageCheck, today: date) -> None:
    """Raise RequestError (400) unless a Coverage is that of a member of a payer served here.

    Of several Coverages one is enough. One that names its payer only by a resource that did not come along
    tells nothing, so that it is no reason to refuse: DTR 2.2 has no parameter to send that resource in.
    """
    trouble: RequestError | None = None
    for place, coverage in asked.coverages:
        try:
            _check(place, coverage, asked, check, today)
        except RequestError as error:
            trouble = trouble or error
        else:
            return
    if trouble is not None:
        raise trouble


def coverage_for(order: Resource, asked: PackageRequest, check: CoverageCheck) -> Resource:
    """The Coverage of an order: the one its `insurance` names, else the first of a payer served here."""
    coverages = [coverage for _, coverage in asked.coverages]
    named = {
        parsed.id
        for each in reads.objects(order.get("insurance"))
        if (parsed := parse_reference(each)) is not None
    }
    candidates = [each for each in coverages if reads.text(each.get("id")) in named] or coverages
    known = (each for each in candidates if _payer(each, asked.referenced, check)[0] is not None)
    return next(known, candidates[0])


def member_reference(coverage: Resource) -> str | None:
    """The patient that a Coverage is for, as the client names them."""
    return reference_text(coverage.get("beneficiary"))


def _check(place: str, coverage: Resource, asked: PackageRequest, check: CoverageCheck, today: date) -> None:
    payer, index = _payer(coverage, asked.referenced, check)
    if payer is None:
        if not _names_payer(coverage, index):
            return
        text = "The payer of the Coverage cannot be identified or is not served here."
        raise RequestError("CDS-1031", text, (f"{place}.payor",), ErrorKind.COVERAGE)
    found = member_coverage(coverage, payer.id, check.catalogue.line_of_business(coverage, payer))
    member = check.members([found])[0]
    if member is None:
        return
    refusal = enrolled(member, found, index.patient, today)
    if not isinstance(refusal, Refusal) or refusal.code is None:
        return
    if refusal.code == _UNKNOWN or not asked.orders:  # else the date of service counts, not today
        raise RequestError("CDS-1211", refusal.text, (place,), ErrorKind.COVERAGE)


def _payer(
    coverage: Resource, referenced: Iterable[Resource], check: CoverageCheck
) -> tuple[Payer | None, ResourceIndex]:
    index = ResourceIndex()
    for each in (coverage, *referenced):
        index.add(each)
    return check.catalogue.payer_of(coverage, payor_organization(coverage, index)), index


def _names_payer(coverage: Resource, index: ResourceIndex) -> bool:
    payors = reads.objects(coverage.get("payor"))
    if payor_organization(coverage, index) is not None:
        return True
    return any(each.get("display") or each.get("identifier") for each in payors)
