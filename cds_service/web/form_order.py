"""The order that a form is about, in words: what is ordered, for whom, by whom, when and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.coverage_check.documentation import OpenDocumentation
from cds_service.fhir.reads import texts
from cds_service.orders.model import DrugOrder

_LONGEST = 300


def order_facts(opened: OpenDocumentation) -> list[tuple[str, str]]:
    """(what, value) for the head of the page; what the order does not say is left out."""
    return [(name, _line(text)) for name, text in _facts(opened) if text]


def requester(resource: Mapping[str, Any]) -> tuple[str | None, str]:
    """Who ordered: the reference as the EHR knows it, and the name; either may be missing."""
    found = resource.get("requester")
    if not isinstance(found, Mapping):
        return None, ""
    reference = found.get("reference")
    named = found.get("display")
    return reference if isinstance(reference, str) else None, named if isinstance(named, str) else ""


def _facts(opened: OpenDocumentation) -> Iterator[tuple[str, str]]:
    resource, order = opened.resource, opened.order
    yield "Drug", opened.determination.drug
    yield "Dose", _dose(resource)
    yield "Amount", _amount(resource)
    yield "Reason", _reason(order)
    yield "Patient", _patient(opened.patient)
    yield "Ordered by", requester(resource)[1]
    if order is not None:
        yield "Date of service", f"{order.service_date.date} ({order.service_date.basis.value})"
    yield "Insurer", opened.assertion.payer.label


def _dose(resource: Mapping[str, Any]) -> str:
    said = []
    for each in _mappings(resource.get("dosageInstruction")):
        text = each.get("text") or each.get("patientInstruction")
        if not isinstance(text, str):
            text = " ".join(filter(None, (_doses(each), _route(each))))
        said.append(text)
    return "; ".join(filter(None, said))


def _doses(instruction: Mapping[str, Any]) -> str:
    for each in _mappings(instruction.get("doseAndRate")):
        quantity = each.get("doseQuantity")
        if isinstance(quantity, Mapping):
            return _quantity(quantity)
    return ""


def _route(instruction: Mapping[str, Any]) -> str:
    return next(iter(texts(instruction.get("route"))), "")


def _amount(resource: Mapping[str, Any]) -> str:
    request = resource.get("dispenseRequest")
    if not isinstance(request, Mapping):
        return ""
    quantity, refills = request.get("quantity"), request.get("numberOfRepeatsAllowed")
    said = _quantity(quantity) if isinstance(quantity, Mapping) else ""
    if said and isinstance(refills, int) and refills > 0:
        said += f", {refills} refill{'s' if refills > 1 else ''}"
    return said


def _quantity(quantity: Mapping[str, Any]) -> str:
    value = quantity.get("value")
    if value is None or isinstance(value, Mapping | list):
        return ""
    unit = quantity.get("unit") or quantity.get("code") or ""
    return f"{value} {unit}".strip()


def _reason(order: DrugOrder | None) -> str:
    if order is None:
        return ""
    indication = order.indication
    codes = [each.code for each in indication.codes if each.code]
    said = "; ".join(dict.fromkeys(indication.texts)) or "; ".join(
        filter(None, dict.fromkeys(each.display or "" for each in indication.codes))
    )
    if not codes:
        return said
    return f"{said} ({', '.join(dict.fromkeys(codes))})" if said else ", ".join(dict.fromkeys(codes))


def _patient(patient: Mapping[str, Any] | None) -> str:
    """Name and date of birth: whoever answers must see that it is the right patient."""
    if patient is None:
        return ""
    said = []
    for each in _mappings(patient.get("name")):
        given = each.get("given")
        parts = [part for part in given if isinstance(part, str)] if isinstance(given, list) else []
        family = each.get("family")
        said = [each["text"]] if isinstance(each.get("text"), str) else [*parts, *filter(None, [family])]
        break
    name = " ".join(part for part in said if isinstance(part, str))
    born = patient.get("birthDate")
    if not isinstance(born, str):
        return name
    return f"{name}, born {born}" if name else f"born {born}"


def _mappings(values: object) -> Iterator[Mapping[str, Any]]:
    for each in values if isinstance(values, list) else ():
        if isinstance(each, Mapping):
            yield each


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
