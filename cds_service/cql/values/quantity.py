"""Quantities and ratios (CQL 1.5, appendix B)."""

from __future__ import annotations

import re
from decimal import Decimal

from cds_service.cql.values.numbers import decimal_text

_QUANTITY = re.compile(r"\s*([+-]?\d{1,28}(?:\.\d{1,28})?)\s*(?:'([^']*)'|([a-z]+))?\s*")
_CALENDAR = frozenset(
    name + plural
    for name in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
)


class Quantity:
    """A Decimal value with a UCUM unit ("1" = none) or a calendar duration unit ("year", "months", ...)."""

    __slots__ = ("unit", "value")

    def __init__(self, value: Decimal, unit: str = "1") -> None:
        self.value = value
        self.unit = unit or "1"

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Read `5.5 'cm'`, `3 days` or `7`.

        Raises ValueError for anything else.
        """
        match = _QUANTITY.fullmatch(text)
        if match is None or (match[3] is not None and match[3] not in _CALENDAR):
            raise ValueError(f"not a quantity: {text!r}")
        return cls(Decimal(match[1]), match[2] or match[3] or "1")

    def __eq__(self, other: object) -> bool:
        """Same number and same unit text; CQL equality, which converts units, is an operator."""
        return isinstance(other, Quantity) and self.value == other.value and self.unit == other.unit

    def __hash__(self) -> int:
        return hash((self.value, self.unit))

    def __repr__(self) -> str:
        return f"Quantity(Decimal('{self.value}'), {self.unit!r})"

    def __str__(self) -> str:
        return f"{decimal_text(self.value)} '{self.unit}'"


class Ratio:
    """A relationship between two quantities, such as a titre."""

    __slots__ = ("denominator", "numerator")

    def __init__(self, numerator: Quantity, denominator: Quantity) -> None:
        self.numerator = numerator
        self.denominator = denominator

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ratio)
            and self.numerator == other.numerator
            and self.denominator == other.denominator
        )

    def __hash__(self) -> int:
        return hash((self.numerator, self.denominator))

    def __repr__(self) -> str:
        return f"Ratio({self.numerator!r}, {self.denominator!r})"

    def __str__(self) -> str:
        return f"{self.numerator}:{self.denominator}"
