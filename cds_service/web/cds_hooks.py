"""CDS Hooks over HTTP: discovery and the services. The hot path: it reads and writes bytes itself."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Final

from flask import Request, Response, g, request
from werkzeug.exceptions import UnsupportedMediaType

from cds_service.coverage_check.report import RESPOND
from cds_service.hooks.discovery import discovery, hook_of
from cds_service.hooks.reading import write_json
from cds_service.hooks.request import parse_hook_request
from cds_service.policies.reads import types_read
from cds_service.settings import CRD_VERSIONS
from cds_service.web import openapi_parts as parts
from cds_service.web.blueprints import Blueprint
from cds_service.web.body import read_body
from cds_service.web.calls import Call
from cds_service.web.services import services
from cds_service.web.trust import caller

blueprint = Blueprint("cds_hooks", __name__, description="CDS Hooks 2.0 with Da Vinci CRD")

_JSON: Final = "application/json"


@blueprint.documented("GET", "/cds-services", parts.DISCOVERY)
def discover() -> Response:
    """The CDS services offered here, with prefetch, CRD versions and configuration options."""
    on_file = services().catalogue.versions
    records = frozenset[str]().union(*(types_read(each.library) for each in on_file))
    return Response(_discovery(records), content_type=_JSON)


@functools.lru_cache(maxsize=4)
def _discovery(records: frozenset[str]) -> bytes:
    return write_json(discovery(CRD_VERSIONS, records))


@blueprint.documented("POST", "/cds-services/<service_id>", parts.CALL)
def call(service_id: str) -> Response:
    """Coverage information on each order, and cards that put it in words."""
    hook = hook_of(service_id)
    here = services()
    this = g.call = Call(service_id, here.now())
    check_content_type()
    this.body = read_body()
    hook_request = parse_hook_request(
        this.body,
        hook,
        here.limits,
        CRD_VERSIONS,
        here.settings.default_crd_version,
    )
    if (client := caller()) is not None:
        hook_request = replace(hook_request, client=client)
    this.request = hook_request
    this.answer = here.check.answer(hook_request, this.received_at, this.report)
    this.report.enter(RESPOND)
    return Response(write_json(this.answer), content_type=_JSON)


def check_content_type() -> None:
    """JSON, by whatever of its names; a client that names no type at all is taken at its word."""
    this: Request = request._get_current_object()  # type: ignore[attr-defined]  # each look costs 1 us
    content_type = this.mimetype
    is_json = content_type in ("", _JSON, "text/json") or (
        content_type.startswith("application/") and "json" in content_type
    )
    encoding = this.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if not is_json or encoding not in ("", "identity"):
        raise UnsupportedMediaType
