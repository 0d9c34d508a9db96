"""HTTP connections that go only where they may, and that end at a deadline however slowly a server sends.

A time limit of the usual kind starts anew with every byte; here each single read of the socket waits for
what is left until the deadline of the exchange. The address that a host name leads to is looked up once,
checked, and connected to, so that a second answer of the name server cannot lead elsewhere.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

# Below this level urllib3 logs addresses, and these name patients.
logging.getLogger("urllib3").setLevel(logging.WARNING)


class AddressRefusedError(Exception):
    """A host name leads to addresses that are not allowed."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What holds for one request: when it must be over (monotonic), and where it may connect to."""

    deadline: float
    admits: Callable[[str], bool]

    def left(self) -> float:
        """Seconds until the deadline; raises TimeoutError when there are none."""
        seconds = self.deadline - monotonic()
        if seconds <= 0:
            raise TimeoutError("deadline passed")
        return seconds


class _Current(threading.local):
    exchange: Exchange


_current: Final = _Current()


@contextmanager
def exchange(deadline: float, admits: Callable[[str], bool]) -> Iterator[Exchange]:
    """Say what holds for the request that this thread makes inside the `with` block."""
    _current.exchange = Exchange(deadline, admits)
    try:
        yield _current.exchange
    finally:
        del _current.exchange


class _TimedReader(io.RawIOBase):
    """The bytes of a socket, each read limited to what is left until the deadline."""

    def __init__(self, raw: io.RawIOBase, connected: socket.socket, within: Exchange) -> None:
        self._raw = raw
        self._socket = connected
        self._exchange = within

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._exchange.left())
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        raw: Any = self.fp.detach()
        self.fp = io.BufferedReader(_TimedReader(raw, sock, _current.exchange))


def _connect(connection: HTTPConnection) -> socket.socket:
    """Connect to the first address of the host that is allowed; raises NewConnectionError."""
    within = _current.exchange
    host = connection.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NewConnectionError(connection, "the host name leads nowhere") from error
    allowed = [each for each in found if within.admits(str(each[4][0]))]
    if not allowed:
        raise AddressRefusedError("the host name leads to an address that is not allowed")
    last: OSError | None = None
    for family, kind, protocol, _, address in allowed:
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(within.left())
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.connect(address)
        except OSError as error:
            connected.close()
            last = error
        else:
            return connected
    raise NewConnectionError(connection, "no connection") from last


class _PlainConnection(HTTPConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _TlsConnection(HTTPSConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: redirects are not followed, and not even looked at."""
        return None


def new_session(pool_size: int, ca_file: str | None) -> requests.Session:
    """A session for one server, without redirects, proxies, .netrc and cookies.

    At most `pool_size` idle connections are kept. `ca_file` is a PEM file with the authorities to trust
    instead of the public ones. Every request must be made inside `exchange(...)`. Threads may share it.
    """
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.verify = ca_file or True
    adapter = _Adapter(pool_connections=1, pool_maxsize=pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
