"""The token endpoint of SMART Backend Services (SMART App Launch 2.2), and what it says of itself."""

from __future__ import annotations

import logging
from typing import Any, Final
from urllib.parse import parse_qsl

from flask import Response, request

from cds_service.hooks.reading import write_json
from cds_service.web import fhir_dtr_documentation as parts
from cds_service.web.blueprints import Blueprint
from cds_service.web.body import read_body
from cds_service.web.fhir_dtr_metadata import TOKEN_PATH
from cds_service.web.services import services

logger = logging.getLogger("cds_service.oauth")
blueprint = Blueprint("oauth", __name__, description="Access tokens for the FHIR endpoints")

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_BYTES: Final = 32_768
_MOST_FIELDS: Final = 32
_NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@blueprint.documented("POST", TOKEN_PATH, parts.TOKEN)
def token() -> Response:
    """An access token for a registered client that signed a client assertion."""
    here = services()
    if here.access is None:
        return _refused("invalid_client", "no client is registered here; calls need no token", 401)
    from cds_service.hooks.trust.backend_services import TokenRefusedError

    parameters = _form()
    if isinstance(parameters, Response):
        return parameters
    try:
        given = here.access.token(parameters)
    except TokenRefusedError as refusal:
        return _refused(refusal.error, refusal.description, refusal.status, refusal.retry_after)
    logger.info("access token given", extra={"scopes": list(given.scopes)})
    answer = {
        "access_token": given.value,
        "token_type": "bearer",
        "expires_in": given.expires_in,
        "scope": " ".join(given.scopes),
    }
    return _answer(answer, 200)


def _form() -> dict[str, str] | Response:
    """The parameters of the body, each once (RFC 6749, section 3.2); else the refusal."""
    if request.mimetype != _FORM:
        return _refused("invalid_request", f"the content type must be {_FORM}", 400)
    body = read_body()
    if len(body) > _MOST_BYTES:
        return _refused("invalid_request", f"the body is larger than {_MOST_BYTES} bytes", 413)
    try:
        text = body.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        return _refused("invalid_request", "the body is no form", 400)
    parameters = {name: value for name, value in pairs if value}
    if len({name for name, _ in pairs}) != len(pairs):
        return _refused("invalid_request", "a parameter is given more than once", 400)
    return parameters


def _refused(error: str, description: str, status: int, retry_after: int | None = None) -> Response:
    logger.info("no access token", extra={"error": error, "status": status, "reason": description})
    response = _answer({"error": error, "error_description": description}, status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _answer(content: dict[str, Any], status: int) -> Response:
    return Response(write_json(content), status, content_type="application/json", headers=_NOT_KEPT)
