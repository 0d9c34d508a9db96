"""Over HTTP: our order-sign against a bare Flask view that parses the same body and returns a fixed card.

Both run under the same server with the same settings, one after the other in alternating rounds; requests are
bounded in number and stay on loopback. Prints the ratio of the throughputs: the target is at least 0.5.

Run: python -m bench.http [--requests 800] [--rounds 7] [--clients 8] [--server gunicorn|granian]
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import orjson

from bench.report import figure
from bench.request import order_sign_request

PATH = "/cds-services/order-sign-crd"
HEADERS = {"Content-Type": "application/json"}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(command: Sequence[str], server: str, folder: Path) -> Iterator[int]:
    """A server process answering on the port given, until the block ends."""
    port = free_port()
    environment = os.environ | {
        "CDS_SERVER": server,
        "CDS_PORT": str(port),
        "CDS_LOG_LEVEL": "WARNING",
        "CDS_DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
    }
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until_served(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_served(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Return when a connection is accepted; raises when the process ends or time is up."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the server did not start")


def throughput(port: int, body: bytes, requests: int, clients: int) -> float:
    """Requests per second over keep-alive connections; raises when an answer is not 200."""
    failures: list[str] = []

    def client(count: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        for _ in range(count):
            connection.request("POST", PATH, body, HEADERS)
            response = connection.getresponse()
            content = response.read()
            if response.status != 200:
                failures.append(f"{response.status}: {content[:200]!r}")
        connection.close()

    threads = [threading.Thread(target=client, args=(requests // clients,)) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if failures:
        raise RuntimeError(failures[0])
    return requests // clients * clients / seconds


def warm_up(port: int, body: bytes, clients: int) -> None:
    """Let every worker load what it loads late: each opens the decision store with its first decision."""
    throughput(port, body, clients * 20, clients)
    time.sleep(3)
    throughput(port, body, clients * 50, clients)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="order-sign over HTTP against a bare view")
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--server", choices=["gunicorn", "granian"], default="gunicorn")
    options = parser.parse_args(arguments)
    body = orjson.dumps(order_sign_request())
    figures: dict[str, list[float]] = {"bare view": [], "order-sign": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        served(["bench.bare_view"], options.server, Path(folder)) as bare,
        served(["cds_service.cli", "serve"], options.server, Path(folder)) as ours,
    ):
        for port in (bare, ours):
            warm_up(port, body, options.clients)
        for _ in range(options.rounds):
            figures["bare view"].append(throughput(bare, body, options.requests, options.clients))
            figures["order-sign"].append(throughput(ours, body, options.requests, options.clients))
    for name, values in figures.items():
        print(figure(f"{name}, requests per second", statistics.median(values)))
    ratios = [ours / bare for bare, ours in zip(*figures.values(), strict=True)]
    print(figure("ratio of the throughputs", statistics.median(ratios), 2, at_least=0.5))


if __name__ == "__main__":
    main()
