"""CDS Hooks over HTTP: discovery and the services. The hot path: it reads and writes bytes itself."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from time import perf_counter
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from cds_service.hooks.discovery import discovery, hook_of
from cds_service.hooks.reading import write_json
from cds_service.hooks.request import HookRequest, parse_hook_request
from cds_service.settings import CRD_VERSIONS
from cds_service.web import openapi_parts as parts
from cds_service.web.blueprints import Blueprint
from cds_service.web.services import services
from cds_service.web.trust import caller

logger = logging.getLogger("cds_service.hook")
blueprint = Blueprint("cds_hooks", __name__, description="CDS Hooks 2.0 with Da Vinci CRD")

_JSON: Final = "application/json"
_SAFE_INSTANCE: Final = re.compile(r"[0-9A-Za-z-]{8,64}")
_DISCOVERY: Final = write_json(discovery(CRD_VERSIONS))


@blueprint.documented("GET", "/cds-services", parts.DISCOVERY)
def discover() -> Response:
    """The CDS services offered here, with prefetch, CRD versions and configuration options."""
    return Response(_DISCOVERY, content_type=_JSON)


@blueprint.documented("POST", "/cds-services/<service_id>", parts.CALL)
def call(service_id: str) -> Response:
    """Coverage information on each order, and cards that put it in words."""
    started = perf_counter()
    hook = hook_of(service_id)
    _check_content_type()
    here = services()
    hook_request = parse_hook_request(
        request.get_data(cache=False),
        hook,
        here.limits,
        CRD_VERSIONS,
        here.settings.default_crd_version,
    )
    if (client := caller()) is not None:
        hook_request = replace(hook_request, client=client)
    answer = here.check.answer(hook_request, here.now())
    response = Response(write_json(answer), content_type=_JSON)
    if logger.isEnabledFor(logging.INFO):
        _log(service_id, hook_request, answer, perf_counter() - started)
    return response


def _check_content_type() -> None:
    """JSON, by whatever of its names; a client that names no type at all is taken at its word."""
    content_type = request.mimetype
    is_json = content_type in ("", _JSON, "text/json") or (
        content_type.startswith("application/") and "json" in content_type
    )
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if not is_json or encoding not in ("", "identity"):
        raise UnsupportedMediaType


def _log(service_id: str, hook_request: HookRequest, answer: dict[str, Any], seconds: float) -> None:
    """One line per call: which, what came out, how long. Nothing of the patient or the order."""
    instance = hook_request.hook_instance
    logger.info(
        "hook answered",
        extra={
            "hookInstance": instance if _SAFE_INSTANCE.fullmatch(instance) else "(not an identifier)",
            "service": service_id,
            "client": hook_request.client.issuer if hook_request.client else None,
            "crdVersion": hook_request.requested_version,
            "orders": len(hook_request.draft_orders),
            "outcomes": outcomes(answer),
            "cards": len(answer.get("cards", ())),
            "milliseconds": round(seconds * 1000, 2),
        },
    )


def outcomes(answer: dict[str, Any]) -> list[str]:
    """The `covered` code of each order of an answer, in order: what the wire says, for the log."""
    found = []
    for action in answer.get("systemActions", ()):
        for extension in action.get("resource", {}).get("extension", ()):
            if str(extension.get("url", "")).endswith("/ext-coverage-information"):
                parts_of = extension.get("extension", ())
                found += [part["valueCode"] for part in parts_of if part.get("url") == "covered"]
    return found
