"""All reads of one call, in parallel, before one deadline."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from urllib.parse import urljoin

from cds_service.fhir.availability import Availability
from cds_service.fhir.ehr.addresses import read_network
from cds_service.fhir.ehr.bases import AllowedServers, FhirBase, admits
from cds_service.fhir.ehr.queries import Fetched, Query, read_answer, search_page
from cds_service.fhir.ehr.transport import NoReplyError, Transport

_LOG: Final = logging.getLogger(__name__)
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]{1,8192}={0,8}")  # RFC 6750 2.1
_HEAD_START: Final = 0.1  # of the time: reads end that much before the call, so that what came is not lost

Shared = tuple[Transport, ThreadPoolExecutor]


@dataclass(frozen=True, slots=True)
class EhrLimits:
    """How much one call may take: seconds, queries, pages of a search, bytes; and threads of the process."""

    deadline: float = 3.0
    most_queries: int = 64
    most_pages: int = 20
    most_bytes: int = 8 * 1024 * 1024  # of one answer
    most_bytes_in_all: int = 48 * 1024 * 1024
    threads: int = 48


class EhrClient:
    """Reads FHIR servers for all calls of a process: one session for each server, one pool of threads.

    `allowed` are the servers for calls that bring no list of their own. A host name must lead to public
    addresses or into the private `networks` ("10.20.0.0/16"; ValueError for what is none). `ca_file` is a
    PEM file with the authorities to trust. Opens nothing before the first read, and starts anew in a
    forked process.
    """

    def __init__(
        self,
        allowed: AllowedServers | None = None,
        limits: EhrLimits | None = None,
        *,
        networks: Iterable[str] = (),
        ca_file: str | None = None,
    ) -> None:
        self.limits = limits or EhrLimits()
        self._allowed = allowed or AllowedServers()
        self._networks = tuple(read_network(each) for each in networks)
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._process = 0
        self._transports: dict[FhirBase, Transport] = {}
        self._executor: ThreadPoolExecutor | None = None

    def call(
        self, fhir_server: str, token: str | None, allowed: AllowedServers | None = None
    ) -> EhrCall | None:
        """Begin the reads of one call; its deadline runs from now. None when the server may not be read.

        `allowed` are the servers of the calling client, instead of those of the service. A token that no
        Authorization header can carry (RFC 6750) is refused too.
        """
        servers = self._allowed if allowed is None else allowed
        base = servers.find(fhir_server)
        if base is None or (token is not None and not _TOKEN.fullmatch(token)):
            return None
        return EhrCall(base, token, lambda: self._shared(base), self.limits)

    def close(self) -> None:
        """Let go of threads that wait for work; for tests and the end of a process."""
        with self._lock:
            executor, self._executor = self._executor, None
            self._transports.clear()
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    def _shared(self, base: FhirBase) -> Shared:
        with self._lock:
            if self._process != os.getpid():
                self._transports, self._executor = {}, None
                self._process = os.getpid()
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.limits.threads, thread_name_prefix="ehr")
            transport = self._transports.get(base)
            if transport is None:
                transport = Transport(
                    lambda address: admits(base, address, self._networks), self.limits.threads, self._ca_file
                )
                self._transports[base] = transport
            return transport, self._executor


class EhrCall:
    """The reads of one call. `ask` any number of queries, then take `answers` until there are none.

    Used by one thread. Equal queries are asked once; nothing is kept beyond the call.
    """

    def __init__(
        self,
        base: FhirBase,
        token: str | None,
        connect: Callable[[], Shared],
        limits: EhrLimits,
    ) -> None:
        self._base = base
        self._token = token
        self._connect = connect
        self._limits = limits
        self._started = monotonic()
        self._deadline = self._started + limits.deadline
        self._reads_end = self._deadline - limits.deadline * _HEAD_START
        self._stopped = threading.Event()
        self._asked: set[str] = set()
        self._pending: dict[Future[Fetched], Query] = {}
        self._refused: list[Fetched] = []
        self._bytes_left = limits.most_bytes_in_all
        self._lock = threading.Lock()

    @property
    def base_url(self) -> str:
        """The server that is read."""
        return self._base.url

    @property
    def asked(self) -> int:
        """How many different queries were asked."""
        return len(self._asked)

    @property
    def seconds(self) -> float:
        """Time since the call began."""
        return monotonic() - self._started

    def ask(self, query: Query) -> None:
        """Start a query, unless the same was asked before; beyond the most queries of a call it fails."""
        if query.path in self._asked:
            return
        if len(self._asked) >= self._limits.most_queries or monotonic() >= self._reads_end:
            self._refused.append(Fetched(query, Availability.FAILED))
        else:
            try:
                transport, executor = self._connect()
                self._pending[executor.submit(self._run, transport, query)] = query
            except RuntimeError:  # the process is ending
                self._refused.append(Fetched(query, Availability.FAILED))
        self._asked.add(query.path)

    def answers(self) -> Iterator[Fetched]:
        """Answers as they come; those still missing at the deadline come as FAILED. Never raises."""
        while self._pending or self._refused:
            refused, self._refused = self._refused, []
            yield from refused
            done, _ = wait(self._pending, max(0.0, self._deadline - monotonic()), FIRST_COMPLETED)
            if not done and self._pending:
                yield from self._give_up()
            for future in done:
                yield _result(future, self._pending.pop(future))

    def _give_up(self) -> list[Fetched]:
        self._stopped.set()
        given_up = [Fetched(query, Availability.FAILED) for query in self._pending.values()]
        for future in self._pending:
            future.cancel()
        self._pending.clear()
        return given_up

    # -- in a thread of the pool --------------------------------------------------------------------------

    def _run(self, transport: Transport, query: Query) -> Fetched:
        url = f"{self._base.url}/{query.path}"
        if query.identity is not None:
            status, body = self._get(transport, url)
            return read_answer(query, status, body)
        return self._search(transport, query, url)

    def _search(self, transport: Transport, query: Query, url: str | None) -> Fetched:
        """All pages of a search; what came before trouble is kept."""
        resources: list[dict[str, Any]] = []
        seen: set[str] = set()
        failed = False
        while url is not None and not failed:
            seen.add(url)
            try:
                status, body = self._get(transport, url)
            except NoReplyError as error:
                _log(query, str(error))
                failed = True
                break
            page = search_page(query, status, body)
            resources.extend(page.resources)
            failed = page.failed
            following = None if page.next_link is None else urljoin(url, page.next_link)
            if following is not None and (
                following in seen or len(seen) >= self._limits.most_pages or not self._base.holds(following)
            ):
                failed = True  # a page that is not read may hold what counts
            url = following
        if failed:
            return Fetched(query, Availability.FAILED, tuple(resources))
        known = Availability.AVAILABLE if resources else Availability.EMPTY
        return Fetched(query, known, tuple(resources))

    def _get(self, transport: Transport, url: str) -> tuple[int, bytes]:
        if self._stopped.is_set():
            raise NoReplyError("stopped", again=False)
        with self._lock:
            most = min(self._limits.most_bytes, self._bytes_left)
        reply = transport.get(url, self._token, self._reads_end, most, self._stopped)
        with self._lock:
            self._bytes_left -= len(reply.body)
        return reply


def _result(future: Future[Fetched], query: Query) -> Fetched:
    try:
        return future.result(timeout=0)
    except NoReplyError as error:
        _log(query, str(error))
    except CancelledError:
        pass
    except Exception as error:
        _log(query, type(error).__name__)
    return Fetched(query, Availability.FAILED)


def _log(query: Query, kind: str) -> None:
    """What went wrong with which type of resource; no address, which may name a patient."""
    _LOG.info("EHR read failed", extra={"resourceType": query.resource_type, "trouble": kind})
