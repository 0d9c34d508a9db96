"""Why a call is refused, and why a file of clients cannot be used."""

from __future__ import annotations

from cds_service.hooks.errors import ERROR_CODES, ErrorKind, RequestError


class ClientsFileError(Exception):
    """The file of registered clients cannot be used; the message names file, client and reason."""


class KeysUnavailableError(Exception):
    """A key set cannot be had or read; the message may be logged (it holds no key and no token)."""


def refused(
    code: str, message: str | None = None, kind: ErrorKind = ErrorKind.UNAUTHENTICATED
) -> RequestError:
    """The refusal of a call; without a message, the text of its code. Never anything of the token."""
    return RequestError(code, message or ERROR_CODES[code], kind=kind)
