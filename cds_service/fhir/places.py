"""Where a call says that an order is carried out."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class NamedPlaces(NamedTuple):
    """Where the call itself says that an order is carried out, and in words how it says so.

    `references` are FHIR references, as objects or bare texts. `day` is the day on which that happens, where
    the call names one.
    """

    references: tuple[object, ...]
    said: str
    day: date | None = None
