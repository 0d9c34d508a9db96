"""gunicorn's worker with threads, whose own refusals are OperationOutcomes and tell nobody what was sent.

What is no HTTP never reaches the application. gunicorn answers it with a page that repeats the header at
fault, and logs it: a token, for instance.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors as http  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from cds_service.hooks.errors import ERROR_CODES
from cds_service.hooks.reading import write_json
from cds_service.web.errors import FHIR_JSON, operation_outcome

logger = logging.getLogger("cds_service.serve")

_STATUS: Final[tuple[tuple[type[Exception], HTTPStatus], ...]] = (
    (http.LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (http.LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (http.ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
    (http.UnsupportedTransferCoding, HTTPStatus.BAD_REQUEST),
    (http.ParseException, HTTPStatus.BAD_REQUEST),
)
_OURS: Final = (http.ConfigurationProblem, http.InvalidResponseHeader, http.InvalidResponseHeaderName)
_CODE: Final = "CDS-1499"


class HookWorker(ThreadWorker):  # type: ignore[misc]
    """Answers what gunicorn cannot read as every other error is answered."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Refuse one request; what is no fault of the client goes gunicorn's own way."""
        status = refusal(exc)
        if status is None:
            super().handle_error(req, client, addr, exc)
            return
        logger.warning("no HTTP request", extra={"status": status.value, "error": type(exc).__name__})
        with suppress(OSError):
            util.write_nonblock(client, answer(status))


def refusal(error: Exception) -> HTTPStatus | None:
    """The status for what a client sent; None for errors that are not the client's."""
    if isinstance(error, _OURS):
        return None
    return next((status for kind, status in _STATUS if isinstance(error, kind)), None)


def answer(status: HTTPStatus) -> bytes:
    """A whole HTTP response with an OperationOutcome."""
    text = f"{ERROR_CODES[_CODE]} ({status.phrase})"
    body = write_json(operation_outcome(_CODE, "structure", text))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {FHIR_JSON}\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
