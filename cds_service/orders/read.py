"""One medication order, read once: drug, indication, setting, date, quantity, coverage."""

from __future__ import annotations

from datetime import date

from cds_service.fhir import reads
from cds_service.fhir.index import Resource, ResourceIndex, reference_to
from cds_service.fhir.vocabulary import Vocabulary
from cds_service.orders.dates import read_service_date
from cds_service.orders.drug import Identify, identify_drug, read_drug
from cds_service.orders.errors import OrderError
from cds_service.orders.indication import read_indication
from cds_service.orders.model import DrugOrder, MemberCoverage
from cds_service.orders.quantity import read_quantity
from cds_service.orders.setting import order_encounter, read_setting

__all__ = ["OrderError", "read_drug_order"]


def read_drug_order(
    resource: Resource,
    index: ResourceIndex,
    coverage: MemberCoverage,
    identify: Identify,
    today: date,
    vocabulary: Vocabulary,
) -> DrugOrder:
    """Read a MedicationRequest (or a look-alike of another FHIR version) into the facts policies ask for.

    `identify` looks a drug up in the catalogue, `vocabulary` is the catalogue's; `today` is the day of the
    call. Reads ill-formed orders as far as they go and notes what was ignored. Raises OrderError only when
    the order names no drug.
    """
    drug = read_drug(resource, index, vocabulary.systems)
    dosages = reads.objects(resource.get("dosageInstruction"))
    route_concepts = [concept for dosage in dosages for concept in reads.objects(dosage.get("route"))]
    routes = reads.codings(route_concepts, vocabulary.systems)
    route_texts = reads.texts([concept.get("text") for concept in route_concepts])
    places = index.places_of(resource)
    service_date, notes = read_service_date(resource, today, places.day if places is not None else None)
    encounter = order_encounter(resource, index)
    return DrugOrder(
        resource=resource,
        reference=reference_to(resource),
        drug=identify_drug(drug, routes, route_texts, identify),
        service_date=service_date,
        indication=read_indication(resource, encounter, index, vocabulary, service_date.date),
        setting=read_setting(resource, encounter, index, vocabulary, places),
        quantity=read_quantity(resource),
        coverage=coverage,
        route=routes,
        route_text=route_texts[0] if route_texts else None,
        status=reads.text(resource.get("status")),
        notes=(*drug.notes, *notes),
    )
