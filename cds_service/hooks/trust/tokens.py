"""One bearer token: read without trusting it, then its signature checked with a registered key."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from jwt import PyJWS
from jwt.exceptions import InvalidSignatureError, PyJWTError

from cds_service.hooks.trust.errors import refused
from cds_service.hooks.trust.keys import VerificationKey

MOST_CHARACTERS: Final = 8_192
"""Longest token that is looked at; real ones have some 600 characters."""

_BEARER: Final = re.compile(r"Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+) *", re.IGNORECASE)
_BEARER_AT_ALL: Final = re.compile(r"Bearer +\S", re.IGNORECASE)
_JWS: Final = PyJWS()


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token claims about itself. Good for choosing the key to check it with, and nothing else."""

    encoded: str
    algorithm: str
    key_id: str
    key_address: str | None  # `jku`
    issuer: Any
    tenant: Any


def read_bearer(authorization: str | None) -> str:
    """The token in an Authorization header (RFC 6750 section 2.1); raises RequestError."""
    if not authorization or not _BEARER_AT_ALL.match(authorization):
        raise refused("CDS-1100")
    if len(authorization) > MOST_CHARACTERS:
        raise refused("CDS-1101", f"The token is longer than {MOST_CHARACTERS} characters.")
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise refused("CDS-1101")
    return match.group(1)


def read_unverified(encoded: str, algorithms: Collection[str]) -> UnverifiedToken:
    """Header and issuer of a token; raises RequestError for what cannot be verified at all.

    The algorithm must be one of `algorithms`, a list of ours: the token has no say in it (RFC 8725,
    section 3.1). `crit` is refused as a whole, because no extension is understood.
    """
    try:
        parts = _JWS.decode_complete(encoded, options={"verify_signature": False})
        payload = orjson.loads(parts["payload"])
    except (PyJWTError, ValueError, RecursionError):
        raise refused("CDS-1101") from None
    header = parts["header"]
    if not isinstance(payload, dict) or "crit" in header or str(header.get("typ", "JWT")).upper() != "JWT":
        raise refused("CDS-1101")
    if header.get("alg") not in algorithms:
        raise refused("CDS-1102", f"The token must be signed with {' or '.join(algorithms)}.")
    if not isinstance(key_id := header.get("kid"), str) or not key_id:
        raise refused("CDS-1104", "The header of the token names no key (kid).")
    if (address := header.get("jku")) is not None and not isinstance(address, str):
        raise refused("CDS-1101")
    return UnverifiedToken(encoded, header["alg"], key_id, address, payload.get("iss"), payload.get("tenant"))


def verified_payload(token: UnverifiedToken, key: VerificationKey) -> Mapping[str, Any]:
    """The payload of a token that this key signed with the algorithm of its type; raises RequestError."""
    if token.algorithm not in key.algorithms:
        raise refused("CDS-1102", f"The key of this token is not one for {token.algorithm}.")
    try:
        payload: dict[str, Any] = orjson.loads(
            _JWS.decode(token.encoded, key.key, algorithms=[token.algorithm])
        )
    except InvalidSignatureError:
        raise refused("CDS-1105") from None
    except (PyJWTError, ValueError, TypeError, RecursionError):
        raise refused("CDS-1101") from None
    return payload
