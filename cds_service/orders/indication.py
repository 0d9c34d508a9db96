"""Why the drug is ordered: the order's reason, else the encounter's (policies/README points 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from cds_service.fhir import reads
from cds_service.fhir.codes import Coding
from cds_service.fhir.index import Resource, ResourceIndex, reference_to
from cds_service.fhir.references import reference_text
from cds_service.fhir.systems import CodeSystems
from cds_service.fhir.vocabulary import Vocabulary
from cds_service.orders.model import Indication

# FHIR R4, value sets condition-ver-status, condition-clinical and observation-status.
_NOT_TRUE = {"refuted": "refuted", "entered-in-error": "entered in error"}
_NOT_CURRENT = {"resolved": "resolved", "inactive": "inactive", "remission": "in remission"}
_VOID_OBSERVATION = {"cancelled": "cancelled", "entered-in-error": "entered in error", "unknown": "uncertain"}

_MOST_REASONS = 100  # of one order; real ones have a handful


@dataclass(slots=True)
class _Reasons:
    """What has been gathered so far."""

    systems: CodeSystems
    codes: dict[Coding, None] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)
    evidence: dict[str, None] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)
    uncoded: int = 0
    not_in_icd10cm: int = 0
    count: int = 0

    def take(self, concept: object, evidence: str | None) -> None:
        """One reason that counts."""
        codes, texts = reads.codings(concept, self.systems), reads.texts(concept)
        if not codes and not texts:
            return
        self.count += 1
        self.codes.update(dict.fromkeys(codes))
        self.texts.update(dict.fromkeys(texts))
        if evidence:
            self.evidence[evidence] = None
        systems = {code.system for code in codes if code.system}
        if self.systems.url("icd10cm") not in systems:
            self.not_in_icd10cm += 1
            if self.systems.url("snomed") not in systems:
                self.uncoded += 1

    def refuse(self, sentence: str) -> None:
        """One reason that must not count."""
        self.count += 1
        self.unusable.append(sentence)


def read_indication(
    order: Resource, encounter: Resource | None, index: ResourceIndex, vocabulary: Vocabulary, on: date
) -> Indication:
    """The reasons for the order, normalised; conditions that do not hold on the date of service left out.

    The encounter is asked only when the order gives no reason at all: a refuted reason of the order is not
    replaced by another one. A void encounter gives none.
    """
    source = "order"
    reasons = _gather(order, index, vocabulary.systems, on)
    if not reasons.count and encounter is not None:
        status = reads.text(encounter.get("status"))
        if status not in vocabulary.settings.void_encounter_statuses:
            source = "encounter"
            reasons = _gather(encounter, index, vocabulary.systems, on)
            if reasons.count:
                reasons.evidence = {reference_to(encounter): None, **reasons.evidence}
    return Indication(
        codes=tuple(reasons.codes),
        texts=tuple(reasons.texts),
        source=source if reasons.count else None,
        evidence=tuple(reasons.evidence),
        unusable=tuple(reasons.unusable),
        is_coded=not reasons.uncoded and not reasons.unusable if reasons.count else None,
        in_icd10cm=not reasons.not_in_icd10cm and not reasons.unusable if reasons.count else None,
    )


def _gather(holder: Resource, index: ResourceIndex, systems: CodeSystems, on: date) -> _Reasons:
    reasons = _Reasons(systems)
    codes = holder.get("reasonCode")
    for concept in (codes if isinstance(codes, list) else [codes])[:_MOST_REASONS]:
        reasons.take(concept, None)
    references = holder.get("reasonReference")
    for reference in (references if isinstance(references, list) else [references])[:_MOST_REASONS]:
        if reference is not None:
            _follow(reference, holder, index, reasons, on)
    for item in reads.objects(holder.get("reason"))[:_MOST_REASONS]:  # R5, and DSTU2-like clients
        reasons.take(item.get("concept", item), None)
        if item.get("reference") is not None:
            inner = item["reference"]
            _follow(inner if isinstance(inner, dict) else item, holder, index, reasons, on)
    return reasons


def _follow(reference: object, holder: Resource, index: ResourceIndex, reasons: _Reasons, on: date) -> None:
    found = index.resolve(reference, holder)
    if found is None:
        name = (reference_text(reference) or "a reference without target")[:200]
        reasons.refuse(f"The reason {name} was not delivered with the request.")
        return
    where = reference_to(found)
    fault = _fault(found, index, on)
    if fault is not None:
        reasons.refuse(f"The reason {where} does not count: {fault}.")
        return
    before = reasons.count
    reasons.take(found.get("code"), where)
    if reasons.count == before:
        reasons.refuse(f"The reason {where} does not say what it is.")


def _fault(found: Resource, index: ResourceIndex, on: date) -> str | None:
    """Why a resource must not count as a reason; None when it may."""
    if index.is_foreign(found):
        return "it is about another patient"
    if found.get("resourceType") != "Condition":
        return _first(_VOID_OBSERVATION, reads.codes(found.get("status")))
    fault = _first(_NOT_TRUE, reads.codes(found.get("verificationStatus")))
    fault = fault or _first(_NOT_CURRENT, reads.codes(found.get("clinicalStatus")))
    if fault is not None:
        return fault
    begun = reads.full_date(found.get("onsetDateTime")) or reads.period(found.get("onsetPeriod")).start
    if begun is not None and begun > on:
        return f"it begins on {begun.isoformat()}, after the date of service"
    if not reads.codes(found.get("clinicalStatus")):
        ended = (
            reads.full_date(found.get("abatementDateTime")) or reads.period(found.get("abatementPeriod")).end
        )
        if ended is not None and ended < on:
            return f"it ended on {ended.isoformat()}"
    return None


def _first(meanings: Mapping[str, str], codes: tuple[str, ...]) -> str | None:
    return next((f"it is {meanings[code]}" for code in codes if code in meanings), None)
