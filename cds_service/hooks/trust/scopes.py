"""SMART system scopes: which are granted here, and what a granted one allows (SMART App Launch 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

OFFERED: Final = ("system/Questionnaire.rs", "system/Library.rs", "system/ValueSet.rs")
"""What may be granted; the scopes that DTR names for a payer's endpoint."""

MOST_CHARACTERS: Final = 2_048

_SCOPE: Final = re.compile(r"system/([A-Za-z]+|\*)\.(read|write|\*|c?r?u?d?s?)")
_TYPES: Final = {"questionnaire": "Questionnaire", "library": "Library", "valueset": "ValueSet"}
_OLD: Final = {"read": "rs", "*": "cruds", "write": "cud"}  # SMART App Launch 1


def granted(asked: str) -> tuple[str, ...]:
    """The part of the asked scopes that is given here, in the form of version 2; empty for none.

    `system/*` is narrowed to the types of this endpoint. Names of types are taken in any case: DTR writes
    them in small letters.
    """
    found: dict[str, set[str]] = {}
    for each in asked.split(" "):
        match = _SCOPE.fullmatch(each)
        if match is None:
            continue
        rights = set(_OLD.get(match[2], match[2])) & {"r", "s"}
        types = _TYPES.values() if match[1] == "*" else [_TYPES.get(match[1].lower(), "")]
        for kind in filter(None, types):
            found.setdefault(kind, set()).update(rights)
    return tuple(
        f"system/{kind}.{''.join(sorted(found[kind]))}" for kind in _TYPES.values() if found.get(kind)
    )


def allows(scopes: Iterable[str], resource_type: str, right: str) -> bool:
    """Whether granted scopes allow to read (`r`) or search (`s`) a type."""
    prefix = f"system/{resource_type}."
    return any(each.startswith(prefix) and right in each.removeprefix(prefix) for each in scopes)
