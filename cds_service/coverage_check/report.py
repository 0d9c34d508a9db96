"""What one call did, noted as it goes: for metrics and the log of invocations."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cds_service.crd.assertion import CoverageAssertion
    from cds_service.store.model import DecisionRecord

PARSE: Final = "parse"  # bytes to a checked hook request
INDEX: Final = "index"  # prefetched resources by type and id
FETCH: Final = "fetch"  # what the call lacks, from its FHIR server
READ: Final = "read"  # coverage, drug, indication, setting, dates; policies that address the order
EVALUATE: Final = "evaluate"  # criteria to a determination
RESPOND: Final = "respond"  # coverage information, cards, bytes
STAGES: Final = (PARSE, INDEX, FETCH, READ, EVALUATE, RESPOND)


class CallReport:
    """The time spent in each stage (seconds) and what was asserted. One call, one thread.

    A stage lasts until the next one is entered, so nothing is measured twice and nothing left out. A caller
    that gives a list for `decisions` records them itself, together with its call.
    """

    __slots__ = ("_since", "_stage", "assertions", "decisions", "seconds", "started")

    def __init__(self, stage: str = PARSE, decisions: list[DecisionRecord] | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self.assertions: Sequence[CoverageAssertion] = ()
        self.decisions = decisions
        self._stage = stage
        self._since = self.started = perf_counter()

    def enter(self, stage: str) -> None:
        """The stage before ends here, this one begins."""
        now = perf_counter()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage = stage
        self._since = now

    def finish(self) -> float:
        """The last stage ends here; gives the whole duration in seconds."""
        self.enter(self._stage)
        return self._since - self.started
