"""What is counted and timed for Prometheus. Every label has a bounded set of values; none is of a patient.

The CRD metrics of the implementation guide (CRDMetricData) are covered as far as a server can see them:
hook, HTTP status and issue, response types, coverage-information results, what became of cards.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from cds_service.store.model import RecorderStatus

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_NONE: Final = "none"
_NO_STAGES: Final[Mapping[str, float]] = {}
_ADD_UP_EVERY_S: Final = 1.0
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measures:
    """The instruments of one application. Threads share them; workers meet in the folder of the variable.

    Calls only note what is to be counted: an instrument takes a lock and writes to shared memory each time,
    which many threads would wait for. The notes are added up when the figures are read, after each batch
    of the recorder, and at the latest with the first call a second later. Most calls of a second count the
    same things, so each kind of call is looked up once and not each count.
    """

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._noted: deque[_Noted] = deque()
        self._adding_up = Lock()
        self._next = 0.0

        def counter(name: str, meaning: str, *labels: str) -> _Counts:
            return _Counts(Counter(name, meaning, labels, registry=registry))

        def gauge(name: str, meaning: str, mode: Any) -> Gauge:
            return Gauge(name, meaning, registry=registry, multiprocess_mode=mode)

        self.requests = counter(
            "cds_requests", "CDS Hooks requests by service and HTTP status", "service", "endpoint", "status"
        )
        self.errors = counter("cds_errors", "Errors told to clients, by their stable code", "code")
        self.stages = counter("cds_stage_seconds", "Time spent in each stage of answered calls", "stage")
        self.decisions = counter("cds_decisions", "Orders decided", "hook", "outcome", "payer", "policy")
        self.coverage_information = counter(
            "cds_coverage_information",
            "Coverage information put on orders, by its codes",
            *("hook", "crd_version", "covered", "pa_needed", "doc_needed", "info_needed"),
        )
        self.responses = counter(
            "cds_responses", "Response types: card topics, system actions", "hook", "type"
        )
        self.feedback = counter("cds_feedback", "Feedback on cards", "service", "outcome")
        self.fhir_requests = counter(
            "cds_fhir_requests", "FHIR requests by version and HTTP status", "version", "endpoint", "status"
        )
        self.packages = counter("cds_dtr_packages", "Questionnaires packaged", "version", "questionnaire")
        self.form_errors = counter(
            "cds_dtr_form_errors", "Errors that clients reported of a questionnaire", "questionnaire"
        )
        self._seconds = Histogram(
            "cds_request_seconds", "Time to an answer", ["service"], buckets=_BUCKETS, registry=registry
        )
        self._seconds_of: dict[str, Histogram] = {}
        self._queued = gauge("cds_store_queued", "Records waiting for the database", "livesum")
        self._healthy = gauge("cds_store_healthy", "1 when every worker reaches the database", "livemin")
        self._written = Counter("cds_store_written", "Records given to the database", registry=registry)
        self._dropped = Counter("cds_store_dropped", "Records that could not be kept", registry=registry)
        self._counted = (0, 0)

    def note(self, *counts: Count) -> None:
        """Count each of these once."""
        self._noted.append((counts, None, 0.0, _NO_STAGES))

    def note_call(
        self, counts: tuple[Count, ...], service: str, seconds: float, stages: Mapping[str, float]
    ) -> None:
        """Count what one answered or refused call counts; `stages` are seconds by stage, of answered ones."""
        self._noted.append((counts, service, seconds, stages))

    def tick(self, now: float) -> None:
        """Add up once a second; `now` is in seconds of any one clock."""
        if now >= self._next:
            self._next = now + _ADD_UP_EVERY_S
            self.add_up()

    def add_up(self) -> None:
        """Bring what was noted into the figures; another thread that is at it already suffices."""
        if not self._adding_up.acquire(blocking=False):
            return
        try:
            self._add_up()
        finally:
            self._adding_up.release()

    def _add_up(self) -> None:
        kinds: dict[tuple[Count, ...], int] = {}
        spent: dict[str, float] = {}
        for _ in range(len(self._noted)):
            counts, service, seconds, stages = self._noted.popleft()
            kinds[counts] = kinds.get(counts, 0) + 1
            if service is not None:
                self._observe(service, seconds)
            for stage, amount in stages.items():
                spent[stage] = spent.get(stage, 0.0) + amount
        for counts, times in kinds.items():
            for counter, labels in counts:
                counter.child(labels).inc(times)
        for stage, amount in spent.items():
            self.stages.child((stage,)).inc(amount)

    def _observe(self, service: str, seconds: float) -> None:
        histogram = self._seconds_of.get(service)
        if histogram is None:
            histogram = self._seconds_of[service] = self._seconds.labels(service)
        histogram.observe(seconds)

    def store_progress(self, status: RecorderStatus) -> None:
        """How recording goes in this process; called by its one writer thread."""
        written, dropped = self._counted
        self._written.inc(max(0, status.written - written))
        self._dropped.inc(max(0, status.dropped - dropped))
        self._counted = (status.written, status.dropped)
        self._queued.set(status.queued)
        self._healthy.set(1 if status.healthy else 0)
        self.add_up()

    def exposition(self) -> bytes:
        """The figures of all workers in the text format of Prometheus."""
        with self._adding_up:
            self._add_up()
        if FOLDER_VARIABLE not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class _Counts:
    """A counter whose children are kept by their label values."""

    __slots__ = ("_children", "_counter")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._children: dict[tuple[str, ...], Counter] = {}

    def child(self, labels: tuple[str, ...]) -> Counter:
        """The instrument of these label values."""
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._counter.labels(*labels)
        return child


Count = tuple[_Counts, tuple[str, ...]]
"""Something to count once: a counter and its label values."""

# What one note counts, and of a call its service, seconds and seconds by stage.
_Noted = tuple[tuple[Count, ...], str | None, float, Mapping[str, float]]


def coverage_codes(answer: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """covered, pa-needed, doc-needed, info-needed on each order of an answer; "none" where absent.

    Ours is the last extension of an order; others may stand before it, well-formed or not.
    """
    return [_codes(action["resource"]["extension"][-1]) for action in answer.get("systemActions", ())]


def _codes(extension: Mapping[str, Any]) -> tuple[str, str, str, str]:
    found = {"covered": _NONE, "pa-needed": _NONE, "doc-needed": _NONE, "info-needed": _NONE}
    for part in extension["extension"]:
        name = part["url"]
        if name in found:
            code = part["valueCode"]
            found[name] = code if found[name] == _NONE else f"{found[name]}+{code}"
    covered, pa_needed, doc_needed, info_needed = found.values()
    return covered, pa_needed, doc_needed, info_needed
