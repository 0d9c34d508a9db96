"""Key sets: which keys count, for which algorithm, and what is no key set at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.hooks.trust.errors import KeysUnavailableError
from cds_service.hooks.trust.keys import MOST_BYTES, FixedKeys, read_key_file, read_key_set
from tests.hooks.trust.signing import key_set, private_key, public_jwk


@pytest.mark.parametrize(
    ("name", "algorithms"),
    [("rsa-1", ("RS384", "RS256")), ("es384-1", ("ES384",)), ("p256-1", ("ES256",))],
)
def test_the_type_of_a_key_settles_its_algorithms(name: str, algorithms: tuple[str, ...]) -> None:
    (key,) = read_key_set(key_set(name))
    assert (key.key_id, key.algorithms) == (name, algorithms)


def test_a_key_may_narrow_its_algorithm_but_not_change_it() -> None:
    (key,) = read_key_set({"keys": [public_jwk("rsa-1", alg="RS256")]})
    assert key.algorithms == ("RS256",)
    with pytest.raises(KeysUnavailableError):
        read_key_set({"keys": [public_jwk("rsa-1", alg="HS256")]})


@pytest.mark.parametrize(
    "unusable",
    [
        "text",
        {},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": ["RSA"], "kid": "x"},
        {"kty": "RSA", "kid": "x"},
        {"kty": "RSA", "kid": "x", "n": 1, "e": 2},
        {"kty": "EC", "crv": "P-384", "kid": "x", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "secp256k1", "kid": "x", "x": "AA", "y": "AA"},
        public_jwk("es384-1", use="enc"),
        public_jwk("es384-1", key_ops=["sign"]),
        public_jwk("es384-1", kid=""),
        public_jwk("es384-1", kid=7),
        public_jwk("weak-1"),
    ],
)
def test_what_cannot_verify_is_passed_over(unusable: Any) -> None:
    with pytest.raises(KeysUnavailableError, match="no key in the set"):
        read_key_set({"keys": [unusable]})
    (key,) = read_key_set({"keys": [unusable, public_jwk("es384-2")]})
    assert key.key_id == "es384-2"


def test_of_a_private_key_only_the_public_half_is_kept() -> None:
    number = private_key("es384-1").private_numbers().private_value
    entry = public_jwk("es384-1", d=str(number))
    (key,) = read_key_set({"keys": [entry]})
    assert not hasattr(key.key, "private_numbers")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>", "not JSON"),
        (b"[" * 50_000, "not JSON"),
        (b"{}", "no list of keys"),
        (b'{"keys": {}}', "no list of keys"),
        (b"[]", "no list of keys"),
        (b'{"keys": []}', "no key in the set"),
        (b" " * (MOST_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_key_set(content: bytes, reason: str) -> None:
    with pytest.raises(KeysUnavailableError, match=reason):
        read_key_set(content)


def test_a_key_is_found_by_id_and_algorithm_together() -> None:
    keys = FixedKeys(read_key_set({"keys": [public_jwk("rsa-1", kid="k"), public_jwk("es384-1", kid="k")]}))
    found = [keys.find("k", algorithm) for algorithm in ("RS384", "ES384")]
    assert [key.algorithms[0] for key in found if key] == ["RS384", "ES384"]
    assert keys.find("k", "ES256") is None
    assert keys.find("other", "ES384") is None


def test_a_key_file_is_read_or_its_trouble_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(key_set("es384-1")))
    assert read_key_file(path)[0].key_id == "es384-1"
    with pytest.raises(KeysUnavailableError, match="missing"):
        read_key_file(tmp_path / "missing.json")
