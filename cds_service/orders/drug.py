"""What the order says the drug is: codings and texts of medication[x], wherever the client put them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cds_service.fhir import reads
from cds_service.fhir.codes import Coding
from cds_service.fhir.index import Resource, ResourceIndex
from cds_service.fhir.references import reference_text
from cds_service.fhir.systems import CodeSystems
from cds_service.orders.errors import OrderError
from cds_service.orders.model import IdentifiedBy, ProductIdentification

# Da Vinci CRD 2.0 to 2.2: codes under which the drug may be billed, on the medication's CodeableConcept.
_BILLING_OPTIONS = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options"
_MOST = 50  # codings, and texts, of one order; real ones have fewer than ten


class OrderedDrug(NamedTuple):
    """Codings (normalised) and texts that name the drug, and sentences about what could not be used."""

    codings: tuple[Coding, ...]
    texts: tuple[str, ...]
    notes: tuple[str, ...] = ()


class FoundProduct(Protocol):
    """What looking up a product gives back; the fields of ProductIdentification."""

    @property
    def product(self) -> str | None: ...
    @property
    def identified_by(self) -> str: ...
    @property
    def display(self) -> str: ...
    @property
    def codings(self) -> tuple[Coding, ...]: ...
    @property
    def billing_codes(self) -> tuple[str, ...]: ...
    @property
    def unassigned_code(self) -> str | None: ...
    @property
    def contradictions(self) -> tuple[str, ...]: ...
    @property
    def possible(self) -> tuple[str, ...]: ...


class Identify(Protocol):
    """Looks up the product of codings and texts; the catalogue's `identify`."""

    def __call__(
        self,
        codings: Sequence[Coding],
        texts: Sequence[str],
        routes: Sequence[Coding] = (),
        route_texts: Sequence[str] = (),
    ) -> FoundProduct: ...


def read_drug(order: Resource, index: ResourceIndex, systems: CodeSystems) -> OrderedDrug:
    """The drug of a medication order.

    Reads medicationCodeableConcept, medicationReference (contained, prefetched, absolute; its Medication's
    code, or else its ingredients), R5's `medication`, and the billing codes of CRD's extension. Raises
    OrderError when none of them names a drug.
    """
    concepts: list[Mapping[str, Any]] = reads.objects(order.get("medicationCodeableConcept"))
    bare = reads.text(order.get("medicationCodeableConcept"))
    notes: list[str] = []
    references = [(order.get("medicationReference"), "medicationReference")]
    for item in reads.objects(order.get("medication")):  # R5 CodeableReference, or a misplaced R4 element
        concepts += reads.objects(item.get("concept"))
        if "reference" in item:
            inner = item["reference"]
            references.append((inner if isinstance(inner, dict) else item, "medication"))
        elif "coding" in item or "text" in item:
            concepts.append(item)
    reference_texts: list[str] = []
    for reference, element in references:
        if reference is None:
            continue
        medication = index.resolve(reference, order)
        if medication is not None:
            concepts += _of_medication(medication, index)
        else:
            target = (reference_text(reference) or "without a target")[:200]
            notes.append(f"{element} {target} could not be followed.")
        if isinstance(reference, dict) and (display := reads.text(reference.get("display"))):
            reference_texts.append(display)
    codings = _codings(concepts, order, systems)
    texts = dict.fromkeys(text for concept in concepts for text in reads.texts(concept))
    texts.update(dict.fromkeys(reference_texts))
    if bare:
        texts[bare] = None
    if not codings and not texts:
        raise OrderError("names no drug", f"{_type(order)}.medication[x]")
    return OrderedDrug(codings, tuple(texts)[:_MOST], tuple(notes))


def identify_drug(
    drug: OrderedDrug, routes: Sequence[Coding], route_texts: Sequence[str], identify: Identify
) -> ProductIdentification:
    """Look the drug up in the catalogue."""
    found = identify(drug.codings, drug.texts, routes, route_texts)
    return ProductIdentification(
        product=found.product,
        identified_by=IdentifiedBy(found.identified_by),
        display=found.display,
        codings=found.codings,
        billing_codes=found.billing_codes,
        unassigned_code=found.unassigned_code,
        contradictions=found.contradictions,
        possible=found.possible,
    )


def _type(order: Resource) -> str:
    kind = order.get("resourceType")
    return kind if isinstance(kind, str) else "MedicationRequest"


def _of_medication(medication: Resource, index: ResourceIndex) -> list[Mapping[str, Any]]:
    if medication.get("resourceType") not in ("Medication", None):
        return []
    concepts = reads.objects(medication.get("code"))
    if any(reads.objects(concept.get("coding")) or reads.text(concept.get("text")) for concept in concepts):
        return concepts
    for ingredient in reads.objects(medication.get("ingredient")):
        concepts += reads.objects(ingredient.get("itemCodeableConcept"))
        item = index.resolve(ingredient.get("itemReference"), medication)
        if item is not None and item is not medication:
            concepts += reads.objects(item.get("code"))
    return concepts


def _codings(concepts: list[Mapping[str, Any]], order: Resource, systems: CodeSystems) -> tuple[Coding, ...]:
    found = list(reads.codings(concepts, systems))
    for holder in (*concepts, order):
        for extension in reads.objects(holder.get("extension")):
            if extension.get("url") == _BILLING_OPTIONS:
                found += _billing_codings(extension, systems)
    return tuple(dict.fromkeys(found))[:_MOST]


def _billing_codings(extension: Mapping[str, Any], systems: CodeSystems) -> list[Coding]:
    """Codings anywhere in the extension's values; its shape differs between CRD versions."""
    found: list[Coding] = []
    for part in (extension, *reads.objects(extension.get("extension"))):
        for key in ("valueCodeableConcept", "valueCoding"):
            found += reads.codings(part.get(key), systems)
    return found
