"""The coverage an answer is about: which Coverage resources are usable, whose they are, which plan."""

from __future__ import annotations

from datetime import date

from cds_service.fhir import reads
from cds_service.fhir.index import Resource, ResourceIndex, reference_to
from cds_service.orders.model import MemberCoverage

# FHIR R4 Coverage.status: everything else (cancelled, draft, entered-in-error) covers nothing.
_ACTIVE = "active"


def coverages_of(index: ResourceIndex, on: date) -> tuple[Resource, ...]:
    """Coverages of this patient that are active on a day; a missing status or open period is no obstacle."""
    return tuple(coverage for coverage in index.resources("Coverage") if is_active(coverage, on))


def is_active(coverage: Resource, on: date) -> bool:
    """Whether a Coverage covers a day, by its status and period (FHIR R4 Coverage)."""
    status = reads.codes(coverage.get("status"))
    start, end = reads.period(coverage.get("period"))
    return (not status or _ACTIVE in status) and (start is None or start <= on) and (end is None or on <= end)


def payor_organization(coverage: Resource, index: ResourceIndex) -> Resource | None:
    """The Organization that a Coverage names as its payor, contained or delivered; None when not at hand."""
    payors = coverage.get("payor")
    for payor in payors if isinstance(payors, list) else [payors]:
        found = index.resolve(payor, coverage)
        if found is not None and found.get("resourceType") == "Organization":
            return found
    return None


def member_coverage(coverage: Resource, payer: str, line_of_business: str | None = None) -> MemberCoverage:
    """The Coverage with its member id and plan; `payer` and `line_of_business` are ids of the catalogue.

    The plan is the value (else the name) of Coverage.class of type "plan", else of type "group".
    """
    return MemberCoverage(
        resource=coverage,
        reference=reference_to(coverage),
        payer=payer,
        member_id=_member_id(coverage),
        plan=_class(coverage, "plan") or _class(coverage, "group"),
        line_of_business=line_of_business,
    )


def _member_id(coverage: Resource) -> str | None:
    found = reads.text(coverage.get("subscriberId"))
    if found is not None:
        return found
    for identifier in reads.objects(coverage.get("identifier")):
        if "mb" in reads.codes(identifier.get("type")):  # HL7 v2-0203: member number
            return reads.text(identifier.get("value"))
    return None


def _class(coverage: Resource, kind: str) -> str | None:
    for item in reads.objects(coverage.get("class")):
        if kind in reads.codes(item.get("type")):
            return reads.text(item.get("value")) or reads.text(item.get("name"))
    return None
