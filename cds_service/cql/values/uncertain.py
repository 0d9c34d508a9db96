"""A value known only to lie between two others (CQL 1.5, author's guide, uncertainty)."""

from __future__ import annotations

from typing import Any


class Uncertain:
    """A value that lies somewhere from `low` to `high`, both included.

    Durations and differences between imprecise dates are uncertain Integers; the unknown bound of an
    interval is an uncertain point. Comparison is decided only when every possible value agrees.
    """

    __slots__ = ("high", "low")

    def __init__(self, low: Any, high: Any) -> None:
        self.low = low
        self.high = high

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Uncertain) and self.low == other.low and self.high == other.high

    def __hash__(self) -> int:
        return hash((self.low, self.high))

    def __repr__(self) -> str:
        return f"Uncertain({self.low!r}, {self.high!r})"

    def __str__(self) -> str:
        return f"between {self.low} and {self.high}"


def uncertain(low: Any, high: Any) -> Any:
    """The value itself when both ends agree, else an Uncertain."""
    return low if low == high else Uncertain(low, high)
