"""The clients that are registered, and the one that makes a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cds_service.hooks.trust.errors import ClientsFileError


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Client:
    """One registered client, equal to itself alone; exactly one of the three key sources is set.

    `tenants` empty: tokens of any tenant, or of none. `fhir_bases`: the FHIR servers this client may name.
    """

    issuer: str
    name: str = ""
    jwks: Mapping[str, Any] | None = None
    jwks_file: Path | None = None
    jwks_url: str | None = None
    tenants: tuple[str, ...] = ()
    fhir_bases: tuple[str, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes this call, proven by a token: a registered client and the tenant it speaks for."""

    issuer: str
    tenant: str | None = None
    fhir_bases: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The client with its tenant in one text, for records of what it was told."""
        return f"{self.issuer} {self.tenant}" if self.tenant else self.issuer

    def may_use(self, fhir_server: str) -> bool:
        """Whether this FHIR base is one the client was registered with; only a last slash is ignored."""
        return fhir_server.rstrip("/") in self.fhir_bases


@dataclass(frozen=True, slots=True)
class Registry:
    """All registered clients, found by issuer and tenant."""

    clients: tuple[Client, ...]
    _by_issuer: dict[str, tuple[Client, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index by issuer; raises ClientsFileError when two entries would answer for the same token."""
        by_issuer: dict[str, tuple[Client, ...]] = {}
        for client in self.clients:
            others = by_issuer.get(client.issuer, ())
            by_issuer[client.issuer] = (*others, client)
            if others and not all(each.tenants for each in (client, *others)):
                raise ClientsFileError(
                    f"{client.issuer}: registered more than once; several entries need tenants each"
                )
            if twice := {tenant for each in others for tenant in each.tenants} & set(client.tenants):
                raise ClientsFileError(f"{client.issuer}: tenant {min(twice)!r} is registered more than once")
        object.__setattr__(self, "_by_issuer", by_issuer)

    def find(self, issuer: object, tenant: object) -> tuple[Client | None, bool]:
        """The client whose keys must have signed, and whether the tenant is one of its own.

        Of several entries the first stands in for an unknown tenant, so that a forged token is told
        apart from a genuine one for a tenant that nobody registered.
        """
        candidates = self._by_issuer.get(issuer, ()) if isinstance(issuer, str) else ()
        for client in candidates:
            if not client.tenants or tenant in client.tenants:
                return client, True
        return (candidates[0], False) if candidates else (None, False)


def issuers(clients: Iterable[Client]) -> list[str]:
    """Every issuer once, in the order of the file."""
    return list(dict.fromkeys(client.issuer for client in clients))
