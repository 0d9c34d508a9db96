"""The name of an order under which its answers are kept.

EHRs use the ids of drafts again, and change what an order asks for: then it is another order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

from cds_service.coverage_check.call_context import CallContext
from cds_service.fhir import reads
from cds_service.fhir.references import parse_reference
from cds_service.orders.model import DrugOrder

_HOW_MUCH: Final = ("dosageInstruction", "quantityQuantity", "orderDetail")
_DISPENSED: Final = ("quantity", "numberOfRepeatsAllowed", "expectedSupplyDuration")
_DATED: Final = frozenset({"boundsPeriod", "event", "extension", "id"})  # of a dosage


def order_key(order: DrugOrder, context: CallContext, key: bytes) -> str:
    """A name, in 64 characters, that stays when an order's status, dates or notes change.

    Answers belong to it: another client, patient, coverage, drug, amount, dosage or reason is another order.
    An order without an id is the same only while it says the same. `key` keys the name.
    """
    resource, coverage, drug, quantity = context.order, order.coverage, order.drug, order.quantity
    given = (context.index.resolve(each, resource) for each in order.depends_on)
    facts = [
        context.origin,
        order.reference,
        resource if "/" not in order.reference else None,
        context.index.patient_id,
        [coverage.reference, coverage.payer, coverage.member_id, coverage.plan, coverage.line_of_business],
        drug.product or [drug.codings, drug.billing_codes, drug.display, _words(resource)],
        _reasons(resource),
        order.indication.codes,
        [quantity.amount, quantity.unit, quantity.maximum_per_hour, order.route, order.depends_on],
        [_ordered(each) for each in (resource, *given)],
    ]
    text = json.dumps(facts, sort_keys=True, default=str)
    return blake2b(text.encode(), key=key, digest_size=32).hexdigest()


def _words(order: Mapping[str, Any]) -> list[Any]:
    """What an order calls its drug, where no product of the catalogue was recognised."""
    return [order.get(name) for name in ("medicationCodeableConcept", "medicationReference", "code")]


def _reasons(order: Mapping[str, Any]) -> list[Any]:
    """Why it is ordered, as the order itself says it."""
    concepts = reads.objects(order.get("reasonCode"))
    codes = [
        [each.get("system"), each.get("code")]
        for concept in concepts
        for each in reads.objects(concept.get("coding"))
    ]
    texts = [reads.text(concept.get("text")) for concept in concepts]
    references = [parse_reference(each) for each in reads.objects(order.get("reasonReference"))]
    return [codes, texts, [(each.type, each.id) for each in references if each is not None]]


def _ordered(order: Mapping[str, Any] | None) -> list[Any]:
    """How much of it is ordered, and how it is given."""
    order = order or {}
    dispensed = reads.first(order.get("dispenseRequest"))
    amounts = [dispensed.get(name) for name in _DISPENSED]
    return [_undated([order.get(name) for name in _HOW_MUCH]), amounts]


def _undated(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: kept
            for name, each in value.items()
            if name not in _DATED and (kept := _undated(each)) not in (None, {}, [])
        }
    return [_undated(each) for each in value] if isinstance(value, list) else value
