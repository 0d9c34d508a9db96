"""Whether data of one resource type could be had at all in one call."""

from __future__ import annotations

import enum


class Availability(enum.Enum):
    """Why a resource type holds what it holds (design: unknown is never "not met").

    A criterion that is false and read data whose availability is NOT_FETCHED or FAILED is unknown; so is one
    that is true by such data, which are then a part only.
    """

    AVAILABLE = "available"  # the client delivered at least one such resource
    EMPTY = "empty"  # the client looked and there is none (null, or an empty search set)
    NOT_FETCHED = "not-fetched"  # nobody looked
    FAILED = "failed"  # somebody looked and could not tell (OperationOutcome, error)

    @property
    def is_known(self) -> bool:
        """True when absence of a fact means that the chart does not hold it."""
        return self in (Availability.AVAILABLE, Availability.EMPTY)
