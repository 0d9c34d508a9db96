"""The coverage an answer is about: which Coverage resources are usable, whose they are, which plan."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import Final

from cds_service.fhir import reads
from cds_service.fhir.index import Resource, ResourceIndex, reference_to
from cds_service.orders.model import MemberCoverage

# FHIR R4 Coverage.status: everything else (cancelled, draft, entered-in-error) covers nothing.
_ACTIVE = "active"
_PARTIAL_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2}))?")


def coverages_of(index: ResourceIndex, on: date) -> tuple[Resource, ...]:
    """Coverages of this patient that are active on a day; a missing status or open period is no obstacle."""
    return tuple(coverage for coverage in index.resources("Coverage") if is_active(coverage, on))


def is_active(coverage: Resource, on: date) -> bool | None:
    """Whether a Coverage covers a day, by its status and period (FHIR R4 Coverage).

    What is not said is no obstacle. None when status or period are there, cannot be read, and what can be
    read does not settle it: a coverage that says when it ends is not taken for one that never does.
    """
    status = reads.codes(coverage.get("status"))
    if status and _ACTIVE not in status:
        return False
    period = coverage.get("period")
    sides = period if isinstance(period, dict) else {}
    starts, ends = _days(sides.get("start")), _days(sides.get("end"))
    if (starts is not None and on < starts[0]) or (ends is not None and ends[1] < on):
        return False
    told = (coverage.get("status"), period, sides.get("start"), sides.get("end"))
    read = (status, isinstance(period, dict), starts, ends)
    return None if any(a is not None and not b for a, b in zip(told, read, strict=True)) else True


def _days(value: object) -> tuple[date, date] | None:
    """The first and last day that a date means, a whole year or month too; None when unreadable."""
    day = reads.full_date(value)
    if day is not None:
        return day, day
    partial = _PARTIAL_DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if partial is None:
        return None
    year, month = int(partial[1]), int(partial[2] or 0)
    if not year or month > 12 or partial[2] == "00":
        return None
    last = calendar.monthrange(year, month)[1] if month else 31
    return date(year, month or 1, 1), date(year, month or 12, last)


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
