"""Signed, expiring links: who follows one may see what the client was told that it was given to."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

from itsdangerous import BadSignature, URLSafeTimedSerializer

_PURPOSE: Final = b"cds form link"  # of the key: at most 16 bytes (BLAKE2b, RFC 7693, personalisation)
_LONGEST: Final = 2_048


class Link(NamedTuple):
    """What a link stands for: a coverage assertion, and the client that was told of it (None: open mode)."""

    assertion_id: str
    client: str | None


class LinkSigner:
    """Makes and reads the tokens of links.

    Each secret gives a key of its own, so that a link tells nothing of what else a secret encrypts; the
    first one signs, all can read. `lifetime` is in seconds, from when the token was made.
    """

    def __init__(self, secrets: Sequence[str], lifetime: float) -> None:
        if not secrets:
            raise ValueError("a link needs a secret")
        keys = [blake2b(each.encode(), person=_PURPOSE).hexdigest() for each in reversed(secrets)]
        self._serializer = URLSafeTimedSerializer(keys, salt="form", signer_kwargs={"digest_method": sha256})
        self._lifetime = lifetime

    def token(self, link: Link) -> str:
        """The token of a link, safe in an address: the assertion's id and the client's name, signed."""
        return self._serializer.dumps([link.assertion_id, link.client])

    def read(self, token: str) -> Link | None:
        """What a token stands for; None when it is forged, changed, expired or no token at all."""
        if len(token) > _LONGEST:
            return None
        try:
            found = self._serializer.loads(token, max_age=round(self._lifetime))
        except BadSignature:
            return None
        match found:
            case [str(assertion_id), str() | None as client]:
                return Link(assertion_id, client)
        return None
