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
from cds_service.orders.infusion import drug_orders_given, is_drug_order, medication_order
from cds_service.orders.model import DrugOrder, MemberCoverage, ProductIdentification
from cds_service.orders.quantity import read_quantity
from cds_service.orders.setting import order_encounter, read_setting

__all__ = ["OrderError", "is_drug_order", "read_drug_order"]


def read_drug_order(
    resource: Resource,
    index: ResourceIndex,
    coverage: MemberCoverage,
    identify: Identify,
    today: date,
    vocabulary: Vocabulary,
) -> DrugOrder:
    """Read a medication order, or a service order for giving a drug, into the facts policies ask for.

    `identify` looks a drug up in the catalogue, `vocabulary` is the catalogue's; `today` is the day of the
    call. Reads ill-formed orders as far as they go and notes what was ignored. Raises OrderError only when
    the order names no drug.
    """
    order = medication_order(resource, index, vocabulary)
    drug = read_drug(order, index, vocabulary.systems)
    dosages = reads.objects(order.get("dosageInstruction"))
    route_concepts = [concept for dosage in dosages for concept in reads.objects(dosage.get("route"))]
    routes = reads.codings(route_concepts, vocabulary.systems)
    route_texts = reads.texts([concept.get("text") for concept in route_concepts])
    places = index.places_of(resource)
    service_date, notes = read_service_date(order, today, places.day if places is not None else None)
    product = identify_drug(drug, routes, route_texts, identify)
    if order is not resource and not _is_named(product, vocabulary):
        raise OrderError("the service names no drug", "ServiceRequest.code")
    encounter = order_encounter(order, index)
    return DrugOrder(
        resource=resource,
        reference=reference_to(resource),
        drug=product,
        service_date=service_date,
        indication=read_indication(order, encounter, index, vocabulary, service_date.date),
        setting=read_setting(order, encounter, index, vocabulary, places),
        quantity=read_quantity(order),
        coverage=coverage,
        route=routes,
        route_text=route_texts[0] if route_texts else None,
        status=reads.text(resource.get("status")),
        notes=(*drug.notes, *notes),
        depends_on=drug_orders_given(resource, index) if order is not resource else (),
    )


def _is_named(product: ProductIdentification, vocabulary: Vocabulary) -> bool:
    """Whether anything on a service order but the code of giving names the drug."""
    codes = (each[:2] for each in product.codings)
    coded = any(each not in vocabulary.settings.administration for each in codes)
    return coded or product.product is not None or bool(product.possible)
