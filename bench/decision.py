"""Decisions per second in process: a parsed request with 30 KB of prefetch in, the response object out.

`python -m bench.decision [seconds]`. Printed beside what parsing the same body costs in the same run, so
that machines can be compared. One core, one thread, trace on, every decision named and recorded. The target
is 3,000.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from bench.report import figure
from bench.request import order_sign_request
from cds_service.commands.serve import settle_memory
from cds_service.coverage_check import CoverageCheck
from cds_service.hooks.request import parse_hook_request
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import default_rules_directory
from cds_service.store.model import DecisionRecord

NOW = datetime(2024, 9, 1, 12, tzinfo=UTC)


class Sink:
    """Takes records as the real recorder does, without a database."""

    def __init__(self) -> None:
        self.taken = 0

    def record(self, record: DecisionRecord) -> None:
        self.taken += 1


def per_second(work: Callable[[], object], seconds: float) -> float:
    """How often `work` runs in a second of processor time: the best of many short slices."""
    best, until = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.process_time()
        for _ in range(8):
            work()
        best = max(best, 8 / (time.process_time() - started))
    return best


def main() -> None:
    """Print the figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    body = orjson.dumps(order_sign_request())
    request = parse_hook_request(body, "order-sign", default_version="2.2")
    check = CoverageCheck(Catalogue.load(default_rules_directory()), Sink())
    settle_memory()
    answer = check.answer(request, NOW)
    actions = answer["systemActions"]
    print(f"request of {len(body):,} bytes; answer: {answer['cards'][0]['summary']} ({len(actions)} action)")
    decisions = per_second(lambda: check.answer(request, NOW), seconds)
    parses = per_second(lambda: orjson.loads(body), seconds)
    print(figure("decisions per second", decisions, at_least=3000))
    print(figure("orjson parses of the same request per second", parses))
    print(figure("parses that one decision costs", parses / decisions, 2))


if __name__ == "__main__":
    main()
