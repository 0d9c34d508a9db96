"""Which orders a call is about, once its references have been followed (CRD 2.2.1 hook-30, hook-34).

order-dispatch names orders by reference, appointment-book names them behind its appointments (FHIR-50318:
coverage information belongs on the order, and on the appointment only when there is none).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cds_service.fhir import reads
from cds_service.fhir.index import KeyOutcome, ResourceIndex
from cds_service.fhir.places import NamedPlaces
from cds_service.fhir.references import parse_reference
from cds_service.hooks.contexts import based_on_references
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.prefetch import declared_types, own_order_keys
from cds_service.hooks.request import ORDER_TYPES, HookRequest

Resource = Mapping[str, Any]
Found = list[tuple[str, Any]]

_MOST: Final = 20  # tasks, participants and orders of one resource
_LOOKED: Final = frozenset({KeyOutcome.NULL, KeyOutcome.EMPTY, KeyOutcome.DELIVERED})
_BOOKED_PLACES: Final = frozenset({"Location", "HealthcareService", "Organization"})
_APPOINTMENTS: Final = frozenset({"Appointment"})
_APPOINTMENT: Final = "Appointment"


def resource_index(request: HookRequest) -> ResourceIndex:
    """Everything the call delivered, for its patient; draft orders themselves are no record of the past."""
    index = ResourceIndex.from_prefetch(request.prefetch, declared_types(request.hook), request.fhir_server)
    index.set_patient(request.patient_id)
    index.set_encounter(request.encounter_id)
    for name, asked in (("draftOrders", ORDER_TYPES), ("appointments", _APPOINTMENTS)):
        bundle = request.context.get(name)
        entries = bundle.get("entry") if isinstance(bundle, Mapping) else None
        for entry in entries if isinstance(entries, list) else ():
            resource = entry.get("resource") if isinstance(entry, Mapping) else None
            kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
            if isinstance(kind, str) and kind not in asked:
                index.add(resource, entry.get("fullUrl"))
            elif isinstance(resource, Mapping):
                index.hold(resource, entry.get("fullUrl"))
    return index


def in_scope(request: HookRequest, index: ResourceIndex) -> HookRequest:
    """The request with the orders it is about; references that lead nowhere yet stay in `dispatched`."""
    if request.hook == "order-dispatch":
        orders, missing = _dispatched(request, index)
    elif request.hook == "appointment-book":
        orders, missing = _booked(request, index)
    else:
        return request
    return replace(request, draft_orders=tuple(orders), dispatched=tuple(missing))


def orders_in_scope(request: HookRequest, index: ResourceIndex, failed: frozenset[str]) -> HookRequest:
    """The same when nothing more can be read; tells the index what is asked about and where it is done.

    `failed` are types of which a read failed. An appointment whose order cannot be had is answered itself.
    Raises RequestError for a dispatched order that is not to be had, is none, or is another patient's.
    """
    found = in_scope(request, index)
    if request.hook == "order-dispatch":
        for path, reference in found.dispatched:
            raise _not_found(path, reference, request.hook, index, failed)
        for path, order in found.draft_orders:
            if order.get("resourceType") not in ORDER_TYPES or index.is_foreign(order):
                raise RequestError("CDS-1019", f"{path} refers to no order of this patient.", (path,))
        places = _dispatch_places(request, index)
        for _, order in found.draft_orders:
            index.ask_about(order, places)
    elif request.hook == "appointment-book":
        for _, order in found.draft_orders:
            index.ask_about(order, _booked_places(order, request, index))
    return found


def _dispatched(request: HookRequest, index: ResourceIndex) -> tuple[Found, Found]:
    orders: dict[int, tuple[str, Any]] = {}
    missing: Found = []
    for path, reference in request.dispatched:
        resource = index.resolve(reference)
        if resource is None:
            missing.append((path, reference))
        elif resource.get("resourceType") == _APPOINTMENT:
            behind = _orders_of(resource, index)
            for order in behind:
                orders.setdefault(id(order), (path, order))
            if not behind:
                missing += [(path, each) for each in _followed(resource)] or [(path, reference)]
        else:
            orders.setdefault(id(resource), (path, resource))
    return list(orders.values()), missing


def _booked(request: HookRequest, index: ResourceIndex) -> tuple[Found, Found]:
    orders: dict[int, tuple[str, Any]] = {}
    missing: Found = []
    for path, appointment in request.draft_orders:
        behind = _orders_of(appointment, index)
        for order in behind or [appointment]:
            orders.setdefault(id(order), (path, order))
        if not behind:
            missing += [(f"{path}.basedOn", each) for each in _followed(appointment)]
    return list(orders.values()), missing


def _followed(appointment: Resource) -> list[object]:
    return [each for each in based_on_references(appointment) if parse_reference(each) is not None][:_MOST]


def _orders_of(appointment: Resource, index: ResourceIndex) -> list[Resource]:
    """The patient's orders that an appointment is for, as far as they are at hand."""
    found: dict[int, Resource] = {}
    for reference in _followed(appointment):
        order = index.resolve(reference, appointment)
        parsed = parse_reference(reference)
        contained = parsed is not None and parsed.fragment is not None
        if order is None or contained or order.get("resourceType") not in ORDER_TYPES:
            continue
        if not index.is_foreign(order):
            found[id(order)] = order
    return list(found.values())


