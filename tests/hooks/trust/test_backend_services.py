"""Access tokens: for whom they are given, what they allow, and when they end (SMART Backend Services)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jwt
import pytest

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.trust.authentication import Authentication, TokenRules
from cds_service.hooks.trust.backend_services import AccessToken, BackendServices, TokenRefusedError
from cds_service.hooks.trust.clients import Client, Registry
from cds_service.hooks.trust.key_ring import KeyRing
from cds_service.hooks.trust.rate import RateLimit
from cds_service.hooks.trust.replay import UsedHere
from cds_service.hooks.trust.scopes import allows, granted
from tests.hooks.trust.signing import BASE, ISSUER, claims, confused, key_set, token

NOW = 1_760_000_000.0
TOKEN_URL = f"{BASE}/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALL = "system/Questionnaire.rs system/Library.rs system/ValueSet.rs"


class House:
    """Backend services over one registered client, and a clock that tests turn."""

    def __init__(self, *, per_minute: int = 0, **client: Any) -> None:
        self.now = NOW
        self.secrets: Sequence[str] = ("secret-1",)
        self.registry = Registry((Client(ISSUER, jwks=key_set("es384-1", "rsa-1"), **client),))
        authentication = Authentication(
            lambda: self.registry,
            KeyRing(lambda url: b""),
            TokenRules((BASE,)),
            UsedHere(lambda: self.now),
            RateLimit(per_minute, lambda: self.now),
        )
        self.services = BackendServices(authentication, lambda: self.secrets, BASE, lambda: self.now)

    def token(self, assertion: str | None = None, scope: str = ALL, **changes: Any) -> AccessToken:
        asked = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            "scope": scope,
            **changes,
        }
        return self.services.token({name: value for name, value in asked.items() if value is not ...})

    def assertion(self, key: str = "es384-1", algorithm: str = "ES384", **changes: Any) -> str:
        said = {"sub": ISSUER, "aud": TOKEN_URL, **changes}
        return token(claims(self.now, **said), key, algorithm)

    def caller(self, value: str, kind: str = "Questionnaire", right: str = "r") -> Any:
        return self.services.caller(f"Bearer {value}", kind, right)


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize(("key", "algorithm"), [("es384-1", "ES384"), ("rsa-1", "RS384")])
def test_a_registered_client_gets_a_token_for_five_minutes(house: House, key: str, algorithm: str) -> None:
    given = house.token(house.assertion(key, algorithm))
    assert (given.expires_in, given.scopes) == (300, tuple(ALL.split()))
    assert house.caller(given.value).issuer == ISSUER
    house.now += 299
    assert house.caller(given.value).issuer == ISSUER
    house.now += 1
    with pytest.raises(RequestError) as caught:
        house.caller(given.value)
    assert caught.value.code == "CDS-1151"


def test_the_token_of_a_tenant_speaks_for_that_tenant() -> None:
    house = House(tenants=("north",))
    given = house.token(house.assertion(tenant="north"))
    assert house.caller(given.value).label == f"{ISSUER} north"
    with pytest.raises(TokenRefusedError):
        house.token(house.assertion(tenant="south"))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "https://other.example.org"},
        {"sub": ...},
        {"aud": f"{BASE}/cds-services/order-sign-crd"},
        {"aud": "https://other.example.org/oauth/token"},
        {"iss": "https://other.example.org", "sub": "https://other.example.org"},
        {"exp": NOW - 100, "iat": NOW - 300},
        {"exp": NOW + 3_000},
        {"exp": ...},
        {"jti": ...},
        {"iat": ..., "exp": NOW + 900},
    ],
)
def test_an_assertion_that_does_not_hold_gives_no_token(house: House, changes: dict[str, Any]) -> None:
    with pytest.raises(TokenRefusedError) as caught:
        house.token(house.assertion(**changes))
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)


def test_iat_may_be_left_out_of_an_assertion(house: House) -> None:
    assert house.token(house.assertion(iat=...)).value
    assert house.token(house.assertion(iat=..., exp=NOW + 20)).value


def test_an_assertion_counts_once(house: House) -> None:
    assertion = house.assertion()
    house.token(assertion)
    with pytest.raises(TokenRefusedError) as caught:
        house.token(assertion)
    assert caught.value.error == "invalid_client"


def test_a_public_key_used_as_a_secret_gives_no_token(house: House) -> None:
    forged = confused(claims(NOW, sub=ISSUER, aud=TOKEN_URL), "rsa-1")
    with pytest.raises(TokenRefusedError):
        house.token(forged)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ...}, "invalid_request"),
        ({"client_assertion_type": "urn:other"}, "invalid_request"),
        ({"client_assertion": ""}, "invalid_request"),
        ({"client_assertion": "x" * 9_000}, "invalid_client"),
        ({"client_id": "https://other.example.org"}, "invalid_client"),
        ({"scope": "system/Patient.rs"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "system/Library.rs " * 200}, "invalid_scope"),
    ],
)
def test_a_request_that_is_none_is_refused_as_oauth_says(
    house: House, changes: dict[str, Any], error: str
) -> None:
    with pytest.raises(TokenRefusedError) as caught:
        house.token(**changes)
    assert caught.value.error == error


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("system/questionnaire.rs", ("system/Questionnaire.rs",)),
        ("system/*.read", tuple(ALL.split())),
        ("system/*.cruds", tuple(ALL.split())),
        ("system/*.*", tuple(ALL.split())),
        ("system/Library.r system/Patient.rs openid", ("system/Library.r",)),
        ("system/ValueSet.r system/ValueSet.s", ("system/ValueSet.rs",)),
        ("system/Questionnaire.c system/Questionnaire.write user/Questionnaire.rs", ()),
        ("system/Questionnaire.", ()),
    ],
)
def test_of_the_scopes_only_those_of_this_service_are_given(asked: str, given: tuple[str, ...]) -> None:
    assert granted(asked) == given


def test_a_scope_allows_what_it_names_and_no_more(house: House) -> None:
    assert allows(("system/Library.r",), "Library", "r")
    given = house.token(scope="system/Questionnaire.r")
    for kind, right in (("Library", "r"), ("Questionnaire", "s")):
        with pytest.raises(RequestError) as caught:
            house.caller(given.value, kind, right)
        assert (caught.value.code, caught.value.kind) == ("CDS-1152", ErrorKind.FORBIDDEN)


def test_a_client_that_is_no_longer_enabled_has_no_token_any_more(house: House) -> None:
    given = house.token()
    house.registry = Registry((Client(ISSUER, jwks=key_set("es384-1"), enabled=False),))
    with pytest.raises(RequestError) as caught:
        house.caller(given.value)
    assert caught.value.code == "CDS-1151"


def forged(house: House, secret: str, **changes: Any) -> str:
    payload = {"iss": BASE, "aud": BASE, "sub": ISSUER, "scope": ALL, "exp": NOW + 300, **changes}
    return jwt.encode(payload, secret.ljust(32, "x"), algorithm="HS256", headers={"typ": "at+jwt"})


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "x" * 9_000])
def test_what_is_no_token_is_refused(house: House, value: str) -> None:
    with pytest.raises(RequestError) as caught:
        house.caller(value)
    assert caught.value.kind is ErrorKind.UNAUTHENTICATED


def test_a_token_that_somebody_else_made_is_refused(house: House) -> None:
    bearer = house.token().value
    head, payload, signature = bearer.split(".")
    swapped = f"{head}.{payload[:-2]}AA.{signature}"
    unsigned = jwt.encode({"sub": ISSUER}, "", algorithm="none", headers={"typ": "at+jwt"})
    assertion = house.assertion(scope=ALL)  # a client's own assertion is no access token
    for each in (swapped, unsigned, forged(house, "secret-1"), assertion):
        with pytest.raises(RequestError) as caught:
            house.caller(each)
        assert caught.value.code == "CDS-1151"


def test_an_earlier_secret_still_reads_and_another_one_does_not(house: House) -> None:
    given = house.token()
    house.secrets = ("secret-2", "secret-1")
    assert house.caller(given.value).issuer == ISSUER
    house.secrets = ("secret-2",)
    with pytest.raises(RequestError):
        house.caller(given.value)


def test_without_a_secret_nobody_can_tell(house: House) -> None:
    given = house.token()
    house.secrets = ()
    with pytest.raises(TokenRefusedError) as refused:
        house.token()
    assert (refused.value.status, refused.value.error) == (503, "temporarily_unavailable")
    with pytest.raises(RequestError) as caught:
        house.caller(given.value)
    assert caught.value.kind is ErrorKind.UNAVAILABLE


def test_calls_with_access_tokens_count_against_the_rate() -> None:
    house = House(per_minute=2)
    given = house.token()
    house.caller(given.value)
    with pytest.raises(RequestError) as caught:
        house.caller(given.value)
    assert (caught.value.kind, caught.value.retry_after) == (ErrorKind.TOO_MANY, 30)
    with pytest.raises(TokenRefusedError) as refused:
        house.token()
    assert (refused.value.status, refused.value.retry_after) == (429, 30)


def test_no_token_is_shown_where_one_is_printed(house: House) -> None:
    given = house.token()
    assert given.value not in repr(given)
