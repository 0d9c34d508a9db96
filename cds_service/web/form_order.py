"""The order that a form is about, in words: what is ordered, for whom, by whom, when and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.coverage_check.documentation import OpenDocumentation
from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.reads import texts
from cds_service.orders.model import DrugOrder

_LONGEST = 300


def order_facts(opened: OpenDocumentation) -> list[tuple[str, str]]:
    """(what, value) for the head of the page; what the order does not say is left out."""
    return [(name, _line(text)) for name, text in _facts(opened) if text]


def requester(resource: Mapping[str, Any]) -> str | None:
    """Who ordered, by the reference as the EHR knows it."""
    found = resource.get("requester")
    reference = found.get("reference") if isinstance(found, Mapping) else None
    return reference if isinstance(reference, str) else None


def _facts(opened: OpenDocumentation) -> Iterator[tuple[str, str]]:
    resource, order = opened.resource, opened.order
    yield "Drug", opened.determination.drug
    yield "Dose", _dose(resource)
    yield "Amount", _amount(resource)
    yield "Reason", _reason(order)
    yield "Patient", _patient(opened.patient)
    yield "Ordered by", _requester(resource, opened.state.context.index)
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


def _requester(resource: Mapping[str, Any], index: ResourceIndex) -> str:
    """The name on the order, else that of the clinician whom the call delivered."""
    found = resource.get("requester")
    if not isinstance(found, Mapping):
        return ""
    said = found.get("display")
    if isinstance(said, str):
        return said
    who = index.resolve(found, resource) or {}
    practitioner = who.get("practitioner")
    if isinstance(practitioner, Mapping):
        said = practitioner.get("display")
        who = index.resolve(practitioner, who) or {}
    return _name(who) or (said if isinstance(said, str) else "")


def _patient(patient: Mapping[str, Any] | None) -> str:
    """Name and date of birth: whoever answers must see that it is the right patient."""
    if patient is None:
        return ""
    name, born = _name(patient), patient.get("birthDate")
    if not isinstance(born, str):
        return name
    return f"{name}, born {born}" if name else f"born {born}"


def _name(person: Mapping[str, Any]) -> str:
    """The first name of a patient or clinician that is there, as people write it."""
    for each in _mappings(person.get("name")):
        if isinstance(each.get("text"), str):
            return str(each["text"])
        parts = [*_words(each.get("prefix")), *_words(each.get("given")), each.get("family")]
        name = " ".join(part for part in parts if isinstance(part, str))
        suffix = ", ".join(_words(each.get("suffix")))
        if name:
            return f"{name}, {suffix}" if suffix else name
    return ""


def _words(values: object) -> list[str]:
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []


def _mappings(values: object) -> Iterator[Mapping[str, Any]]:
    for each in values if isinstance(values, list) else ():
        if isinstance(each, Mapping):
            yield each


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
