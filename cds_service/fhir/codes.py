"""A coded value, as every room passes it around."""

from __future__ import annotations

from typing import NamedTuple


class Coding(NamedTuple):
    """One code in one code system; `system` is the normalised canonical URI (FHIR R4 Coding)."""

    system: str
    code: str
    display: str | None = None
