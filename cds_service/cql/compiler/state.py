"""What one evaluation carries while closures run. Never shared between evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn, Protocol

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.values.temporal import DateTime

MISSING: Final = object()

# A rule that needs more is pathological: a second or two of work, recursion well inside Python's limit.
WORK_LIMIT: Final = 500_000
DEPTH_LIMIT: Final = 100


class Availability(Protocol):
    """Whether the data of one resource type could be had (fhir.availability)."""

    @property
    def is_known(self) -> bool: ...


class State:
    """Inputs, caches and counters of one evaluation; `frame[0]` of every frame."""

    __slots__ = (
        "_now", "budget", "cache", "clock", "code_sets", "current", "data", "depth", "origins", "parameters",
        "patient", "value_sets",
    )  # fmt: skip

    def __init__(
        self, data: Any, value_sets: Any, parameters: Mapping[str, Any], clock: datetime, work_limit: int
    ) -> None:
        self.data = data
        self.value_sets = value_sets
        self.parameters = parameters
        self.clock = clock
        self.patient = data.patient
        self.cache: dict[Any, Any] = {}  # Definition -> value, or its Record when tracing
        self.current: Any = None  # Record of the definition being evaluated, when tracing
        self.origins: dict[int, tuple[Any, list[Any]]] = {}  # id of a tuple -> it, resources of its row
        self.code_sets: dict[str, Any] = {}  # value sets looked up so far, by URL
        self.depth = 0
        self.budget = work_limit
        self._now: DateTime | None = None

    @property
    def now(self) -> DateTime:
        """The one instant of this evaluation (CQL: Now() is the same in every expression)."""
        if self._now is None:
            self._now = DateTime.from_python(self.clock)
        return self._now

    def spend(self, amount: int) -> None:
        """Take `amount` rows from the work limit; raises `CqlRuntimeError` when it is used up."""
        self.budget -= amount
        if self.budget < 0:
            self.exhausted()

    def too_deep(self) -> NoReturn:
        """Raise the error for more than `DEPTH_LIMIT` definitions and functions on the stack."""
        raise CqlRuntimeError(f"definitions or functions call each other more than {DEPTH_LIMIT} deep")

    def exhausted(self) -> NoReturn:
        """Raise the error for a used-up work limit."""
        raise CqlRuntimeError(
            "the work limit of one evaluation is used up: a list or a recursion is too large"
        )
