"""The stamp that ties compiled rules (ELM) to the CQL text they were translated from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

STAMP_TAG = "source-sha256"

_TOKEN = re.compile(
    r"""/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`""", re.DOTALL
)
_NAME = r"""("(?:\\.|[^"\\])+"|`(?:\\.|[^`\\])+`|[\w.]+)"""
_LIBRARY = re.compile(r"^\s*library\s+" + _NAME, re.MULTILINE)
_INCLUDE = re.compile(r"^\s*include\s+" + _NAME, re.MULTILINE)


class StaleElmError(Exception):
    """The ELM does not belong to the sources beside it, or carries no stamp."""


def _without_comments(source: str) -> str:
    """The CQL text without comments and with empty string literals: its words are words of CQL."""

    def replacement(match: re.Match[str]) -> str:
        first = match[0][0]
        return match[0] if first in '"`' else "''" if first == "'" else " "

    return _TOKEN.sub(replacement, source)


def library_name(source: str) -> str | None:
    """The name that a CQL text declares for itself, or None."""
    found = _LIBRARY.search(_without_comments(source))
    return found[1].strip('"`') if found else None


def included_libraries(source: str) -> tuple[str, ...]:
    """Names of the libraries that a CQL text includes, in order (CQL 1.5, Author's Guide, "Libraries")."""
    return tuple(name.strip('"`') for name in _INCLUDE.findall(_without_comments(source)))


def collect_sources(source: str, find: Callable[[str], str | None]) -> dict[str, str]:
    """The source of a library and of everything it includes, directly or not, by library name.

    `find` returns the CQL text of an included library, or None. Raises StaleElmError naming the one that
    is missing.
    """
    own = library_name(source) or ""
    sources = {own: source}
    waiting = list(included_libraries(source))
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        text = find(name)
        if text is None:
            raise StaleElmError(
                f"The source of library {name}, which {own or 'a library'} includes, is missing"
            )
        sources[name] = text
        waiting.extend(included_libraries(text))
    return sources


def source_hash(sources: Mapping[str, str], translator: str) -> str:
    """SHA-256 (hex) over the sources by name and the translator's version; line endings do not matter."""
    digest = hashlib.sha256(f"translator {translator}\n".encode())
    for name in sorted(sources):
        text = sources[name].replace("\r\n", "\n").encode()
        digest.update(f"{name} {len(text)}\n".encode())
        digest.update(text)
    return digest.hexdigest()


def read_stamp(elm: Mapping[str, Any]) -> str | None:
    """The stamp of an ELM document, or None when it has none."""
    for annotation in elm["library"].get("annotation", ()):
        for tag in annotation.get("t", ()):
            if tag.get("name") == STAMP_TAG:
                return str(tag.get("value"))
    return None


def write_stamp(elm: dict[str, Any], stamp: str) -> None:
    """Put the stamp into the library's annotations (a tag, as ELM's own annotations have)."""
    annotations = elm["library"].setdefault("annotation", [])
    annotations.append({"type": "Annotation", "t": [{"name": STAMP_TAG, "value": stamp}]})


def translator_version(elm: Mapping[str, Any]) -> str:
    """The version of the translator that made the ELM; "" when it does not say."""
    for annotation in elm["library"].get("annotation", ()):
        if "translatorVersion" in annotation:
            return str(annotation["translatorVersion"])
    return ""


def verify(elm: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Check that the ELM was made from exactly these sources: its own and all that it includes.

    Raises StaleElmError with what to do. `collect_sources` gathers the sources.
    """
    identifier = elm["library"].get("identifier", {}).get("id", "?")
    stamp = read_stamp(elm)
    if stamp is None:
        raise StaleElmError(f"The ELM of {identifier} carries no stamp: run `cds-service rules build`")
    if stamp != source_hash(sources, translator_version(elm)):
        raise StaleElmError(f"The ELM of {identifier} is older than its CQL: run `cds-service rules build`")
