"""Intervals (CQL 1.5, author's guide, interval values)."""

from __future__ import annotations

from typing import Any


class Interval:
    """All points from `low` to `high`.

    A null bound that is closed stands for the least or greatest value of the point type; a null bound that
    is open is unknown. `point_type` is the System type name of the points ("System.Integer"), needed only
    when both bounds may be null. Construction does not check the order of the bounds: the operator
    `make_interval` does, as the Interval selector of CQL demands.
    """

    __slots__ = ("high", "high_closed", "low", "low_closed", "point_type")

    def __init__(
        self,
        low: Any,
        high: Any,
        low_closed: bool = True,
        high_closed: bool = True,
        point_type: str | None = None,
    ) -> None:
        self.low = low
        self.high = high
        self.low_closed = low_closed
        self.high_closed = high_closed
        self.point_type = point_type

    def __eq__(self, other: object) -> bool:
        """Structural equality of the bounds as written; CQL equality is an operator."""
        return (
            isinstance(other, Interval)
            and self.low == other.low
            and self.high == other.high
            and self.low_closed == other.low_closed
            and self.high_closed == other.high_closed
        )

    def __hash__(self) -> int:
        return hash((self.low, self.high, self.low_closed, self.high_closed))

    def __repr__(self) -> str:
        return f"Interval({self.low!r}, {self.high!r}, {self.low_closed}, {self.high_closed})"

    def __str__(self) -> str:
        low = "null" if self.low is None else self.low
        high = "null" if self.high is None else self.high
        return f"Interval{'[' if self.low_closed else '('}{low}, {high}{']' if self.high_closed else ')'}"
