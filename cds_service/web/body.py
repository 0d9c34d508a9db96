"""The bytes of a request body, whole or refused."""

from __future__ import annotations

from flask import Request, request
from werkzeug.exceptions import HTTPException

from cds_service.hooks.errors import ErrorKind, RequestError


def read_body() -> bytes:
    """The body of the current request.

    Raises RequestError (NOT_JSON) when its framing breaks off (RFC 9112, section 7.1), and
    RequestEntityTooLarge when a body of undeclared length is longer than this service accepts.
    """
    this: Request = request._get_current_object()  # type: ignore[attr-defined]  # each look costs 1 us
    length, most = this.content_length, this.max_content_length
    try:
        if length is not None and most is not None and length <= most:
            body: bytes = this.environ["wsgi.input"].read(length)  # the usual body, read without detours
            if len(body) == length:
                return body
        body = this.get_data(cache=False)
        if length is None:
            this.stream.read(1)  # the body was cut at the limit; asking for more raises
    except HTTPException:
        raise
    except Exception:  # each server has its own for a body that breaks off
        text = "The body breaks off: its chunks are not as RFC 9112 wants them."
        raise RequestError("CDS-1002", text, kind=ErrorKind.NOT_JSON) from None
    return body
