"""From the start of `cds-service serve` to its first answer, and the memory of each worker.

Prints seconds (target at most 1.5) and megabytes (target at most 150, after a thousand answers).

Run: python -m bench.start [--rounds 3] [--server gunicorn|granian]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path

import orjson

from bench.http import HEADERS, PATH, free_port, throughput
from bench.report import figure
from bench.request import order_sign_request


def first_answer(port: int, body: bytes, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Return when the first hook call was answered; raises when the server ends or time is up."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", PATH, body, HEADERS)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError("the server did not answer")


def megabytes(process: int) -> float:
    """Resident memory of one process, shared pages included (Linux)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no such process")


def children(process: int) -> list[int]:
    """The worker processes of a server (Linux)."""
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="start to first answer, and memory per worker")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server", choices=["gunicorn", "granian"], default="gunicorn")
    options = parser.parse_args(arguments)
    body = orjson.dumps(order_sign_request())
    times, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            port = free_port()
            environment = os.environ | {
                "CDS_LOG_LEVEL": "ERROR",
                "CDS_SERVER": options.server,
                "CDS_DATABASE_URL": f"sqlite:///{folder}/start.sqlite3",
            }
            command = [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port)]
            start = time.perf_counter()
            process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            try:
                first_answer(port, body, process)
                times.append(time.perf_counter() - start)
                throughput(port, body, 1000, 8)
                sizes += [megabytes(worker) for worker in children(process.pid)]
            finally:
                process.terminate()
                process.wait(timeout=30)
    print(figure(f"seconds to the first answer, best of {len(times)}", min(times), 2, at_most=1.5))
    print(figure(f"megabytes of a worker, largest of {len(sizes)}", max(sizes), at_most=150))


if __name__ == "__main__":
    main()
