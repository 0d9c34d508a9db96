"""How the text of each kind of setting is read; every reader raises ValueError saying what it expects."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

_DATABASES: Final = frozenset({"sqlite", "sqlite+pysqlite", "postgresql", "postgres", "postgresql+psycopg"})
_ORIGIN: Final = re.compile(r"https?://(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?")
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


def boolean(text: str) -> bool:
    """true or false, yes or no, on or off, 1 or 0."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("expected true or false")


def integer(low: int, high: int) -> Callable[[str], int]:
    """A whole number, both ends included."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f"expected a whole number from {low} to {high}") from None
        if not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    """A number of seconds, both ends included."""

    def parse(text: str) -> float:
        if not text.replace(".", "", 1).isdecimal() or not low <= float(text) <= high:
            raise ValueError(f"expected seconds from {low:g} to {high:g}")
        return float(text)

    return parse


def fhir_servers(text: str) -> tuple[str, ...]:
    """Base addresses of FHIR servers that may be read."""
    from cds_service.fhir.ehr.bases import AllowedServers

    bases = tuple(each.rstrip("/") for each in text.replace(",", " ").split())
    AllowedServers(bases)
    return bases


def networks(text: str) -> tuple[str, ...]:
    """IP networks such as 10.20.0.0/16."""
    from cds_service.fhir.ehr.addresses import read_network

    return tuple(str(read_network(each)) for each in text.replace(",", " ").split())


def choice(*allowed: str) -> Callable[[str], str]:
    """One of some words, in any case."""

    def parse(text: str) -> str:
        for value in allowed:
            if text.lower() == value.lower():
                return value
        raise ValueError(f"expected one of {', '.join(allowed)}")

    return parse


def directory(text: str) -> Path:
    """A folder that exists."""
    path = Path(text).expanduser()
    if not path.is_dir():
        raise ValueError("no such folder")
    return path


def base_url(text: str) -> str:
    """An absolute http or https address, without slash at the end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("expected an absolute http or https address without query")
    return text.rstrip("/")


def database_url(text: str) -> str:
    """An SQLAlchemy address of a database that is supported."""
    if text.partition("://")[0] not in _DATABASES or text in ("sqlite://", "sqlite:///:memory:"):
        raise ValueError(
            "expected a database address such as sqlite:///file.sqlite3 or postgresql+psycopg://..."
        )
    return text


def time_zone(text: str) -> ZoneInfo:
    """An IANA time zone."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("expected an IANA time zone such as America/New_York") from None


def origins(text: str) -> tuple[str, ...]:
    """Web origins, or * for all."""
    origins = tuple(origin.rstrip("/") for origin in text.replace(",", " ").split())
    if not origins or any(origin != "*" and "://" not in origin for origin in origins):
        raise ValueError("expected * or a list of origins such as https://ehr.example.org")
    return origins


def ancestors(text: str) -> tuple[str, ...]:
    """Web origins whose pages may show ours in a frame, as a content security policy names them."""
    found = tuple(origin.rstrip("/") for origin in text.replace(",", " ").split())
    if any(_ORIGIN.fullmatch(each) is None for each in found):
        raise ValueError("expected a list of origins such as https://ehr.example.org")
    return found


def base_urls(text: str) -> tuple[str, ...]:
    """Absolute http or https addresses."""
    return tuple(base_url(each) for each in text.replace(",", " ").split())


def some_of(*allowed: str) -> Callable[[str], tuple[str, ...]]:
    """Some of these words, in any case."""

    def parse(text: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(text.upper().replace(",", " ").split()))
        if not chosen or not set(chosen) <= set(allowed):
            raise ValueError(f"expected one or more of {', '.join(allowed)}")
        return chosen

    return parse


def file(text: str) -> Path:
    """A file that exists."""
    path = Path(text).expanduser()
    if not path.is_file():
        raise ValueError("no such file")
    return path


def words(text: str) -> tuple[str, ...]:
    """A list separated by commas or spaces."""
    return tuple(text.replace(",", " ").split())
