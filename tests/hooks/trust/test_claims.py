"""What a token must say about itself."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.hooks.errors import RequestError
from cds_service.hooks.trust.claims import ClaimLimits, check_claims
from tests.hooks.trust.signing import SERVICE, claims

NOW = 1_800_000_000.0
ACCEPTED = frozenset({SERVICE, "https://other.example.org/cds-services/order-sign-crd"})


def code(**changes: Any) -> str | None:
    """The code of the refusal of a token with these claims, None when it is accepted."""
    try:
        check_claims(claims(NOW, **changes), ACCEPTED, ClaimLimits(), NOW)
    except RequestError as error:
        return error.code
    return None


def test_what_is_claimed_is_kept() -> None:
    found = check_claims(claims(NOW, tenant="t1", jti="j"), ACCEPTED, ClaimLimits(), NOW)
    assert (found.tenant, found.token_id, found.expires_at) == ("t1", "j", NOW + 300)


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "jti"])
@pytest.mark.parametrize("value", [..., None, "", [], {}, True])
def test_required_claims_are_there_and_have_their_form(name: str, value: Any) -> None:
    assert code(**{name: value}) == "CDS-1106"


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ["1800000000", float("inf"), float("nan"), -float("inf"), False, [1]])
def test_times_are_numbers(name: str, value: Any) -> None:
    assert code(**{name: value}) == "CDS-1106"


@pytest.mark.parametrize("name", ["iss", "jti", "tenant"])
@pytest.mark.parametrize("value", [7, "x" * 256, ["a"]])
def test_names_are_short_texts(name: str, value: Any) -> None:
    assert code(**{name: value}) == "CDS-1106"


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        (SERVICE, None),
        ([SERVICE], None),
        (["https://elsewhere.example.org", SERVICE], None),
        (["https://elsewhere.example.org"], "CDS-1107"),
        ("https://payer.example.org", "CDS-1107"),
        ("https://payer.example.org/cds-services", "CDS-1107"),
        (SERVICE + "?x=1", "CDS-1107"),
        (SERVICE.upper(), "CDS-1107"),
        (SERVICE.replace("https", "http"), "CDS-1107"),
        ([SERVICE, 7], "CDS-1106"),
        ({SERVICE: 1}, "CDS-1106"),
    ],
)
@pytest.mark.requirement("cds-hooks-2.0@trust")
def test_the_audience_is_one_of_the_addresses_exactly(audience: Any, expected: str | None) -> None:
    assert code(aud=audience) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iat": NOW + 0.5, "exp": NOW + 300.5}, None),
        ({"iat": NOW + 60, "exp": NOW + 360}, None),
        ({"iat": NOW + 61, "exp": NOW + 361}, "CDS-1109"),
        ({"nbf": NOW + 60}, None),
        ({"nbf": NOW + 61}, "CDS-1109"),
        ({"iat": NOW - 359, "exp": NOW - 59}, None),
        ({"iat": NOW - 360, "exp": NOW - 60}, "CDS-1108"),
        ({"iat": NOW - 10_000, "exp": NOW - 9_700}, "CDS-1108"),
        ({"exp": NOW + 305}, None),
        ({"exp": NOW + 306}, "CDS-1110"),
        ({"exp": NOW + 86_400}, "CDS-1110"),
        ({"exp": 1e18}, "CDS-1110"),
        ({"iat": NOW + 10, "exp": NOW + 10}, "CDS-1110"),
        ({"iat": NOW + 10, "exp": NOW + 5}, "CDS-1110"),
    ],
)
def test_times_and_the_length_of_life(changes: dict[str, Any], expected: str | None) -> None:
    assert code(**changes) == expected
