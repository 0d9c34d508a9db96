"""Codes, concepts and references to value sets and code systems (CQL 1.5, clinical types)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A code of one code system; `system` is its canonical URI."""

    code: str
    system: str | None = None
    version: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """Codes that all say the same thing."""

    codes: tuple[Code | None, ...]
    display: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", tuple(self.codes))


@dataclass(frozen=True, slots=True)
class ValueSetReference:
    """A value set by its canonical URL; its content is looked up when it is needed."""

    id: str
    version: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CodeSystemReference:
    """A code system by its canonical URI."""

    id: str
    version: str | None = None
    name: str | None = None
