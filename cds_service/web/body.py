"""The bytes of a request body, whole or refused."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import HTTPException

from cds_service.hooks.errors import ErrorKind, RequestError


def read_body() -> bytes:
    """The body of the current request.

    Raises RequestError (NOT_JSON) when its framing breaks off (RFC 9112, section 7.1), and
    RequestEntityTooLarge when a body of undeclared length is longer than this service accepts.
    """
    try:
        body = request.get_data(cache=False)
        if request.content_length is None:
            request.stream.read(1)  # the body was cut at the limit; asking for more raises
    except HTTPException:
        raise
    except Exception:  # each server has its own for a body that breaks off
        text = "The body breaks off: its chunks are not as RFC 9112 wants them."
        raise RequestError("CDS-1002", text, kind=ErrorKind.NOT_JSON) from None
    return body
