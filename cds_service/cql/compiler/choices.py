"""FHIR values before an operator takes them: alternatives of choices with their type, the unreadable."""

from __future__ import annotations

from typing import Any, Final


class Chosen:
    """One alternative of a choice element: `valueQuantity` -> Chosen("Quantity", {...})."""

    __slots__ = ("type", "value")

    def __init__(self, type_name: str, value: Any) -> None:
        self.type = type_name
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chosen) and self.type == other.type and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.type)

    def __repr__(self) -> str:
        return f"Chosen({self.type!r}, {self.value!r})"


class Unreadable:
    """The type of UNREADABLE."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNREADABLE"


# An element that is there, but not in the form FHIR gives it: not null, yet without content. A status that
# a client writes in its own way must not look like a status that is not there.
UNREADABLE: Final = Unreadable()


def bare(value: Any) -> Any:
    """The value as operators and callers take it: without FHIR type, null for what cannot be read."""
    if value.__class__ is Chosen:
        value = value.value
    if value.__class__ is list:
        return [bare(item) for item in value]
    return None if value is UNREADABLE else value
