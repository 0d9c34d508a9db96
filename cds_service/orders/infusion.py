"""Service requests that order a drug: an infusion or push by its CPT code, with the drug named beside it.

Read as the medication order they stand for; the codes of giving a drug are catalogue data
(`catalog/settings.yaml`, administration).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cds_service.fhir import reads
from cds_service.fhir.index import Resource, ResourceIndex
from cds_service.fhir.references import parse_reference
from cds_service.fhir.vocabulary import Vocabulary

DRUG_ORDER: Final = "MedicationRequest"
_SERVICE: Final = "ServiceRequest"
_MOST: Final = 20  # references of one order


def is_drug_order(order: Resource, vocabulary: Vocabulary) -> bool:
    """Whether an order is one for a drug: a MedicationRequest, or a service of giving a drug."""
    kind = order.get("resourceType")
    return kind == DRUG_ORDER or (kind == _SERVICE and _gives_a_drug(order, vocabulary))


def medication_order(order: Resource, index: ResourceIndex, vocabulary: Vocabulary) -> Resource:
    """A MedicationRequest as it is; a ServiceRequest for giving a drug with its elements where one has them.

    The drug is looked for in `code` and `orderDetail`, and when no code there names one, in `supportingInfo`;
    the codes of giving it come last, since they name no drug. Places are `performer` and `locationReference`.
    """
    if order.get("resourceType") != _SERVICE or not _gives_a_drug(order, vocabulary):
        return order
    concepts = _concepts(order)
    codings = [coding for each in concepts for coding in reads.objects(each.get("coding"))]
    giving = [each for each in codings if _is_giving(each, vocabulary)]
    naming = [each for each in codings if not _is_giving(each, vocabulary)]
    read = dict(order)
    if not naming:
        for found in _supporting(order, index):
            concepts += reads.objects(found.get("medicationCodeableConcept"))
            concepts += reads.objects(found.get("code"))
            if "medicationReference" in found:
                read.setdefault("medicationReference", found["medicationReference"])
        naming = [
            coding
            for each in concepts
            for coding in reads.objects(each.get("coding"))
            if not _is_giving(coding, vocabulary)
        ]
    texts = dict.fromkeys(text for each in concepts if (text := reads.text(each.get("text"))) is not None)
    drug: dict[str, Any] = {"coding": naming + giving}
    if texts:
        drug["text"] = "; ".join(texts)
    read["medicationCodeableConcept"] = drug
    places = [*reads.objects(order.get("performer")), *reads.objects(order.get("locationReference"))]
    if places:
        read["performer"] = places
    return read


def drug_orders_given(order: Resource, index: ResourceIndex) -> tuple[str, ...]:
    """The patient's orders for the drug that a service gives, as its supportingInfo refers to them."""
    found = []
    for reference in reads.objects(order.get("supportingInfo"))[:_MOST]:
        target, text = index.resolve(reference, order), reads.text(reference.get("reference"))
        if target is None or not text or text.startswith("#") or index.is_foreign(target):
            continue
        if target.get("resourceType") == DRUG_ORDER:
            found.append(text)
    return tuple(dict.fromkeys(found))


def _supporting(order: Resource, index: ResourceIndex) -> Iterator[Resource]:
    """Medications, and medication orders of the same patient, in supportingInfo."""
    for reference in reads.objects(order.get("supportingInfo"))[:_MOST]:
        found = index.resolve(reference, order)
        if found is None:
            if (display := reads.text(reference.get("display"))) and _may_name_a_drug(reference):
                yield {"code": {"text": display}}
        elif found.get("resourceType") == "Medication":
            yield {"medicationReference": reference} if found.get("ingredient") else found
        elif found.get("resourceType") == DRUG_ORDER and not index.is_foreign(found):
            yield found


def _may_name_a_drug(reference: Resource) -> bool:
    parsed = parse_reference(reference)
    kind = (parsed.type if parsed is not None else None) or reads.text(reference.get("type"))
    return kind in ("Medication", DRUG_ORDER)


def _concepts(order: Resource) -> list[Mapping[str, Any]]:
    return reads.objects(order.get("code")) + reads.objects(order.get("orderDetail"))[:_MOST]


def _gives_a_drug(order: Resource, vocabulary: Vocabulary) -> bool:
    codings = (coding for each in _concepts(order) for coding in reads.objects(each.get("coding")))
    return any(_is_giving(each, vocabulary) for each in codings)


def _is_giving(coding: Mapping[str, Any], vocabulary: Vocabulary) -> bool:
    found = vocabulary.systems.coding(coding)
    return found is not None and found[:2] in vocabulary.settings.administration
