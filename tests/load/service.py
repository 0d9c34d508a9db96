"""`cds-service serve` as its own process group, whose workers can be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 60


@dataclass
class Service:
    """A running service with its database and its spool."""

    process: subprocess.Popen[bytes]
    port: int
    database_url: str
    spool: Path
    log: Path

    @property
    def base(self) -> str:
        """The address that tokens name."""
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(each) for each in children]

    def kill_a_worker(self) -> int:
        """`kill -9` one of them; gives its process id."""
        victim = self.workers()[0]
        os.kill(victim, signal.SIGKILL)
        return victim

    def kill_all(self) -> None:
        """`kill -9` everything at once, as when the machine runs out of memory."""
        for each in (self.process.pid, *self.workers()):
            os.kill(each, signal.SIGKILL)
        self.process.wait(timeout=10)

    def left_in_spool(self) -> int:
        """Bytes that wait for the database."""
        try:
            return sum(each.stat().st_size for each in self.spool.iterdir())
        except FileNotFoundError:
            return 0

    def wait_until_stored(self, seconds: float = 30) -> None:
        """Return when nothing waits any more, of killed workers neither."""
        deadline = time.monotonic() + seconds
        while self.left_in_spool():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.left_in_spool()} bytes wait in the spool after {seconds} s")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as an operator does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=10)


@contextmanager
def serving(folder: Path, database_url: str, clients_file: Path, **settings: str) -> Iterator[Service]:
    """Start it on a free port of loopback; stops it at the end."""
    port = _free_port()
    environment: Mapping[str, str] = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CDS_", "COV_"))},
        "CDS_PORT": str(port),
        "CDS_DATABASE_URL": database_url,
        "CDS_SPOOL_DIR": str(folder / "spool"),
        "CDS_CLIENTS_FILE": str(clients_file),
        "CDS_PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "CDS_RATE_LIMIT": "0",
        "CDS_LOG_LEVEL": "WARNING",
        **settings,
    }
    log = folder / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cds_service.cli", "serve"], env=environment, stdout=output, stderr=output
        )
    service = Service(process, port, database_url, folder / "spool", log)
    try:
        _wait(service)
        yield service
    finally:
        service.stop()


def _wait(service: Service) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while service.process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", service.port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the service does not start: {service.log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
