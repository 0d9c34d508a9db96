"""A minute of parallel load on the served process, SQLite and PostgreSQL; a worker is killed in the middle.

Several registered clients with the same resource ids and different patients call every order hook at once,
each call with a token and facts of its own, some with charts that are read from the client's FHIR server.
Afterwards the database must hold each answer once, as its sender's. Prints throughput and latencies.

Run: python -m bench.load [--seconds 60] [--workers 2] [--processes 2] [--threads 4] [--database both]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from bench.report import figure
from tests.fhir.ehr import server as fhir_server
from tests.load.clients import Result, first_answers, work
from tests.load.service import Service, serving
from tests.load.stored import compare
from tests.load.tenants import charts, tenants
from tests.store.postgresql import temporary_server


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/load.sqlite3"
        return
    with temporary_server() as server:
        engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE load"))
        engine.dispose()
        yield f"{server}/load"


def load(service: Service, options: argparse.Namespace, servers: Sequence[str]) -> tuple[Result, float]:
    """The load itself; gives what clients saw, and when the worker was killed."""
    plan, seen = first_answers(service.port, tenants(servers))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=context) as pool:
        list(pool.map(abs, range(options.processes)))  # all processes run before the first call
        running = [
            pool.submit(work, plan, options.threads, options.seconds, f"{number}-")
            for number in range(options.processes)
        ]
        time.sleep(options.seconds / 2)
        killed = time.monotonic()
        victim = service.kill_a_worker()
        for each in running:
            seen.add(each.result())
    service.wait_until_stored()
    if victim in service.workers() or len(service.workers()) != options.workers:
        seen.problems.append("the killed worker was not replaced")
    return seen, killed


def measure(kind: str, options: argparse.Namespace) -> list[str]:
    """One run; prints its figures, gives its problems."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(database(kind, folder))
        ehrs = [stack.enter_context(fhir_server.serving(*charts(number))) for number in range(2)]
        servers = [each.base for each in ehrs]
        clients = folder / "clients.yaml"
        clients.write_text(json.dumps({"clients": [each.registration for each in tenants(servers)]}))
        service = stack.enter_context(serving(folder, url, clients, CDS_WORKERS=str(options.workers)))
        seen, killed = load(service, options, servers)
        service.stop()
        problems = seen.problems + compare(url, seen.given)
        others = sum(each < killed for each in seen.broken)
        others += max(0, len(seen.broken) - others - options.processes * options.threads)
        problems += [f"{others} connections broke that were not the killed worker's"] if others else []
    milliseconds = sorted(each.seconds * 1_000 for each in seen.given)
    hundredths = statistics.quantiles(milliseconds, n=100)
    answers = sum(len(each.assertion_ids) for each in seen.given)
    print(f"{kind}, {options.workers} workers, {options.processes * options.threads} connections")
    print(figure("  requests per second", len(seen.given) / options.seconds))
    for name, value in (("p50", hundredths[49]), ("p90", hundredths[89]), ("p99", hundredths[98])):
        print(figure(f"  {name}, milliseconds", value, 1))
    print(f"  {len(seen.given)} calls, {answers} answered orders, {len(seen.broken)} broken connections")
    print(f"  stored = answered: {'no' if problems else 'yes'}")
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 1 when something was lost, doubled or mixed up."""
    parser = argparse.ArgumentParser(description="parallel load with several tenants and a killed worker")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args(arguments)
    kinds = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    problems = [f"{kind}: {problem}" for kind in kinds for problem in measure(kind, options)]
    print("\n".join(problems[:20]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
