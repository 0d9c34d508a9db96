"""The resources that a hook's context carries: what may stand there, and which of them are orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cds_service.fhir.references import parse_reference, reference_to
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import RequestLimits

Orders = tuple[tuple[str, dict[str, Any]], ...]

# Resource types that are orders (CRD: resources that can carry coverage-information at order-sign).
ORDER_TYPES: Final = frozenset(
    {
        "CommunicationRequest",
        "DeviceRequest",
        "MedicationRequest",
        "NutritionOrder",
        "ServiceRequest",
        "VisionPrescription",
    }
)

# What order-dispatch may name: an appointment stands for the order behind it (CRD 2.2, standard prefetch).
DISPATCHED_TYPES: Final = ORDER_TYPES | {"Appointment"}

# Order types of FHIR DSTU2 that R4 no longer has.
_DSTU2_ORDERS: Final = frozenset(
    {"MedicationOrder", "DiagnosticOrder", "DeviceUseRequest", "ProcedureRequest"}
)


def draft_orders(entries: list[dict[str, Any]], limits: RequestLimits) -> Orders:
    """The orders of draftOrders with their paths; raises RequestError for what cannot be an order."""
    orders = []
    seen: dict[tuple[str, str], str] = {}
    for number, entry in enumerate(entries):
        resource, path = entry["resource"], f"context.draftOrders.entry[{number}].resource"
        resource_type = resource["resourceType"]
        if resource_type in _DSTU2_ORDERS:
            raise RequestError(
                "CDS-1013",
                f"{path}.resourceType is {resource_type}, of FHIR DSTU2; this service reads FHIR R4.",
                (f"{path}.resourceType",),
            )
        if resource_type not in ORDER_TYPES:
            continue
        if resource_type == "MedicationRequest":
            _check_medication(resource, path)
        if isinstance(identifier := resource.get("id"), str):
            first = seen.setdefault((resource_type, identifier), path)
            if first != path:
                raise RequestError(
                    "CDS-1016", f"{path} has the same type and id as {first}.", (f"{path}.id", f"{first}.id")
                )
        orders.append((path, resource))
    if not orders:
        raise RequestError("CDS-1017", "context.draftOrders holds no order.", ("context.draftOrders.entry",))
    check_count(len(orders), "context.draftOrders.entry", limits)
    return tuple(orders)


def check_count(count: int, path: str, limits: RequestLimits) -> None:
    """Raise RequestError (TOO_LARGE) for more orders than one request may hold."""
    if count > limits.max_orders:
        text = f"{path} holds more than {limits.max_orders} orders."
        raise RequestError("CDS-1015", text, (path,), ErrorKind.TOO_LARGE)


def selected(
    orders: Orders, entries: list[dict[str, Any]], selections: list[object], limits: RequestLimits
) -> Orders:
    """The orders that `selections` name (order-select): by type and id, by id alone, or by fullUrl.

    Raises RequestError for a selection that names nothing in draftOrders.
    """
    check_count(len(selections), "context.selections", limits)
    by_name: dict[object, list[dict[str, Any]]] = {}
    for entry in entries:
        resource = entry["resource"]
        for name in {reference_to(resource), resource.get("id"), entry.get("fullUrl")}:
            by_name.setdefault(name, []).append(resource)
    wanted = []
    for number, selection in enumerate(selections):
        parsed = parse_reference(selection)
        short = f"{parsed.type}/{parsed.id}" if parsed is not None and parsed.type else selection
        known = by_name.get(short) or by_name.get(selection)
        if known is None:
            path = f"context.selections[{number}]"
            raise RequestError("CDS-1021", f"{path} names nothing in context.draftOrders.", (path,))
        wanted += known
    chosen = {id(each) for each in wanted}
    return tuple((path, order) for path, order in orders if id(order) in chosen)


def appointments(entries: list[dict[str, Any]], limits: RequestLimits) -> Orders:
    """The appointments of appointment-book with their paths; raises RequestError when there is none."""
    found = []
    for number, entry in enumerate(entries):
        if entry["resource"]["resourceType"] == "Appointment":
            found.append((f"context.appointments.entry[{number}].resource", entry["resource"]))
    if not found:
        path = "context.appointments.entry"
        raise RequestError("CDS-1017", "context.appointments holds no Appointment.", (path,))
    check_count(len(found), "context.appointments.entry", limits)
    return tuple(found)


def named_orders(context: Mapping[str, Any], limits: RequestLimits) -> tuple[tuple[str, object], ...]:
    """The references of dispatched orders with their paths, in either shape of order-dispatch.

    1.0 has one `order`, 1.1 a list `dispatchedOrders`. Raises RequestError when there is none, or one of
    them is no reference to an order.
    """
    if context.get("dispatchedOrders") is not None:
        path, given = "context.dispatchedOrders", context["dispatchedOrders"]
        found = [(f"{path}[{number}]", each) for number, each in enumerate(given)]
    else:
        path = "context.order"
        found = [(path, context["order"])] if context.get("order") is not None else []
    if not found:
        path = "context.dispatchedOrders"
        raise RequestError("CDS-1010", f"{path} is missing.", (path,))
    check_count(len(found), path, limits)
    for path, reference in found:
        parsed = parse_reference(reference)
        if parsed is None or parsed.fragment is not None:
            raise RequestError("CDS-1011", f"{path} must be a reference to an order.", (path,))
        if parsed.type is not None and parsed.type not in DISPATCHED_TYPES:
            raise RequestError("CDS-1019", f"{path} refers to no order.", (path,))
    return tuple(found)


def _check_medication(order: dict[str, Any], path: str) -> None:
    """A medication order must name a medication, in any of the forms of medication[x]."""
    present = [name for name in ("medicationCodeableConcept", "medicationReference") if order.get(name)]
    for name in present:
        if not isinstance(order[name], dict):
            raise RequestError("CDS-1011", f"{path}.{name} must be an object.", (f"{path}.{name}",))
    if not any(_names_something(order[name]) for name in present):
        raise RequestError("CDS-1014", f"{path}.medication is missing.", (f"{path}.medication",))


def _names_something(medication: dict[str, Any]) -> bool:
    return any(medication.get(name) for name in ("coding", "text", "reference", "identifier", "display"))
