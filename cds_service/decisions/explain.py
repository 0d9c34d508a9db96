"""A decision in plain text, for the command line and for people who check rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cds_service.decisions.model import CriterionResult, CriterionStatus, Determination
from cds_service.decisions.quantity import plain

_MARK: Final = {
    CriterionStatus.MET: "[met]        ",
    CriterionStatus.NOT_MET: "[not met]    ",
    CriterionStatus.UNKNOWN: "[unknown]    ",
    CriterionStatus.NOT_NEEDED: "[not needed] ",
}


def explain(determination: Determination) -> str:
    """What was decided, by which policy, criterion by criterion; holds patient data, so print, never log."""
    return "\n".join(_lines(determination)) + "\n"


def _lines(determination: Determination) -> Iterator[str]:
    yield from _head(determination)
    yield "Why:"
    for reason in determination.reasons:
        yield f"  - {reason.text}" + (f" [{reason.cite}]" if reason.cite else "")
    if determination.criteria:
        yield "Criteria:"
        for each in determination.criteria:
            yield from _criterion(each)
    if determination.asks:
        yield "To be asked:"
        for each in determination.asks:
            yield f"  - {each.question or each.name}"
    if determination.allowed_from is not None:
        yield f"Authorization period: {determination.allowed_from} to {determination.allowed_to}"
    limit = determination.allowed_quantity
    if limit is not None:
        yield f"Quantity limit: {plain(limit.amount)} {limit.unit} per {limit.per_hours} hours [{limit.cite}]"
    for note in determination.notes:
        yield f"Note: {note}"


def _head(determination: Determination) -> Iterator[str]:
    yield f"{determination.order}: {determination.drug or 'no drug recognised'}"
    yield f"Outcome: {determination.outcome.value}"
    if determination.identified_by is not None:
        yield f"Drug identified by: {determination.identified_by.value}"
    if determination.service_date is not None:
        service = determination.service_date
        yield f"Date of service: {service.date} ({service.basis.value})"
    if determination.technical_code:
        yield f"Technical code: {determination.technical_code}"
    for policy in determination.policies:
        place = f"{policy.number} {policy.title}, version {policy.version}: {policy.cite}"
        yield f"Policy: {place} -> {policy.outcome.value}"


def _criterion(result: CriterionResult) -> Iterator[str]:
    yield f"  {_MARK[result.status]}{result.name} [{result.cite}]"
    attested = "by attestation" if result.attested else None
    details = [result.value, result.why, attested, ", ".join(result.evidence)]
    said = "; ".join(detail for detail in details if detail)
    if said:
        yield f"      {said}"
