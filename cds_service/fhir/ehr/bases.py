"""The FHIR servers that may be read, and whether an address belongs to one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cds_service.fhir.ehr.addresses import Network, is_public, read_address

_PORTS: Final = {"http": 80, "https": 443}
_LONGEST: Final = 2_048
_PLAIN: Final = re.compile(r"[!-~]+")  # ASCII without spaces and control characters
_HOST: Final = re.compile(r"[0-9a-z](?:[0-9a-z.\-]*[0-9a-z])?|[0-9a-f:.]+")
_DOTS: Final = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


class BaseError(ValueError):
    """An address that cannot be the base of a FHIR server; the message does not repeat it."""


@dataclass(frozen=True, slots=True)
class FhirBase:
    """The base address of a FHIR server, normalised: lower-case host, explicit port, no slash at the end."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> FhirBase:
        """Read an absolute http or https address; raises BaseError for anything that could mean another host.

        Refused: other schemes, user names, queries, fragments, dot segments, backslashes, other characters
        than ASCII, and nonsense.
        """
        scheme, host, port, path, tail = _split(text)
        if tail:
            raise BaseError("a base address has no query or fragment")
        return cls(scheme, host, port, path.rstrip("/"))

    @property
    def url(self) -> str:
        """The address, without default port and without slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host names this machine."""
        address = read_address(self.host)
        if address is None:
            return self.host == "localhost" or self.host.endswith(".localhost")
        return address.is_loopback

    def holds(self, url: str) -> bool:
        """Whether an absolute address lies on this base: same scheme, host, port, and below its path."""
        try:
            scheme, host, port, path, _ = _split(url)
        except BaseError:
            return False
        if (scheme, host, port) != (self.scheme, self.host, self.port):
            return False
        return path.rstrip("/") == self.path or path.startswith(f"{self.path}/")


class AllowedServers:
    """A list of FHIR servers that may be read. Immutable; shared by threads.

    `http` is for this machine only, and for `http_on_loopback`. Raises BaseError for an entry that cannot
    be used.
    """

    def __init__(self, bases: Iterable[str] = (), *, http_on_loopback: bool = True) -> None:
        self._bases = frozenset(FhirBase.parse(each) for each in bases)
        for base in self._bases:
            if base.scheme == "http" and not (http_on_loopback and base.is_loopback):
                raise BaseError("a FHIR server is reached by https, except on this machine")

    def __bool__(self) -> bool:
        return bool(self._bases)

    def find(self, fhir_server: str) -> FhirBase | None:
        """The listed base that a request names; None when it names none of them."""
        try:
            base = FhirBase.parse(fhir_server)
        except BaseError:
            return None
        return base if base in self._bases else None


def admits(base: FhirBase, address: str, networks: Sequence[Network] = ()) -> bool:
    """Whether a connection for a listed base may go to this network address.

    A host name must lead to public addresses, or into one of the private `networks`; a listed address
    literal, and `localhost`, allow themselves.
    """
    reached = read_address(address)
    if reached is None:
        return False
    listed = read_address(base.host)
    if listed is not None:
        return reached == listed
    if base.is_loopback:
        return reached.is_loopback
    return is_public(reached) or any(reached in each for each in networks)


def _split(text: str) -> tuple[str, str, int, str, str]:
    """Scheme, host, port, path, and query with fragment; raises BaseError."""
    if len(text) > _LONGEST or not _PLAIN.fullmatch(text) or "\\" in text:
        raise BaseError("not an address")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BaseError("not an address") from None
    scheme, host = parts.scheme, parts.hostname or ""
    if scheme not in _PORTS or not text[len(scheme) :].startswith("://"):
        raise BaseError("not an http or https address")
    if "@" in parts.netloc or not _HOST.fullmatch(host) or port == 0:
        raise BaseError("not a plain host name")
    if any(_DOTS.fullmatch(segment) for segment in parts.path.split("/")):
        raise BaseError("the path has dot segments")
    tail = text.partition("?")[1] or text.partition("#")[1]
    return scheme, host, port or _PORTS[scheme], parts.path, tail
