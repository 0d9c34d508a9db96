"""What every FHIR endpoint of this service does alike: who calls, what is accepted, how it is answered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, g, request
from werkzeug.exceptions import NotAcceptable

from cds_service.dtr.versions import VERSIONS
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import read_json, write_json
from cds_service.web import errors
from cds_service.web.body import read_body
from cds_service.web.calls import error_code
from cds_service.web.cds_hooks import check_content_type
from cds_service.web.measures import Count
from cds_service.web.services import services
from cds_service.web.trust import caller

FHIR_JSON: Final = errors.FHIR_JSON
READ: Final = "r"
SEARCH: Final = "s"

_ACCEPTED: Final = frozenset({FHIR_JSON, "application/json", "text/json", "application/json+fhir"})
_FORMATS: Final = _ACCEPTED | {"json"}
_STATUSES_OF: Final = "2.2"
"""The version of CRD whose HTTP statuses the FHIR operations use: what is invalid is a 400."""


def authorize(resource_type: str, right: str) -> None:
    """Note who calls; raises RequestError unless an access token allows this (or no client is registered)."""
    access = services().access
    if access is not None:
        g.caller = access.caller(request.headers.get("Authorization"), resource_type, right)


def client_label() -> str | None:
    """The registered client that calls, as records name it; None in open mode."""
    found = caller()
    return found.label if found is not None else None


def check_accepted() -> None:
    """Whether the caller takes JSON; `_format` goes before the Accept header (FHIR R4, Content types).

    Raises NotAcceptable. Whoever accepts text of any kind, or names nothing, is sent JSON too.
    """
    wanted = request.args.get("_format", "").partition(";")[0].strip().lower().replace(" ", "+")
    if wanted:
        if wanted not in _FORMATS:
            raise NotAcceptable
        return
    accepted = [(kind.partition(";")[0].strip().lower(), q) for kind, q in request.accept_mimetypes]
    if accepted and not any(q and _takes_json(kind) for kind, q in accepted):
        raise NotAcceptable


def _takes_json(kind: str) -> bool:
    """Whether a media range of an Accept header, without its parameters, is served by JSON."""
    return kind in _ACCEPTED or kind in ("*/*", "application/*") or kind.startswith("text/")


def read_resource() -> dict[str, Any]:
    """The JSON object in the body; raises RequestError."""
    check_content_type()
    content = read_json(read_body(), services().limits)
    if not isinstance(content, dict):
        raise RequestError("CDS-1220", "The body must be a FHIR resource.", kind=ErrorKind.OPERATION)
    return content


def answer(resource: Mapping[str, Any], status: int = 200) -> Response:
    """A resource as JSON."""
    return Response(write_json(resource), status, content_type=FHIR_JSON)


def refused(error: RequestError) -> Response:
    """The answer to a call that a FHIR endpoint refuses; what is invalid is a 400 here."""
    if error.version is None:
        error.version = _STATUSES_OF
    return errors.request_error(error)


def counted(response: Response) -> Response:
    """Count a call and, where it was refused, its code."""
    measures = services().measures
    version = (request.view_args or {}).get("version", "")
    endpoint = (request.endpoint or "").rpartition(".")[2]
    label = version if version in VERSIONS else "none"
    counts: list[Count] = [(measures.fhir_requests, (label, endpoint, str(response.status_code)))]
    code = error_code(response) if response.status_code >= 400 else None
    if code is not None:
        counts.append((measures.errors, (code,)))
    measures.note(*counts)
    measures.tick(time.perf_counter())
    return response


def issue(severity: str, kind: str, code: str, text: str, *expressions: str) -> dict[str, Any]:
    """One issue of an OperationOutcome; `kind` is its FHIR issue type, `code` a stable code of ours."""
    found: dict[str, Any] = errors.operation_outcome(code, kind, text, expressions)["issue"][0]
    return {**found, "severity": severity}
