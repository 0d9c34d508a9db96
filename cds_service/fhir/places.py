"""Where a call says that an order is carried out."""

from __future__ import annotations

from typing import NamedTuple


class NamedPlaces(NamedTuple):
    """Where the call itself says that an order is carried out, and in words how it says so.

    `references` are FHIR references, as objects or bare texts. `day` is the dateTime at which that happens,
    as the call writes it.
    """

    references: tuple[object, ...]
    said: str
    day: str | None = None
