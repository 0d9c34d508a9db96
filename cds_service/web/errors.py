"""Every error as a FHIR OperationOutcome with a stable code; HTTP status per kind and CRD version."""

from __future__ import annotations

import logging
import traceback
from typing import Any, Final

from flask import Response
from werkzeug.exceptions import HTTPException

from cds_service.hooks.errors import ERROR_CODES, ErrorKind, RequestError
from cds_service.hooks.reading import write_json
from cds_service.web.services import services

logger = logging.getLogger(__name__)

CODE_SYSTEM: Final = "https://cds-service.example/CodeSystem/errors"
FHIR_JSON: Final = "application/fhir+json"

# CRD "hooks" page, HTTP status codes: 2.2 made invalid CDS Hooks and FHIR a 400, before it was a 422.
_STATUS: Final[dict[ErrorKind, dict[str, int]]] = {
    ErrorKind.NOT_JSON: {"2.0": 400, "2.1": 400, "2.2": 400},
    ErrorKind.TOO_LARGE: {"2.0": 413, "2.1": 413, "2.2": 413},
    ErrorKind.TOO_DEEP: {"2.0": 400, "2.1": 400, "2.2": 400},
    ErrorKind.INVALID: {"2.0": 422, "2.1": 422, "2.2": 400},
    ErrorKind.PROFILE: {"2.0": 422, "2.1": 422, "2.2": 422},
    ErrorKind.COVERAGE: {"2.0": 400, "2.1": 400, "2.2": 400},
    ErrorKind.DATA_UNAVAILABLE: {"2.0": 412, "2.1": 412, "2.2": 412},
    ErrorKind.VERSION_NOT_SUPPORTED: {"2.0": 400, "2.1": 400, "2.2": 400},
    ErrorKind.UNKNOWN_SERVICE: {"2.0": 404, "2.1": 404, "2.2": 404},
    ErrorKind.UNAUTHENTICATED: {"2.0": 401, "2.1": 401, "2.2": 401},
    ErrorKind.FORBIDDEN: {"2.0": 403, "2.1": 403, "2.2": 403},
    ErrorKind.TOO_MANY: {"2.0": 429, "2.1": 429, "2.2": 429},
    ErrorKind.OPERATION: {"2.0": 400, "2.1": 400, "2.2": 400},
    ErrorKind.NOT_FOUND: {"2.0": 404, "2.1": 404, "2.2": 404},
    ErrorKind.TOO_COSTLY: {"2.0": 422, "2.1": 422, "2.2": 422},
    ErrorKind.UNAVAILABLE: {"2.0": 503, "2.1": 503, "2.2": 503},
}

# FHIR R4 issue types (http://hl7.org/fhir/issue-type).
_ISSUE_TYPE: Final[dict[ErrorKind, str]] = {
    ErrorKind.NOT_JSON: "structure",
    ErrorKind.TOO_LARGE: "too-long",
    ErrorKind.TOO_DEEP: "structure",
    ErrorKind.INVALID: "invalid",
    ErrorKind.PROFILE: "invariant",
    ErrorKind.COVERAGE: "business-rule",
    ErrorKind.DATA_UNAVAILABLE: "required",
    ErrorKind.VERSION_NOT_SUPPORTED: "not-supported",
    ErrorKind.UNKNOWN_SERVICE: "not-found",
    ErrorKind.UNAUTHENTICATED: "login",
    ErrorKind.FORBIDDEN: "forbidden",
    ErrorKind.TOO_MANY: "throttled",
    ErrorKind.OPERATION: "invalid",
    ErrorKind.NOT_FOUND: "not-found",
    ErrorKind.TOO_COSTLY: "too-costly",
    ErrorKind.UNAVAILABLE: "transient",
}

_HTTP_CODES: Final[dict[int, tuple[str, str]]] = {
    400: ("CDS-1499", "invalid"),
    404: ("CDS-1404", "not-found"),
    405: ("CDS-1405", "not-supported"),
    406: ("CDS-1406", "not-supported"),
    413: ("CDS-1413", "too-long"),
    415: ("CDS-1415", "not-supported"),
}

_NO_TOKEN: Final = ("CDS-1100", "CDS-1150")
_KEPT_HEADERS: Final = ("Allow", "WWW-Authenticate", "Retry-After", "Location")


def status_by_version(kind: ErrorKind) -> dict[str, int]:
    """The HTTP status of a kind of error in each CRD version."""
    return _STATUS[kind]


def operation_outcome(
    code: str, issue_type: str, message: str, expressions: tuple[str, ...] = ()
) -> dict[str, Any]:
    """One error as an OperationOutcome (FHIR R4); `expressions` are FHIRPath of the elements meant."""
    issue: dict[str, Any] = {
        "severity": "error",
        "code": issue_type,
        "details": {
            "coding": [{"system": CODE_SYSTEM, "code": code, "display": ERROR_CODES[code]}],
            "text": message,
        },
    }
    if expressions:
        issue["expression"] = list(expressions)
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _response(outcome: dict[str, Any], status: int) -> Response:
    return Response(write_json(outcome), status, content_type=FHIR_JSON)


def request_error(error: RequestError) -> Response:
    """The answer to a request that cannot be answered; status per version, code per kind."""
    version = error.version or services().settings.default_crd_version
    status = _STATUS[error.kind][version]
    logger.info(
        "request refused", extra={"code": error.code, "status": status, "elements": error.expressions}
    )
    outcome = operation_outcome(error.code, _ISSUE_TYPE[error.kind], error.message, error.expressions)
    response = _response(outcome, status)
    if error.kind is ErrorKind.UNAUTHENTICATED:
        response.headers["WWW-Authenticate"] = _challenge(error)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _challenge(error: RequestError) -> str:
    """What the caller should have brought (RFC 6750 section 3): no error when it brought no token at all."""
    challenge = 'Bearer realm="cds-services"'
    if error.code not in _NO_TOKEN:
        challenge += f', error="invalid_token", error_description="{error.message}"'
    return challenge


def http_error(error: HTTPException) -> Response:
    """Errors of HTTP itself (404, 405 with Allow, 413, 415, ...); redirects pass unchanged."""
    original = error.get_response()
    status = original.status_code
    if status < 400:
        return Response(original.get_data(), status, headers=dict(original.headers))
    if status >= 500:
        return internal_error(getattr(error, "original_exception", None) or error)
    code, issue_type = _HTTP_CODES.get(status, ("CDS-1499", "processing"))
    response = _response(operation_outcome(code, issue_type, ERROR_CODES[code]), status)
    for name in _KEPT_HEADERS:
        if name in original.headers:
            response.headers[name] = original.headers[name]
    return response


def internal_error(error: BaseException) -> Response:
    """An error of ours: 500. The log gets type and place, not the message, which may quote a patient."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    logger.error("internal error", extra={"code": "CDS-1500", "error": type(error).__name__, "at": places})
    return _response(operation_outcome("CDS-1500", "exception", ERROR_CODES["CDS-1500"]), 500)
