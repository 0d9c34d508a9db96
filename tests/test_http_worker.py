"""What is no HTTP: refused like everything else, by the served process, without repeating what was sent."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from bench.http import free_port, wait_until_served

pytestmark = pytest.mark.xdist_group("http-worker")

SECRET = "eyJhbGciOiJFUzM4NCJ9.secret-token"
CALL = "POST /cds-services/order-sign-crd HTTP/1.1\r\nHost: here\r\n"
JSON = "Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of a service, and the file that its log goes to."""
    folder = tmp_path_factory.mktemp("served")
    port = free_port()
    environment = os.environ | {
        "CDS_PORT": str(port),
        "CDS_WORKERS": "1",
        "CDS_DATABASE_URL": f"sqlite:///{folder}/d.sqlite3",
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cds_service.cli", "serve"], env=environment, stderr=output
        )
    try:
        wait_until_served(port, process)
        yield port, log
    finally:
        process.terminate()
        process.wait(timeout=30)


def send(port: int, request: str) -> tuple[int, Any, bytes]:
    """Status, content type and body of the answer to raw bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection)
        response.begin()
        return response.status, response.getheader("Content-Type"), response.read()


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (f"{CALL}Authorization: Bearer {SECRET}{'x' * 9_000}\r\n\r\n", 431),
        (f"{CALL}{''.join(f'X-{n}: {SECRET}{chr(13)}{chr(10)}' for n in range(150))}\r\n", 431),
        (f"POST /{SECRET}{'x' * 9_000} HTTP/1.1\r\n\r\n", 414),
        (f"{CALL}Authorization: Bearer {SECRET}\0\r\n\r\n", 400),
        (f"{CALL}Bearer {SECRET}: x\r\n\r\n", 400),
        (f"{CALL}Content-Length: {SECRET}\r\n\r\n", 400),
        (f"{CALL}Content-Length: -1\r\n\r\n", 400),
        (f"{CALL}Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (f"{CALL}Transfer-Encoding: {SECRET}\r\n\r\n", 400),
        (f"{CALL}Authorization: Bearer\r\n {SECRET}\r\n\r\n", 400),
        (f"{CALL}Expect: {SECRET}\r\n\r\n", 417),
        (f"POST /cds-services HTTP/{SECRET}\r\n\r\n", 400),
        (f"{SECRET}\r\n\r\n", 400),
    ],
    ids=range(13),
)
def test_what_is_no_http_gets_an_operation_outcome_that_repeats_nothing(
    served: tuple[int, Path], request_text: str, status: int
) -> None:
    port, log = served
    got, content_type, body = send(port, request_text)
    assert (got, content_type) == (status, "application/fhir+json")
    outcome = json.loads(body)
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "CDS-1499"
    assert SECRET not in body.decode()
    assert SECRET not in log.read_text()


@pytest.mark.parametrize(
    "chunks", ["zz\r\n{}\r\n0\r\n\r\n", "5\r\n{}", "2\r\n{}xx\r\n0\r\n\r\n", "-1\r\n{}\r\n0\r\n\r\n"]
)
def test_a_body_whose_chunks_are_wrong_is_the_clients_fault(served: tuple[int, Path], chunks: str) -> None:
    port, _ = served
    status, content_type, body = send(port, f"{CALL}{JSON}Transfer-Encoding: chunked\r\n\r\n{chunks}")
    assert 400 <= status < 500
    assert content_type == "application/fhir+json"
    assert json.loads(body)["resourceType"] == "OperationOutcome"


def test_the_worker_goes_on_afterwards(served: tuple[int, Path]) -> None:
    port, log = served
    assert send(port, "GET /health/live HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")[0] == 200
    assert "Traceback" not in log.read_text()
