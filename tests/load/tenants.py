"""Tenants that could be mistaken for each other: the same resource ids everywhere, and different patients.

What each tenant sends is prepared as bytes with two holes: the number of the call, which is in the ids of its
orders so that every answer is a decision of its own, and the hookInstance.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any, Final

import jwt
import orjson
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.hooks.trust.signing import key_set, private_key

Json = dict[str, Any]
EXAMPLES: Final = Path(__file__).parents[2] / "fhir_examples"
HTTPS: Final = "https://"
NUMBER: Final = b"@NUMBER@"
INSTANCE: Final = b"@INSTANCE@"
FROM_SERVER: Final = "covered-macrilen-2024 without observations"
PREFETCHED: Final = (
    "covered-macrilen-2024",
    "not-covered-macrilen-bmi-41",
    "documentation-needed-ketamine-chronic-pain-fep",
    "lower-cost-site-remicade-hospital",
    "several-orders",
    "site-unknown-ocrevus",
    "non-drug-order",
    "hooks/order-select-macrilen",
    "hooks/order-dispatch-remicade-hospital",
    "hooks/appointment-book-ketamine-infusion",
)


@dataclass(frozen=True)
class Tenant:
    """A registered client, or one tenant of it; `fhir` is its FHIR server, if it lets one be read."""

    issuer: str
    tenant: str | None
    key: str
    pem: bytes
    fhir: str | None
    access_token: str

    @property
    def name(self) -> str:
        """As the log of invocations names it."""
        return f"{self.issuer} {self.tenant}" if self.tenant else self.issuer

    @property
    def registration(self) -> Json:
        """Its entry in the clients file."""
        entry: Json = {"issuer": self.issuer, "name": self.name, "jwks": key_set(self.key)}
        if self.tenant:
            entry["tenants"] = [self.tenant]
        if self.fhir:
            entry["fhir_bases"] = [self.fhir]
        return entry

    def bearer(self, audience: str) -> str:
        """A new token for one call."""
        now = round(time())
        claims = {"iss": self.issuer, "aud": audience, "iat": now, "exp": now + 240, "jti": uuid.uuid4().hex}
        if self.tenant:
            claims["tenant"] = self.tenant
        return jwt.encode(claims, _key(self.pem), algorithm="RS384", headers={"kid": self.key})


@functools.cache
def _key(pem: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, password=None)


def tenants(servers: Sequence[str]) -> list[Tenant]:
    """One client for each FHIR server, and two tenants of one more client that prefetches everything."""
    chosen: list[tuple[str, str | None, str | None]] = [
        (f"https://ehr-{number}.example.org", None, server) for number, server in enumerate(servers)
    ]
    chosen += [("https://host.example.org", name, None) for name in ("north", "south")]
    made = []
    for issuer, tenant, server in chosen:
        key = f"rsa-{issuer}-{tenant}"
        pem = private_key(key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        access = f"access-of-{issuer.removeprefix(HTTPS)}-{tenant}"
        made.append(Tenant(issuer, tenant, key, pem, server, access))
    return made


def names(tenant: Tenant) -> Sequence[str]:
    """The calls that a tenant makes."""
    return (*PREFETCHED, FROM_SERVER) if tenant.fhir else PREFETCHED


def service_of(name: str) -> str:
    """The address path of a call."""
    return f"/cds-services/{_example(name)['hook']}-crd"


@functools.cache
def _example(name: str) -> Json:
    file = name.removesuffix(" without observations")
    document: Json = orjson.loads((EXAMPLES / f"{file}.json").read_bytes())
    return document


@functools.cache
def prepared(tenant: Tenant, name: str) -> bytes:
    """A call of a tenant, with holes for number and hookInstance; its texts say whose it is."""
    document: Json = orjson.loads(orjson.dumps(_example(name)))
    prefetch = document["prefetch"]
    if name == FROM_SERVER:
        del prefetch["observations"]
    prefetch["patient"]["name"] = [{"family": f"Patient of {tenant.name}"}]
    for each in prefetch["coverage"]["entry"]:
        each["resource"]["subscriberId"] = f"member of {tenant.name}"
    orders = list(orders_of(document))
    for order in orders:
        order["note"] = [{"text": f"an order of {tenant.name}"}]
    if tenant.fhir:
        document["fhirServer"] = tenant.fhir
        document["fhirAuthorization"] = {
            "access_token": tenant.access_token,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.read",
            "subject": "cds-service",
        }
    else:
        document.pop("fhirServer", None)
        document.pop("fhirAuthorization", None)
    document["hookInstance"] = INSTANCE.decode()
    body = orjson.dumps(document)
    for identity in {order["id"] for order in orders}:
        for before in (f"{order_type}/{identity}" for order_type in ("MedicationRequest", "ServiceRequest")):
            body = body.replace(f'{before}"'.encode(), f'{before}-{NUMBER.decode()}"'.encode())
        body = body.replace(f'"id":"{identity}"'.encode(), f'"id":"{identity}-{NUMBER.decode()}"'.encode())
    return body


def orders_of(document: Mapping[str, Any]) -> Iterator[Json]:
    """The orders of a call, wherever its hook has them."""
    for entry in document["context"].get("draftOrders", {}).get("entry", []):
        yield entry["resource"]
    if "draftOrders" not in document["context"]:
        for key in ("medicationRequests", "serviceRequests"):
            for entry in document["prefetch"].get(key, {}).get("entry", []):
                yield entry["resource"]


def charts(tenant_number: int) -> list[Json]:
    """What the FHIR server of a tenant holds: the same resource, with values that decide differently."""
    bundle = _example("covered-macrilen-2024")["prefetch"]["observations"]
    held: list[Json] = orjson.loads(orjson.dumps([each["resource"] for each in bundle["entry"]]))
    for each in held:
        if each["id"] == "bmi-1":
            each["valueQuantity"]["value"] = 24.5 if tenant_number % 2 == 0 else 41.5
    return held
