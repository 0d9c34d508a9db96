"""Whole requests and answers, kept only where that is switched on, and then only encrypted."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

from cds_service.store.errors import StoreConfigurationError, StoreError

_LENGTH_BYTES = 8


class SealedError(StoreError):
    """What was kept cannot be opened: its key is gone, or it was changed."""


class Payload(NamedTuple):
    """The bytes of one call as they were."""

    request: bytes
    response: bytes


class PayloadVault:
    """Encrypts with the first of its Fernet keys, reads what any of them encrypted.

    Fernet is AES-128 in CBC mode with HMAC-SHA256. Raises StoreConfigurationError for a key that is none.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        from cryptography.fernet import Fernet, MultiFernet  # needed only where payloads are kept

        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise StoreConfigurationError(
                "a payload key must be 32 bytes in URL-safe base64, as `cds-service retention key` makes it"
            ) from error

    def seal(self, request: bytes, response: bytes) -> bytes:
        """Both, compressed and encrypted."""
        length = len(request).to_bytes(_LENGTH_BYTES, "big")
        return self._fernet.encrypt(zlib.compress(length + request + response, 1))

    def seal_one(self, content: bytes) -> bytes:
        """One document, compressed and encrypted."""
        return self._fernet.encrypt(zlib.compress(content, 1))

    def open_one(self, sealed: bytes) -> bytes:
        """The document as it was; raises StoreError when no key fits or the bytes were changed."""
        return self._opened(sealed)

    def open(self, sealed: bytes) -> Payload:
        """Both as they were; raises StoreError when no key fits or the bytes were changed."""
        content = self._opened(sealed)
        end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
        return Payload(content[_LENGTH_BYTES:end], content[end:])

    def _opened(self, sealed: bytes) -> bytes:
        from cryptography.fernet import InvalidToken

        try:
            return zlib.decompress(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise SealedError("none of the payload keys opens this payload") from error


def new_key() -> str:
    """A fresh Fernet key."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode("ascii")
