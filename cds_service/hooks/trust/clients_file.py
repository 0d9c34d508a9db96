"""The file of registered clients, TOML or YAML: read strictly, and read again when it changes."""

from __future__ import annotations

import json
import logging
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cds_service.hooks.trust.clients import Client, Registry
from cds_service.hooks.trust.errors import ClientsFileError

logger = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 5.0
_TEXTS: Final = ("issuer", "name", "jwks_url", "jwks_file")
_LISTS: Final = ("tenants", "fhir_bases")
_KEYS: Final = frozenset({*_TEXTS, *_LISTS, "jwks", "enabled"})
_SOURCES: Final = ("jwks", "jwks_file", "jwks_url")


class ClientsFile:
    """The registered clients in a file. A change counts within five seconds, in every worker.

    A changed file that cannot be used is reported once and leaves the clients as they were.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = _fingerprint(path, None)
        self._registry = read_clients(path)
        self._seen = _fingerprint(path, self._registry)
        self._look_at = clock() + _LOOK_EVERY_S

    def current(self) -> Registry:
        """Who is registered now."""
        if self._clock() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._look_at = self._clock() + _LOOK_EVERY_S
                self._look_again()
            finally:
                self._lock.release()
        return self._registry

    def _look_again(self) -> None:
        seen = _fingerprint(self._path, self._registry)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._registry = read_clients(self._path)
        except ClientsFileError as error:
            logger.error("the clients stay as they were", extra={"reason": str(error)})
        else:
            self._seen = _fingerprint(self._path, self._registry)
            logger.info("clients read again", extra={"clients": len(self._registry.clients)})


def _fingerprint(path: Path, registry: Registry | None) -> tuple[object, ...]:
    """When the file, and the key sets it names, were last changed."""
    files = [path, *(each.jwks_file for each in (registry.clients if registry else ()) if each.jwks_file)]
    found: list[object] = []
    for each in files:
        try:
            status = each.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def read_clients(path: Path) -> Registry:
    """All clients of the file; raises ClientsFileError for anything that is not exactly understood."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise ClientsFileError(f"{path}: cannot be read ({type(error).__name__})") from None
    return parse_clients(path, text)


def parse_clients(path: Path, text: str) -> Registry:
    """The clients that this text says in the file at `path`; raises ClientsFileError."""
    entries = parse_entries(path, text)
    registry = Registry(tuple(_client(each, number, path) for number, each in enumerate(entries, 1)))
    if not registry.clients:
        raise ClientsFileError(f"{path}: no client in this file")
    return registry


def parse_entries(path: Path, text: str) -> list[Any]:
    """The entries of `clients` as they stand in the text; raises ClientsFileError."""
    content = _parsed(path, text)
    if (
        not isinstance(content, dict)
        or set(content) != {"clients"}
        or not isinstance(content["clients"], list)
    ):
        raise ClientsFileError(f"{path}: expected one list named clients")
    return content["clients"]


def _parsed(path: Path, text: str) -> Any:
    if path.suffix.lower() == ".toml":
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ClientsFileError(f"{path}: not TOML: {error}") from None
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise ClientsFileError(f"{path}: the name must end in .toml, .yaml or .yml")
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise ClientsFileError(f"{path}: not YAML{place}") from None


def _client(entry: Any, number: int, path: Path) -> Client:
    """One entry as a client; raises ClientsFileError."""
    where = f"{path}: client {number}"
    if not isinstance(entry, dict):
        raise ClientsFileError(f"{where}: expected names and values")
    if unknown := sorted(str(key) for key in set(entry) - _KEYS):
        raise ClientsFileError(f"{where}: unknown: {', '.join(unknown)} (known: {', '.join(sorted(_KEYS))})")
    for key in _TEXTS:
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            raise ClientsFileError(f"{where}: {key} must be text")
    for key in _LISTS:
        values = entry.get(key, [])
        if not isinstance(values, list) or not all(isinstance(each, str) and each for each in values):
            raise ClientsFileError(f"{where}: {key} must be a list of texts")
    if "issuer" not in entry:
        raise ClientsFileError(f"{where}: issuer is missing")
    if not isinstance(entry.get("enabled", True), bool):
        raise ClientsFileError(f"{where}: enabled must be true or false")
    if sum(source in entry for source in _SOURCES) != 1:
        raise ClientsFileError(f"{where}: exactly one of {', '.join(_SOURCES)} is needed")
    return Client(
        issuer=entry["issuer"],
        name=entry.get("name", ""),
        jwks=_inline(entry["jwks"], where) if "jwks" in entry else None,
        jwks_file=path.parent / Path(entry["jwks_file"]).expanduser() if "jwks_file" in entry else None,
        jwks_url=_https_url(entry["jwks_url"], where) if "jwks_url" in entry else None,
        tenants=tuple(entry.get("tenants", ())),
        fhir_bases=tuple(_fhir_base(each, where) for each in entry.get("fhir_bases", ())),
        enabled=entry.get("enabled", True),
    )


def _inline(value: Any, where: str) -> Mapping[str, Any]:
    """A JWK set written into the file: as a table, or as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ClientsFileError(f"{where}: jwks is not JSON") from None
    if not isinstance(value, dict):
        raise ClientsFileError(f"{where}: jwks must be a JWK set")
    return value


def _https_url(text: str, where: str) -> str:
    parts = _split(text, where, "jwks_url")
    if parts.scheme != "https":
        raise ClientsFileError(f"{where}: jwks_url must be an https address without user or fragment")
    return text


def _fhir_base(text: str, where: str) -> str:
    parts = _split(text, where, "fhir_bases")
    if parts.scheme not in ("https", "http") or parts.query:
        raise ClientsFileError(f"{where}: fhir_bases must be http or https addresses without query or user")
    return text.rstrip("/")


def _split(text: str, where: str, key: str) -> Any:
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.fragment or any(sign.isspace() for sign in text):
        raise ClientsFileError(f"{where}: {key} is not an address that can be used")
    return parts
