"""An EHR that signs: keys made for the tests, public sets, tokens with one thing changed at a time."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://ehr.example.org"
BASE = "https://payer.example.org"
SERVICE = f"{BASE}/cds-services/order-sign-crd"
DISCOVERY = f"{BASE}/cds-services"


@functools.cache
def private_key(name: str) -> Any:
    """A key by name: "rsa…" RSA of 2048 bits, "weak…" of 1024, "p256…" and anything else a curve."""
    if name.startswith(("rsa", "weak")):
        return rsa.generate_private_key(65537, 1024 if name.startswith("weak") else 2048)
    return ec.generate_private_key(ec.SECP256R1() if name.startswith("p256") else ec.SECP384R1())


def public_jwk(name: str, **changes: Any) -> dict[str, Any]:
    """The public half as a JWK whose `kid` is the name."""
    key = private_key(name).public_key()
    handler: Any = RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else ECAlgorithm
    return {**handler.to_jwk(key, as_dict=True), "kid": name, "use": "sig", **changes}


def key_set(*names: str) -> dict[str, Any]:
    """A JWK set."""
    return {"keys": [public_jwk(name) for name in names]}


def claims(now: float, **changes: Any) -> dict[str, Any]:
    """What an EHR claims at this time; a value of ... leaves the claim out."""
    said = {
        "iss": ISSUER,
        "aud": SERVICE,
        "iat": round(now),
        "exp": round(now) + 300,
        "jti": str(uuid.uuid4()),
        **changes,
    }
    return {name: value for name, value in said.items() if value is not ...}


def token(payload: dict[str, Any], key: str = "es384-1", algorithm: str = "ES384", **header: Any) -> str:
    """A signed token; header values of ... are left out."""
    headers = {"typ": "JWT", "kid": key, **header}
    return jwt.encode(
        payload,
        private_key(key),
        algorithm=algorithm,
        headers={name: value for name, value in headers.items() if value is not ...},
    )


def encoded(value: Any) -> str:
    """base64url without padding, of bytes or of JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hand_made(header: dict[str, Any], payload: Any, signature: bytes = b"x") -> str:
    """A token that no library would make."""
    return f"{encoded(header)}.{encoded(payload)}.{encoded(signature)}"


def confused(payload: dict[str, Any], key: str = "rsa-1", algorithm: str = "HS256") -> str:
    """Algorithm confusion: the public key, as the PEM everybody can have, used as a shared secret."""
    pem = (
        private_key(key)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    signed = f"{encoded({'alg': algorithm, 'typ': 'JWT', 'kid': key})}.{encoded(payload)}"
    digest = getattr(hashlib, f"sha{algorithm[2:]}")
    return f"{signed}.{encoded(hmac.new(pem, signed.encode(), digest).digest())}"
