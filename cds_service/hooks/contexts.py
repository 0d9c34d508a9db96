"""What each hook's context puts in scope: orders, references to orders, appointments, or nothing.

Source: CDS Hooks library, the six hooks; CRD 2.2.1, hook-30 and hook-34 (only dispatched and selected orders
are in scope).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cds_service.fhir.references import parse_reference
from cds_service.hooks.drafts import Orders, appointments, draft_orders, named_orders, selected
from cds_service.hooks.reading import RequestLimits, has_float, read_exactly


class Scope(NamedTuple):
    """What a call is about: resources with their paths, and references still to be followed with theirs.

    `context` is that of the request, in the newest shape of its hook.
    """

    context: Mapping[str, Any]
    orders: Orders = ()
    dispatched: tuple[tuple[str, object], ...] = ()


def read_scope(document: dict[str, Any], hook: str, body: bytes, limits: RequestLimits) -> Scope:
    """The scope of a call that fits the schema of its hook; raises RequestError naming what does not fit.

    Numbers of what goes back are read as they were written: `body` is what `document` was parsed from.
    """
    return _READERS[hook](document, body, limits)


def _signed(document: dict[str, Any], body: bytes, limits: RequestLimits) -> Scope:
    context = _as_written(document, body, "draftOrders")
    return Scope(context, draft_orders(context["draftOrders"]["entry"], limits))


def _selected(document: dict[str, Any], body: bytes, limits: RequestLimits) -> Scope:
    context = _as_written(document, body, "draftOrders")
    entries = context["draftOrders"]["entry"]
    orders = draft_orders(entries, limits)
    return Scope(context, selected(orders, entries, context["selections"], limits))


def _booked(document: dict[str, Any], body: bytes, limits: RequestLimits) -> Scope:
    context = _as_written(document, body, "appointments")
    found = appointments(context["appointments"]["entry"], limits)
    based_on = {_identity(each) for _, appointment in found for each in based_on_references(appointment)}
    _write_prefetched(document, body, based_on)
    return Scope(context, found)


def _dispatched(document: dict[str, Any], body: bytes, limits: RequestLimits) -> Scope:
    context = document["context"]
    found = named_orders(context, limits)
    _write_prefetched(document, body, {_identity(each) for _, each in found})
    return Scope({**context, "dispatchedOrders": [each for _, each in found]}, dispatched=found)


def _nothing(document: dict[str, Any], body: bytes, limits: RequestLimits) -> Scope:
    return Scope(document["context"])


_READERS: Final[Mapping[str, Callable[[dict[str, Any], bytes, RequestLimits], Scope]]] = {
    "order-sign": _signed,
    "order-select": _selected,
    "order-dispatch": _dispatched,
    "appointment-book": _booked,
    "encounter-start": _nothing,
    "encounter-discharge": _nothing,
}

_ALTERNATE: Final = "http://hl7.org/fhir/StructureDefinition/alternate-reference"


def based_on_references(appointment: Mapping[str, Any]) -> Iterator[object]:
    """The orders that an appointment is for.

    FHIR R4 lets basedOn name a ServiceRequest only; CRD puts other orders into its extension
    alternate-reference.
    """
    based_on = appointment.get("basedOn")
    for each in based_on if isinstance(based_on, list) else [based_on]:
        if not isinstance(each, Mapping):
            continue
        extensions = each.get("extension")
        for extension in extensions if isinstance(extensions, list) else [extensions]:
            if isinstance(extension, Mapping) and extension.get("url") == _ALTERNATE:
                yield extension.get("valueReference")
        yield each


def _as_written(document: dict[str, Any], body: bytes, name: str) -> Mapping[str, Any]:
    """The context with one of its Bundles as the client wrote its numbers."""
    context: dict[str, Any] = document["context"]
    if has_float(context[name]) and (exact := read_exactly(body)) is not None:
        context[name] = exact["context"][name]
    return context


def _write_prefetched(document: dict[str, Any], body: bytes, wanted: set[tuple[str, str] | None]) -> None:
    """Put the orders of prefetch that the context names as their numbers were written."""
    prefetch = document.get("prefetch")
    if not isinstance(prefetch, dict) or not has_float(prefetch):
        return
    exact = read_exactly(body)
    if exact is None:
        return
    for key, value in prefetch.items():
        written = exact["prefetch"][key]
        if _key(value) in wanted:
            prefetch[key] = written
        entries = value.get("entry") if isinstance(value, dict) else None
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and _key(entry.get("resource")) in wanted:
                entry["resource"] = written["entry"][number]["resource"]


def _key(resource: object) -> tuple[str, str] | None:
    if not isinstance(resource, dict):
        return "", ""
    kind, identity = resource.get("resourceType"), resource.get("id")
    return (kind, identity) if isinstance(kind, str) and isinstance(identity, str) else ("", "")


def _identity(reference: object) -> tuple[str, str] | None:
    parsed = parse_reference(reference)
    if parsed is None or parsed.type is None or parsed.id is None:
        return None
    return parsed.type, parsed.id
