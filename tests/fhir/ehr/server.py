"""A FHIR server on loopback that answers well or badly, and remembers what it was asked."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

Json = dict[str, Any]


class Handler(BaseHTTPRequestHandler):
    """One connection; `self.server.fhir` decides what is answered."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        fhir: FhirServer = self.server.fhir  # type: ignore[attr-defined]
        fhir.asked.append((self.path, dict(self.headers)))
        fhir.connections.add(self.client_address)
        with fhir.answering():
            try:
                fhir.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    def send(self, status: int, body: bytes, kind: str = "application/fhir+json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Tests are silent."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *arguments: Any) -> None:
        """Clients that go away are what these tests are about."""


Answer = Callable[[Handler, "FhirServer"], None]


class FhirServer:
    """Resources by type and id; `faults` stand in for the good answer wherever the path contains the key."""

    def __init__(self, *resources: Json, tls: ssl.SSLContext | None = None) -> None:
        self.resources = list(resources)
        self.faults: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.connections: set[Any] = set()
        self.most_at_once = 0
        self.together: threading.Barrier | None = None
        self._now = 0
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.http = _Quiet(("127.0.0.1", 0), Handler)
        self.http.fhir = self  # type: ignore[attr-defined]
        if tls is not None:
            self.http.socket = tls.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_port
        self.base = f"http://127.0.0.1:{self.port}/fhir"

    @property
    def paths(self) -> list[str]:
        """What was asked for, below the base."""
        return [path.removeprefix("/fhir/") for path, _ in self.asked]

    @property
    def tokens(self) -> set[str | None]:
        return {headers.get("Authorization") for _, headers in self.asked}

    @contextmanager
    def answering(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def answer(self, handler: Handler) -> None:
        if self.together is not None:
            self.together.wait(5)
        for part, fault in self.faults.items():
            if part in handler.path:
                return fault(handler, self)
        return self.well(handler)

    def well(self, handler: Handler) -> None:
        url = urlsplit(handler.path)
        kind, _, identity = url.path.removeprefix("/fhir/").partition("/")
        of_type = [each for each in self.resources if each["resourceType"] == kind]
        if identity:
            found = next((each for each in of_type if each.get("id") == identity), None)
            if found is None:
                handler.send(404, orjson.dumps({"resourceType": "OperationOutcome", "issue": []}))
            else:
                handler.send(200, orjson.dumps(found))
            return
        page = int(parse_qs(url.query).get("page", ["0"])[0])
        handler.send(200, orjson.dumps(searchset(*of_type) if page == 0 else searchset()))


def searchset(*resources: Json, **elements: Any) -> Json:
    entries = [{"resource": each, "search": {"mode": "match"}} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries} | elements


@contextmanager
def serving(*resources: Json, tls: ssl.SSLContext | None = None) -> Iterator[FhirServer]:
    server = FhirServer(*resources, tls=tls)
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.http.shutdown()
        server.http.server_close()
        thread.join()


# -- faults -------------------------------------------------------------------------------------------------


def status(code: int, body: bytes = b"{}", kind: str = "application/fhir+json", **headers: str) -> Answer:
    return lambda handler, server: handler.send(code, body, kind, **headers)


def body(text: bytes, kind: str = "application/fhir+json") -> Answer:
    return status(200, text, kind)


def document(value: Any) -> Answer:
    return body(orjson.dumps(value))


def silence(handler: Handler, server: FhirServer) -> None:
    """Takes the request and says nothing."""
    server.over.wait(10)
    handler.close_connection = True


def dribbled_body(handler: Handler, server: FhirServer) -> None:
    """A byte at a time, each soon enough for any ordinary time limit."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not server.over.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def dribbled_header(handler: Handler, server: FhirServer) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not server.over.wait(0.02):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def dribbled_chunk(handler: Handler, server: FhirServer) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not server.over.wait(0.02):
        handler.wfile.write(b"0")
        handler.wfile.flush()


def endless(handler: Handler, server: FhirServer) -> None:
    """As much as anybody takes."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    while not server.over.is_set():
        handler.wfile.write(b" " * 65_536)


def truncated(handler: Handler, server: FhirServer) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"resourceType":')
    handler.close_connection = True


def dropped(handler: Handler, server: FhirServer) -> None:
    """The connection is reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def first(*answers: Answer) -> Answer:
    """These answers one after the other, then the good one."""
    remaining = list(answers)

    def give(handler: Handler, server: FhirServer) -> None:
        (remaining.pop(0) if remaining else lambda each, _: server.well(each))(handler, server)

    return give


def paged(*pages: Json) -> Answer:
    """Page n under `page=n`, each with a link to the next."""

    def give(handler: Handler, server: FhirServer) -> None:
        number = int(parse_qs(urlsplit(handler.path).query).get("page", ["0"])[0])
        bundle = pages[number]
        if number + 1 < len(pages):
            kind = urlsplit(handler.path).path.rpartition("/")[2]
            link = {"relation": "next", "url": f"{server.base}/{kind}?page={number + 1}"}
            bundle = bundle | {"link": [link]}
        handler.send(200, orjson.dumps(bundle))

    return give


def linked(url: str, *resources: Json) -> Answer:
    """One page whose next one is said to be at `url`."""
    return document(searchset(*resources, link=[{"relation": "next", "url": url}]))
