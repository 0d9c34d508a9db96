"""String operators (CQL 1.5, reference). A null operand gives null where not said otherwise."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from cds_service.cql.errors import CqlRuntimeError

_REPLACEMENT = re.compile(r"\\(.)|\$(\d)|\$\{(\w+)\}", re.DOTALL)


def combine(source: list[str | None] | None, separator: str | None = None) -> str | None:
    """The strings of a list in one, nulls left out; null when none is left."""
    if source is None:
        return None
    texts = [text for text in source if text is not None]
    return (separator or "").join(texts) if texts else None


def concatenate(*texts: str | None) -> str | None:
    """left + right."""
    known = [text for text in texts if text is not None]
    return "".join(known) if len(known) == len(texts) else None


def ends_with(text: str | None, suffix: str | None) -> bool | None:
    """Whether the text ends so."""
    return None if text is None or suffix is None else text.endswith(suffix)


def starts_with(text: str | None, prefix: str | None) -> bool | None:
    """Whether the text starts so."""
    return None if text is None or prefix is None else text.startswith(prefix)


def lower(text: str | None) -> str | None:
    """In lower case."""
    return None if text is None else text.lower()


def upper(text: str | None) -> str | None:
    """In upper case."""
    return None if text is None else text.upper()


def matches(text: str | None, pattern: str | None) -> bool | None:
    """Whether the whole text matches a regular expression, in which a dot is any character."""
    if text is None or pattern is None:
        return None
    return _compiled(pattern).fullmatch(text) is not None


def replace_matches(text: str | None, pattern: str | None, substitution: str | None) -> str | None:
    """Every match replaced; $1 in the substitution is a group, a backslash quotes the next character."""
    if text is None or pattern is None or substitution is None:
        return None

    def replacement(match: re.Match[str]) -> str:
        def part(found: re.Match[str]) -> str:
            if found[1] is not None:
                return found[1]
            try:
                return match[int(found[2]) if found[2] else found[3]] or ""
            except IndexError:
                raise CqlRuntimeError(f"the pattern {pattern!r} has no group {found[0]}") from None

        return _REPLACEMENT.sub(part, substitution)

    return _compiled(pattern).sub(replacement, text)


def position_of(pattern: str | None, text: str | None) -> int | None:
    """Where the pattern first occurs in the text, counted from 0; -1 when it does not."""
    return None if pattern is None or text is None else text.find(pattern)


def last_position_of(pattern: str | None, text: str | None) -> int | None:
    """Where the pattern last occurs in the text, counted from 0; -1 when it does not."""
    return None if pattern is None or text is None else text.rfind(pattern)


def split(text: str | None, separator: str | None = None) -> list[str] | None:
    """The parts between separators; the whole text when the separator is null or empty."""
    if text is None:
        return None
    return text.split(separator) if separator else [text]


def split_on_matches(text: str | None, pattern: str | None = None) -> list[str] | None:
    """The parts between matches of a regular expression."""
    if text is None:
        return None
    if not pattern:
        return [text]
    parts, position = [], 0
    for match in _compiled(pattern).finditer(text):
        if match.end() > match.start():
            parts.append(text[position : match.start()])
            position = match.end()
    return [*parts, text[position:]]


def substring(text: str | None, start: int | None, length: int | None = None) -> str | None:
    """From position `start`, counted from 0, to the end or for `length`; null when it starts outside."""
    if text is None or start is None or start < 0 or (start >= len(text) and start > 0):
        return None
    return text[start:] if length is None else text[start : start + max(0, length)]


def to_chars(text: str | None) -> list[str] | None:
    """One string for each character."""
    return None if text is None else list(text)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as problem:
        raise CqlRuntimeError(f"not a regular expression: {pattern!r} ({problem})") from problem


OPERATORS: dict[str, Any] = {
    "Combine": combine,
    "Concatenate": concatenate,
    "EndsWith": ends_with,
    "StartsWith": starts_with,
    "Lower": lower,
    "Upper": upper,
    "Matches": matches,
    "ReplaceMatches": replace_matches,
    "PositionOf": position_of,
    "LastPositionOf": last_position_of,
    "Split": split,
    "SplitOnMatches": split_on_matches,
    "Substring": substring,
    "ToChars": to_chars,
}
