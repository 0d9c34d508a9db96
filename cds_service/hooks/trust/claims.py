"""What a token must say about itself, checked strictly and without any library's leniency."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cds_service.hooks.trust.errors import refused

ROUNDING_S: Final = 5
"""Tolerance of the lifetime cap: clients take the time twice, and round."""

_MOST_CHARACTERS: Final = 255


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """How far clocks may differ, and how long a token may live; both in seconds."""

    leeway: int = 60
    max_lifetime: int = 300


@dataclass(frozen=True, slots=True)
class Claims:
    """What counts of an accepted token. Times are seconds since 1970."""

    issuer: str
    tenant: str | None
    token_id: str
    issued_at: float
    expires_at: float


def check_claims(
    payload: Mapping[str, Any], audiences: Collection[str], limits: ClaimLimits, now: float
) -> Claims:
    """The claims of a token whose signature holds; raises RequestError.

    Required are iss, aud, exp, iat and jti; `aud`, one text or a list, must hold one of `audiences`
    exactly; nbf is obeyed when given. Source: CDS Hooks 2.0, Trusting CDS Clients; RFC 7519 section 4.1.
    """
    issuer, token_id = _text(payload, "iss"), _text(payload, "jti")
    issued_at, expires_at = _moment(payload, "iat"), _moment(payload, "exp")
    tenant = _text(payload, "tenant") if payload.get("tenant") is not None else None
    if not _is_meant_for(payload.get("aud"), audiences):
        raise refused("CDS-1107")
    if now >= expires_at + limits.leeway:
        raise refused("CDS-1108")
    if issued_at > now + limits.leeway:
        raise refused("CDS-1109")
    if payload.get("nbf") is not None and _moment(payload, "nbf") > now + limits.leeway:
        raise refused("CDS-1109")
    if not 0 < expires_at - issued_at <= limits.max_lifetime + ROUNDING_S:
        raise refused(
            "CDS-1110",
            f"The token must live longer than 0 and at most {limits.max_lifetime} seconds (exp - iat).",
        )
    return Claims(issuer, tenant, token_id, issued_at, expires_at)


def assertion_claims(payload: Mapping[str, Any], limits: ClaimLimits, now: float) -> Mapping[str, Any]:
    """The claims of a client assertion as `check_claims` wants them; raises RequestError.

    SMART App Launch 2.2, asymmetric authentication: `sub` is `iss`; there `iat` is not asked for, so that
    its lifetime counts from the latest moment that could be meant.
    """
    if payload.get("sub") != payload.get("iss"):
        raise refused("CDS-1106", "The claims iss and sub must both be the client_id.")
    if payload.get("iat") is not None or payload.get("exp") is None:
        return payload
    return {**payload, "iat": min(now + limits.leeway, _moment(payload, "exp") - 1)}


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_CHARACTERS:
        raise refused("CDS-1106", f"The claim {name} must be text of 1 to {_MOST_CHARACTERS} characters.")
    return value


def _moment(payload: Mapping[str, Any], name: str) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused("CDS-1106", f"The claim {name} must be a number of seconds since 1970.")
    return float(value)


def _is_meant_for(audience: Any, audiences: Collection[str]) -> bool:
    if audience is None or audience in ("", []):
        raise refused("CDS-1106", "The claim aud is missing.")
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(each, str) for each in named):
        raise refused("CDS-1106", "The claim aud must be an address, or a list of addresses.")
    return any(each in audiences for each in named)
