"""One CDS Hooks request: parsed once, its own shape checked, plain dicts from here on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cds_service.hooks.contexts import read_scope
from cds_service.hooks.discovery import services
from cds_service.hooks.drafts import ORDER_TYPES
from cds_service.hooks.errors import RequestError
from cds_service.hooks.reading import RequestLimits, read_json
from cds_service.hooks.validation import check
from cds_service.hooks.versions import CONFIGURATION, negotiate

if TYPE_CHECKING:
    from cds_service.hooks.trust.clients import Caller

__all__ = ["ORDER_TYPES", "HookRequest", "hook_named", "parse_hook_request"]


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What one hook call says. Resources are the dicts of the request: never change them.

    `draft_orders` pairs each order in scope with its path in the request
    ("context.draftOrders.entry[0].resource"), or each appointment; `dispatched` pairs the references of
    orders that are not in the context with theirs, until `coverage_check.scope` has found them;
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
    dispatched: tuple[tuple[str, object], ...] = ()
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
    what you accept). Source: CDS Hooks 2.0, HTTP request; the hooks' own definitions.
    """
    limits = limits or RequestLimits()
    document = read_json(body, limits)
    extension = _object(document.get("extension")) if isinstance(document, dict) else {}
    version = negotiate(extension, supported, default_version)
    try:
        _check_hook(document, hook)
        check(document, hook)
        scope = read_scope(document, hook, body, limits)
    except RequestError as error:
        error.version = version
        raise
    context = scope.context
    return HookRequest(
        hook=hook,
        hook_instance=document["hookInstance"],
        patient_id=context["patientId"].removeprefix("Patient/"),
        user_id=context.get("userId") or "",
        draft_orders=scope.orders,
        dispatched=scope.dispatched,
        requested_version=version,
        context=context,
        prefetch=_object(document.get("prefetch")),
        encounter_id=(context.get("encounterId") or "").removeprefix("Encounter/") or None,
        fhir_server=document.get("fhirServer") or None,
        extension=extension,
        configuration=_object(extension.get(CONFIGURATION)),
        access_token=_access_token(document),
    )


def hook_named(body: bytes, limits: RequestLimits | None = None) -> str:
    """The hook that a body itself names, for doors without an address; order-sign when it names none.

    Raises RequestError for a body that is no JSON.
    """
    document = read_json(body, limits or RequestLimits())
    named = document.get("hook") if isinstance(document, dict) else None
    hooks = {each["hook"] for each in services().values()}
    return named if isinstance(named, str) and named in hooks else "order-sign"


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
