"""Values of FHIR choice elements, which keep their FHIR type until `as` or an operator takes it off."""

from __future__ import annotations

from typing import Any


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


def bare(value: Any) -> Any:
    """The value without its FHIR type; lists are taken off element by element."""
    if value.__class__ is Chosen:
        return value.value
    if value.__class__ is list:
        return [item.value if item.__class__ is Chosen else item for item in value]
    return value
