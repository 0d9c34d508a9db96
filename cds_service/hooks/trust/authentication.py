"""Who makes this call? One decision over token, client, keys, claims, rate and replay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.trust.audiences import audiences
from cds_service.hooks.trust.claims import ClaimLimits, Claims, assertion_claims, check_claims
from cds_service.hooks.trust.clients import Caller, Client, Registry
from cds_service.hooks.trust.errors import KeysUnavailableError, refused
from cds_service.hooks.trust.key_ring import KeyRing
from cds_service.hooks.trust.rate import RateLimit
from cds_service.hooks.trust.tokens import UnverifiedToken, read_bearer, read_unverified, verified_payload

logger = logging.getLogger(__name__)

_RETRY_AFTER_S = 5

Prepare = Callable[[Mapping[str, Any], ClaimLimits, float], Mapping[str, Any]]


class FirstUse(Protocol):
    """Notes the use of a token: True for the first, False for a later one, None when nobody can tell."""

    def __call__(self, issuer: str, token_id: str, expires_at: datetime) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must keep to, beside the registered clients."""

    bases: tuple[str, ...]  # public base addresses of this service, without a slash at the end
    algorithms: tuple[str, ...] = ("RS384", "ES384")
    limits: ClaimLimits = field(default_factory=ClaimLimits)


class Authentication:
    """Decides about calls. Threads share it; nothing of a call is kept but that its token was used."""

    def __init__(
        self,
        clients: Callable[[], Registry],
        keys: KeyRing,
        rules: TokenRules,
        first_use: FirstUse,
        rate: RateLimit,
    ) -> None:
        self._clients = clients
        self._keys = keys
        self._rules = rules
        self._first_use = first_use
        self._rate = rate

    def caller(self, authorization: str | None, path: str, now: float) -> Caller:
        """Who calls this path, from the Authorization header; `now` in seconds since 1970.

        Raises RequestError: UNAUTHENTICATED without a token that holds, FORBIDDEN for a client that
        may not call, TOO_MANY, UNAVAILABLE when nobody can tell whether the token was used before.
        """
        return self._proven(lambda: read_bearer(authorization), audiences(self._rules.bases, path), now)

    def caller_by_assertion(self, assertion: str, path: str, now: float) -> Caller:
        """Who signed this client assertion for the token endpoint at `path` (RFC 7523, SMART App Launch 2).

        As `caller`, and `sub` must be `iss`. `iat` may be left out: the specification does not ask for it.
        """
        accepted = frozenset(base + path for base in self._rules.bases)
        return self._proven(lambda: assertion, accepted, now, assertion_claims)

    def registered(self, issuer: str, tenant: str | None) -> Caller | None:
        """The client of this name if it is still registered and enabled; nothing is proven by that."""
        client, is_of_tenant = self._clients().find(issuer, tenant)
        if client is None or not is_of_tenant or not client.enabled:
            return None
        return Caller(client.issuer, tenant, client.fhir_bases)

    def admit(self, caller: Caller) -> None:
        """Count one call of a client that was proven before; raises RequestError (TOO_MANY)."""
        client, _ = self._clients().find(caller.issuer, caller.tenant)
        if client is not None:
            self._count(client)

    def _proven(
        self,
        read: Callable[[], str],
        accepted: Collection[str],
        now: float,
        prepare: Prepare | None = None,
    ) -> Caller:
        client: Client | None = None
        try:
            token = read_unverified(read(), self._rules.algorithms)
            client, is_of_tenant = self._clients().find(token.issuer, token.tenant)
            if client is None:
                raise refused("CDS-1103")
            claims = verified_claims(token, client, self._keys, self._rules, accepted, now, prepare)
            self._admit(client, is_of_tenant, claims)
        except RequestError as error:
            issuer = client.issuer if client else "(not registered)"
            logger.info("call refused", extra={"code": error.code, "client": issuer})
            raise
        return Caller(client.issuer, claims.tenant, client.fhir_bases)

    def _admit(self, client: Client, is_of_tenant: bool, claims: Claims) -> None:
        """Whether a client that is who it says may call now; raises RequestError."""
        if not client.enabled:
            raise refused("CDS-1120", kind=ErrorKind.FORBIDDEN)
        if not is_of_tenant:
            raise refused("CDS-1121", kind=ErrorKind.FORBIDDEN)
        self._count(client)
        until = datetime.fromtimestamp(claims.expires_at + self._rules.limits.leeway, UTC)
        is_first = self._first_use(claims.issuer, claims.token_id, until)
        if is_first is None:
            raise _later("CDS-1140", ErrorKind.UNAVAILABLE, _RETRY_AFTER_S)
        if not is_first:
            raise refused("CDS-1111")

    def _count(self, client: Client) -> None:
        wait = self._rate.take((client.issuer, client.tenants))
        if wait is not None:
            raise _later("CDS-1130", ErrorKind.TOO_MANY, wait)


def verified_claims(
    token: UnverifiedToken,
    client: Client,
    keys: KeyRing,
    rules: TokenRules,
    accepted: Collection[str],
    now: float,
    prepare: Prepare | None = None,
) -> Claims:
    """The claims of a token that this client signed for an accepted address; raises RequestError."""
    if client.jwks_url and token.key_address not in (None, client.jwks_url):
        raise refused("CDS-1112")
    try:
        key = keys.of(client).find(token.key_id, token.algorithm)
    except KeysUnavailableError:
        raise refused("CDS-1113") from None
    if key is None:
        raise refused("CDS-1104")
    payload = verified_payload(token, key)
    if prepare is not None:
        payload = prepare(payload, rules.limits, now)
    return check_claims(payload, accepted, rules.limits, now)


def _later(code: str, kind: ErrorKind, seconds: int) -> RequestError:
    error = refused(code, kind=kind)
    error.retry_after = seconds
    return error


def public_bases(main: str, others: Sequence[str]) -> tuple[str, ...]:
    """The base addresses under which clients call, each once and without a slash at the end."""
    return tuple(dict.fromkeys(base.rstrip("/") for base in (main, *others) if base))
