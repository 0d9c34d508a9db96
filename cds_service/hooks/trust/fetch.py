"""Fetching a key set from the one address it was registered with, and from nowhere else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from requests import RequestException, Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError

from cds_service.fhir.ehr import addresses
from cds_service.hooks.trust.errors import KeysUnavailableError
from cds_service.hooks.trust.keys import MOST_BYTES

Fetch = Callable[[str], bytes]

DEADLINE_S: Final = 2.0


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet: not private, loopback, link-local or the like."""
    read = addresses.read_address(address)
    return read is not None and addresses.is_public(read)


@dataclass(frozen=True, slots=True)
class KeyFetcher:
    """Gets one https address: no redirect, no proxy or credentials from the environment, bounded all round.

    `deadline` covers everything, name resolution included. The address that is really connected to
    is checked, so a name that changes its mind between two resolutions (DNS rebinding) gains nothing.
    """

    allow_private: bool = False
    ca_file: Path | None = None
    deadline: float = DEADLINE_S

    def __call__(self, url: str) -> bytes:
        """The body of a 200 answer; raises KeysUnavailableError with a reason that may be logged."""
        outcome: list[bytes | KeysUnavailableError] = []
        attempt = _Attempt(url, self.allow_private, self.ca_file, time.monotonic() + self.deadline)

        def run() -> None:
            try:
                outcome.append(attempt.get())
            except KeysUnavailableError as error:
                outcome.append(error)
            except (RequestException, HTTPError, OSError, ValueError) as error:
                outcome.append(KeysUnavailableError(f"{url}: {type(error).__name__}"))

        thread = threading.Thread(target=run, name="key-fetch", daemon=True)
        thread.start()
        thread.join(self.deadline)
        attempt.stop()
        if not outcome:
            raise KeysUnavailableError(f"{url}: no answer within {self.deadline} s")
        if isinstance(outcome[0], KeysUnavailableError):
            raise outcome[0]
        return outcome[0]


class _Attempt:
    """One request, whose connection can be cut from outside."""

    def __init__(self, url: str, allow_private: bool, ca_file: Path | None, until: float) -> None:
        self._url = url
        self._allow_private = allow_private
        self._ca_file = ca_file
        self._until = until
        self._sockets: list[socket.socket] = []
        self._stopped = False

    def get(self) -> bytes:
        if not self._url.startswith("https://"):
            raise KeysUnavailableError(f"{self._url}: not https")
        with Session() as session:
            session.trust_env = False
            session.mount("https://", _Adapter(self._admit))
            with session.get(
                self._url,
                headers={
                    "Accept": "application/jwk-set+json, application/json",
                    "Accept-Encoding": "identity",
                },
                timeout=max(self._until - time.monotonic(), 0.01),
                allow_redirects=False,
                stream=True,
                verify=str(self._ca_file) if self._ca_file else True,
            ) as response:
                return self._body(response)

    def _body(self, response: Response) -> bytes:
        if response.status_code != 200:
            raise KeysUnavailableError(f"{self._url}: HTTP status {response.status_code}")
        body = response.raw.read(MOST_BYTES + 1, decode_content=True)
        if len(body) > MOST_BYTES:
            raise KeysUnavailableError(f"{self._url}: larger than {MOST_BYTES} bytes")
        return bytes(body)

    def _admit(self, connection: socket.socket) -> None:
        """Look at the address that was really connected to; raises KeysUnavailableError."""
        self._sockets.append(connection)
        if self._stopped or not (self._allow_private or is_public(str(connection.getpeername()[0]))):
            connection.close()
            raise KeysUnavailableError(f"{self._url}: not a public address")

    def stop(self) -> None:
        """Cut the connection, so that a server that drips cannot hold the thread."""
        self._stopped = True
        for each in self._sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already


class _Adapter(HTTPAdapter):
    """A transport that shows every new connection to `admit` before a byte is sent."""

    def __init__(self, admit: Callable[[socket.socket], None]) -> None:
        self._admit = admit
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Use connections of our own kind for https, and none for anything else."""
        super().init_poolmanager(*arguments, **options)
        admit = self._admit

        class Connection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                connected = super()._new_conn()
                admit(connected)
                return connected

        class Pool(HTTPSConnectionPool):
            ConnectionCls = Connection

        self.poolmanager.pool_classes_by_scheme = {"https": Pool}
