"""Why an order cannot be read at all."""

from __future__ import annotations


class OrderError(Exception):
    """The order lacks what every decision needs. `element` is a FHIR path inside the order."""

    def __init__(self, message: str, element: str) -> None:
        super().__init__(f"{element}: {message}")
        self.message = message
        self.element = element
