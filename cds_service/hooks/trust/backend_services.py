"""SMART Backend Services: registered clients get short-lived access tokens for the FHIR endpoints.

The same registry, keys, replay table and rate as for the hooks (`authentication`). An access token is a JWT
of this service (RFC 9068): every worker can check it and none has to keep it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import jwt
from jwt.exceptions import PyJWTError

from cds_service.hooks.errors import ERROR_CODES, ErrorKind, RequestError
from cds_service.hooks.trust.authentication import Authentication
from cds_service.hooks.trust.clients import Caller
from cds_service.hooks.trust.errors import refused
from cds_service.hooks.trust.scopes import MOST_CHARACTERS, allows, granted
from cds_service.hooks.trust.tokens import MOST_CHARACTERS as LONGEST_ASSERTION
from cds_service.hooks.trust.tokens import read_bearer

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 (an address)
LIFETIME_S: Final = 300
"""Life of an access token; SMART App Launch 2.2 asks for no more than five minutes."""

_ALGORITHM: Final = "HS256"
_TYPE: Final = "at+jwt"
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_INVALID_CLIENT: Final = "invalid_client"
_NO_KEY: Final = "CDS-1153"
_PURPOSE: Final = b"cds access token"  # of the key: at most 16 bytes (BLAKE2b, RFC 7693)
_RETRY_AFTER_S: Final = 5
_LATER: Final = (ErrorKind.TOO_MANY, ErrorKind.UNAVAILABLE)


class TokenRefusedError(Exception):
    """No access token: an error of RFC 6749, section 5.2, and its words. `retry_after` in seconds."""

    def __init__(self, error: str, description: str, status: int, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What the token endpoint gives: `value` is secret; `scopes` are what was granted of the asked ones."""

    value: str = field(repr=False)
    scopes: tuple[str, ...]
    expires_in: int = LIFETIME_S


class BackendServices:
    """Gives access tokens and reads them. Threads share it.

    `secrets_of` gives secrets that all workers share, of which the first signs and all can read, or none when
    nobody can tell; it is called for each use. `issuer` is the public base address of the service.
    """

    def __init__(
        self,
        authentication: Authentication,
        secrets_of: Callable[[], Sequence[str]],
        issuer: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._authentication = authentication
        self._secrets_of = secrets_of
        self._issuer = issuer.rstrip("/")
        self._clock = clock

    def token(self, parameters: Mapping[str, str]) -> AccessToken:
        """An access token for the client that signed the assertion; raises TokenRefusedError.

        `parameters` are those of the form (RFC 6749 4.4.2, RFC 7523 2.2).
        """
        if (grant := parameters.get("grant_type")) is None:
            raise TokenRefusedError("invalid_request", "grant_type is missing", 400)
        if grant != "client_credentials":
            raise TokenRefusedError("unsupported_grant_type", "grant_type must be client_credentials", 400)
        if parameters.get("client_assertion_type") != _ASSERTION_TYPE:
            raise TokenRefusedError(
                "invalid_request", f"client_assertion_type must be {_ASSERTION_TYPE}", 400
            )
        if not (assertion := parameters.get("client_assertion")):
            raise TokenRefusedError("invalid_request", "client_assertion is missing", 400)
        if not (keys := self._keys()):
            raise TokenRefusedError("temporarily_unavailable", ERROR_CODES[_NO_KEY], 503, _RETRY_AFTER_S)
        caller = self._client(assertion, parameters.get("client_id"))
        asked = parameters.get("scope", "")
        scopes = granted(asked) if len(asked) <= MOST_CHARACTERS else ()
        if not scopes:
            raise TokenRefusedError("invalid_scope", "none of the scopes asked for is offered here", 400)
        return AccessToken(self._signed(caller, scopes, keys[0]), scopes)

    def caller(self, authorization: str | None, resource_type: str, right: str) -> Caller:
        """Who calls with this access token; `right` is `r` (read) or `s` (search) of the type.

        Raises RequestError: UNAUTHENTICATED without a token that holds, FORBIDDEN for a scope that was not
        granted, TOO_MANY.
        """
        claims = self._verified(authorization)
        caller = self._authentication.registered(claims["sub"], claims.get("tenant"))
        if caller is None:
            raise refused("CDS-1151")
        if not allows(claims["scope"].split(), resource_type, right):
            text = f"The access token does not hold the scope system/{resource_type}.{right}."
            raise refused("CDS-1152", text, kind=ErrorKind.FORBIDDEN)
        self._authentication.admit(caller)
        return caller

    def _client(self, assertion: str, client_id: str | None) -> Caller:
        try:
            if len(assertion) > LONGEST_ASSERTION:
                raise refused("CDS-1101", f"The token is longer than {LONGEST_ASSERTION} characters.")
            caller = self._authentication.caller_by_assertion(assertion, TOKEN_PATH, self._clock())
        except RequestError as error:
            if error.kind in _LATER:
                status = 429 if error.kind is ErrorKind.TOO_MANY else 503
                raise TokenRefusedError(
                    "temporarily_unavailable", _worded(error), status, error.retry_after
                ) from None
            raise TokenRefusedError(_INVALID_CLIENT, _worded(error), 401) from None
        if client_id is not None and client_id != caller.issuer:
            raise TokenRefusedError(_INVALID_CLIENT, "client_id is not the client that signed", 401)
        return caller

    def _signed(self, caller: Caller, scopes: tuple[str, ...], key: bytes) -> str:
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": caller.issuer,
            "client_id": caller.issuer,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": secrets.token_urlsafe(12),
        }
        if caller.tenant is not None:
            claims["tenant"] = caller.tenant
        return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"typ": _TYPE})

    def _verified(self, authorization: str | None) -> dict[str, Any]:
        """The claims of an access token of ours that has not expired; its own clock made it, so no leeway."""
        try:
            encoded = read_bearer(authorization)
        except RequestError as error:
            raise refused("CDS-1150" if error.code == "CDS-1100" else "CDS-1151") from None
        if not (keys := self._keys()):
            later = refused(_NO_KEY, kind=ErrorKind.UNAVAILABLE)
            later.retry_after = _RETRY_AFTER_S
            raise later
        claims = next((found for key in keys if (found := self._read(encoded, key)) is not None), None)
        if claims is None:
            raise refused("CDS-1151")
        if not self._clock() < claims["exp"]:
            raise refused("CDS-1151")
        return claims

    def _read(self, encoded: str, key: bytes) -> dict[str, Any] | None:
        """The claims of a token that this key signed for this service; None for any other."""
        try:
            if jwt.get_unverified_header(encoded).get("typ") != _TYPE:
                return None
            found: dict[str, Any] = jwt.decode(
                encoded,
                key,
                algorithms=[_ALGORITHM],
                audience=self._issuer,
                issuer=self._issuer,
                options={
                    "require": ["exp", "sub", "scope", "aud", "iss"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (PyJWTError, ValueError, RecursionError):
            return None
        return found

    def _keys(self) -> list[bytes]:
        """A key of each secret for this purpose alone."""
        return [
            blake2b(each.encode(), person=_PURPOSE, digest_size=32).digest() for each in self._secrets_of()
        ]


def _worded(error: RequestError) -> str:
    """Words and stable code, in the characters that RFC 6749 allows for error_description."""
    text = f"{error.message} ({error.code})".replace('"', "'").replace("\\", "/")
    return "".join(sign if " " <= sign <= "~" else "?" for sign in text)
