"""`cds-service serve` as an EHR meets it: the hook over HTTP, the card, its link."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "fhir_examples"
LINK = "Answer the open questions"


@dataclass(frozen=True)
class Service:
    """A running service and the file that its log goes to."""

    base: str
    log: Path

    def fire(self, request: dict[str, Any]) -> dict[str, Any]:
        """One hook call."""
        call = urllib.request.Request(
            f"{self.base}/cds-services/order-sign-crd",
            json.dumps(request).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(call, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def link(self, request: dict[str, Any]) -> str:
        """The link to the form on the card that answers a call."""
        cards = self.fire(request)["cards"]
        (url,) = (link["url"] for card in cards for link in card.get("links", ()) if link["label"] == LINK)
        return str(url)


def example(name: str, order_id: str) -> dict[str, Any]:
    """A request of the examples about an order of one's own, asked in CRD 2.0, whose clients get links."""
    text = (EXAMPLES / f"{name}.json").read_text()
    request: dict[str, Any] = json.loads(text)
    (entry,) = request["context"]["draftOrders"]["entry"]
    request = json.loads(text.replace(entry["resource"]["id"], order_id))
    for extensible in (request, request["prefetch"]):
        extensible.pop("extension", None)
    request.pop("fhirServer", None)
    request.pop("fhirAuthorization", None)
    return request


def coverage_information(answer: dict[str, Any]) -> dict[str, Any]:
    """The parts of the coverage information on the order of an answer, by name."""
    (action,) = answer["systemActions"]
    (information,) = (
        each for each in action["resource"]["extension"] if each["url"].endswith("ext-coverage-information")
    )
    return {
        part["url"]: next(value for name, value in part.items() if name.startswith("value"))
        for part in information["extension"]
        if "extension" not in part
    }


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Service]:
    """Start it on a free port of loopback with a database of its own; stops it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CDS_", "COV_"))}
    environment |= {
        "CDS_PORT": str(port),
        "CDS_DATABASE_URL": f"sqlite:///{folder}/service.sqlite3",
        "CDS_DEFAULT_CRD_VERSION": "2.0",
        **settings,
    }
    log = folder / "service.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "cds_service.cli", "serve"], env=environment, cwd=folder, stderr=written
        )
        try:
            _wait(port, process)
            yield Service(f"http://127.0.0.1:{port}", log)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the service did not start")
