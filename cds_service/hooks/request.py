"""One CDS Hooks request: parsed once, its own shape checked, plain dicts from here on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import RequestLimits, has_float, read_exactly, read_json
from cds_service.hooks.validation import check
from cds_service.hooks.versions import CONFIGURATION, negotiate

if TYPE_CHECKING:
    from cds_service.hooks.trust.clients import Caller

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

# Order types of FHIR DSTU2 that R4 no longer has.
_DSTU2_ORDERS: Final = frozenset(
    {"MedicationOrder", "DiagnosticOrder", "DeviceUseRequest", "ProcedureRequest"}
)


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What one hook call says. Resources are the dicts of the request: never change them.

    `draft_orders` pairs each order with its path in the request ("context.draftOrders.entry[0].resource");
    `context` is the whole context, with resources in draftOrders that are no orders themselves.
    `requested_version` is the CRD version to answer in, already negotiated. `client` is who
    proved to make the call, None in open mode. `access_token` is that of fhirAuthorization: for reads during
    this call only, never shown, logged or stored.
    """

    hook: str
    hook_instance: str
    patient_id: str
    user_id: str
    draft_orders: tuple[tuple[str, dict[str, Any]], ...]
    requested_version: str
    context: Mapping[str, Any]
    prefetch: Mapping[str, Any] = field(default_factory=dict)
    encounter_id: str | None = None
    fhir_server: str | None = None
    extension: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    client: Caller | None = None
    access_token: str | None = field(default=None, repr=False, compare=False)


def parse_hook_request(
    body: bytes,
    hook: str,
    limits: RequestLimits | None = None,
    supported: Sequence[str] = ("2.0", "2.1", "2.2"),
    default_version: str = "2.0",
) -> HookRequest:
    """Read the body of a hook call.

    Raises RequestError for everything that is not a request of this hook, naming the elements. Orders
    are taken as they are: what is invalid FHIR but can be decided passes (CDS Hooks: be liberal in
    what you accept). Source: CDS Hooks 2.0, HTTP request; order-sign 1.0.
    """
    limits = limits or RequestLimits()
    document = read_json(body, limits)
    _check_hook(document, hook)
    extension = _object(document.get("extension")) if isinstance(document, dict) else {}
    version = negotiate(extension, supported, default_version)
    try:
        check(document, hook)
        draft_orders = document["context"]["draftOrders"]
        if has_float(draft_orders) and (exact := read_exactly(body)) is not None:
            document["context"]["draftOrders"] = exact["context"]["draftOrders"]
        orders = _orders(document["context"]["draftOrders"]["entry"], limits)
    except RequestError as error:
        error.version = version
        raise
    context = document["context"]
    return HookRequest(
        hook=hook,
        hook_instance=document["hookInstance"],
        patient_id=context["patientId"].removeprefix("Patient/"),
        user_id=context["userId"],
        draft_orders=orders,
        requested_version=version,
        context=context,
        prefetch=_object(document.get("prefetch")),
        encounter_id=(context.get("encounterId") or "").removeprefix("Encounter/") or None,
        fhir_server=document.get("fhirServer") or None,
        extension=extension,
        configuration=_object(extension.get(CONFIGURATION)),
        access_token=_access_token(document),
    )


def _access_token(document: Mapping[str, Any]) -> str | None:
    """The bearer token of fhirAuthorization (CDS Hooks 2.0, FHIR resource access); "" for a wrong one."""
    given = _object(document.get("fhirAuthorization")).get("access_token")
    return given if given is None or isinstance(given, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _check_hook(document: Any, hook: str) -> None:
    """Fail early and clearly when the call belongs to another hook."""
    sent = document.get("hook") if isinstance(document, dict) else None
    if isinstance(sent, str) and sent and sent != hook:
        raise RequestError("CDS-1012", f"hook must be {hook} at this address.", ("hook",))


def _orders(entries: list[dict[str, Any]], limits: RequestLimits) -> tuple[tuple[str, dict[str, Any]], ...]:
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
    if len(orders) > limits.max_orders:
        raise RequestError(
            "CDS-1015",
            f"context.draftOrders holds more than {limits.max_orders} orders.",
            ("context.draftOrders.entry",),
            ErrorKind.TOO_LARGE,
        )
    return tuple(orders)


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
