"""A key server on loopback with a certificate of its own, whose behaviour a test chooses."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[ssl.SSLSocket, threading.Event], None]


class KeyServer:
    """Where it listens, which paths were asked for, and how it behaves."""

    def __init__(self, port: int, ca_file: Path) -> None:
        self.url = f"https://localhost:{port}/jwks.json"
        self.ca_file = ca_file
        self.asked: list[str] = []
        self.connections = 0
        self.behaviour: Behaviour = answer(b"{}")
        self.stop = threading.Event()

    def serve_keys(self, keys: dict[str, Any]) -> None:
        """Answer with this key set from now on."""
        self.behaviour = answer(json.dumps(keys).encode())


def answer(body: bytes, status: str = "200 OK", **headers: str) -> Behaviour:
    """One plain answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines) + "\r\n\r\n"

    def behave(connection: ssl.SSLSocket, stop: threading.Event) -> None:
        connection.sendall(head.encode() + body)

    return behave


def silence(connection: ssl.SSLSocket, stop: threading.Event) -> None:
    """No answer at all."""
    stop.wait(30)


def drip(connection: ssl.SSLSocket, stop: threading.Event) -> None:
    """A byte now and then, each in time for itself."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stop.wait(0.05):
        connection.sendall(b" ")


@contextmanager
def key_server(folder: Path) -> Iterator[KeyServer]:
    """A server in this process, until the block ends."""
    certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = KeyServer(listener.getsockname()[1], certificate)
        thread = threading.Thread(target=_accept, args=(listener, context, server), daemon=True)
        thread.start()
        yield server
        server.stop.set()
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _accept(listener: socket.socket, context: ssl.SSLContext, server: KeyServer) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        server.connections += 1
        threading.Thread(target=_serve, args=(plain, context, server), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, server: KeyServer) -> None:
    try:
        with context.wrap_socket(plain, server_side=True) as connection:
            request = b""
            while b"\r\n\r\n" not in request:
                if not (part := connection.recv(4096)):
                    return
                request += part
            server.asked.append(request.split()[1].decode())
            server.behaviour(connection, server.stop)
    except OSError:
        return


def _certificate(folder: Path) -> Path:
    """A self-signed certificate for localhost with its key, in one PEM file."""
    path = folder / "localhost.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