def _not_found(
    path: str, reference: object, hook: str, index: ResourceIndex, failed: frozenset[str]
) -> RequestError:
    """412 when nobody could look, else the order does not exist (CRD 2.2.1, HTTP status codes)."""
    parsed = parse_reference(reference)
    kind = parsed.type if parsed is not None and parsed.type is not None else ""
    looked = any(index.outcome(key) in _LOOKED for key in own_order_keys(hook, kind))
    if looked and kind not in failed:
        return RequestError("CDS-1041", f"{path} refers to an order that does not exist.", (path,))
    text = f"The order that {path} refers to is neither in prefetch nor can it be queried."
    return RequestError("CDS-1040", text, (path,), ErrorKind.DATA_UNAVAILABLE)


def _dispatch_places(request: HookRequest, index: ResourceIndex) -> NamedPlaces:
    """The performer of a dispatch, and where its tasks are to be done (FHIR R4 Task.location)."""
    context = request.context
    tasks = context.get("fulfillmentTasks", context.get("task"))
    places = [context.get("performer")]
    for each in (tasks if isinstance(tasks, list) else [tasks])[:_MOST]:
        task = each if isinstance(each, Mapping) and "resourceType" in each else index.resolve(each)
        if task is not None and task.get("resourceType") == "Task" and task.get("location") is not None:
            places.append(task["location"])
    return NamedPlaces(tuple(places), "performer of the dispatch")


def _booked_places(order: Resource, request: HookRequest, index: ResourceIndex) -> NamedPlaces | None:
    """Where and when the appointments for an order take place; None when they do not say."""
    places: list[object] = []
    days: list[str] = []
    for _, appointment in request.draft_orders:
        if any(each is order for each in _orders_of(appointment, index)):
            places += _participating_places(appointment, index)
            days += [each for each in (reads.text(appointment.get("start")),) if each]
    if not places and not days:
        return None
    return NamedPlaces(tuple(places), "place of the appointment", min(days, default=None))


def _participating_places(appointment: Resource, index: ResourceIndex) -> Sequence[object]:
    """Locations and services that take part; else the places of the people who do."""
    actors = list(_actors(appointment))
    places = [each for each in actors if _kind(each) in _BOOKED_PLACES]
    return places or [each for each in actors if _kind(each) == "PractitionerRole"]


def _actors(appointment: Resource) -> Iterator[Resource]:
    for participant in reads.objects(appointment.get("participant"))[:_MOST]:
        actor = participant.get("actor")
        if isinstance(actor, Mapping) and participant.get("status") != "declined":
            yield actor


def _kind(reference: Resource) -> str | None:
    parsed = parse_reference(reference)
    kind = parsed.type if parsed is not None else None
    return kind or reads.text(reference.get("type"))
