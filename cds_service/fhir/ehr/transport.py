"""GET requests to one FHIR server: bearer token, size limit, deadline, careful repetition."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import requests

_CHUNK: Final = 65_536
_BUSY: Final = frozenset({429, 503})
_MOST_ATTEMPTS: Final = 3
_FIRST_PAUSE: Final = 0.1  # seconds; doubles
_ACCEPT: Final = "application/fhir+json, application/json;q=0.9"


class Reply(NamedTuple):
    """Status and body of an answer; the body is empty unless the status is 200."""

    status: int
    body: bytes = b""


class NoReplyError(Exception):
    """There was no whole answer: no connection, cut off, too late, too large. Names only the kind."""

    def __init__(self, kind: str, *, again: bool) -> None:
        super().__init__(kind)
        self.again = again  # whether the same request may go better


class Transport:
    """Reads of one server over a shared session; safe for threads.

    `admits` says whether the host may be at a network address. The token is an argument of each request
    and kept nowhere.
    """

    def __init__(self, admits: Callable[[str], bool], pool_size: int, ca_file: str | None) -> None:
        from cds_service.fhir.ehr.connection import new_session

        self._admits = admits
        self._session: requests.Session = new_session(pool_size, ca_file)

    def get(
        self, url: str, token: str | None, deadline: float, most_bytes: int, stopped: threading.Event
    ) -> Reply:
        """The answer to a GET, before `deadline` (monotonic); raises NoReplyError.

        A GET changes nothing, so one that failed without an answer, or was told to come back later (429,
        503), is repeated while there is time: after Retry-After (RFC 9110 10.2.3), else a short pause.
        """
        pause = _FIRST_PAUSE
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            wait = pause
            try:
                reply, later = self._once(url, token, deadline, most_bytes)
                if reply.status not in _BUSY or attempt == _MOST_ATTEMPTS:
                    return reply
                wait = pause if later is None else later
                if monotonic() + wait >= deadline:
                    return reply
            except NoReplyError as error:
                if not error.again or attempt == _MOST_ATTEMPTS or monotonic() + wait >= deadline:
                    raise
            if stopped.wait(wait):
                raise NoReplyError("stopped", again=False)
            pause *= 2
        raise NoReplyError("no attempt", again=False)

    def _once(
        self, url: str, token: str | None, deadline: float, most_bytes: int
    ) -> tuple[Reply, float | None]:
        import requests

        from cds_service.fhir.ehr.connection import AddressRefusedError, exchange

        headers = {"Accept": _ACCEPT}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            with (
                exchange(deadline, self._admits) as within,
                self._session.get(
                    url, headers=headers, stream=True, allow_redirects=False, timeout=within.left()
                ) as response,
            ):
                if response.status_code != 200:
                    return Reply(response.status_code), _retry_after(response.headers.get("Retry-After"))
                return Reply(200, _body(response, most_bytes)), None
        except NoReplyError:
            raise
        except (AddressRefusedError, requests.exceptions.InvalidURL):
            raise NoReplyError("address refused", again=False) from None
        except (requests.exceptions.SSLError, requests.exceptions.InvalidHeader):
            raise NoReplyError("TLS or header refused", again=False) from None
        except Exception as error:  # whatever a server can provoke; its message may name the patient
            late = monotonic() >= deadline
            cut_off = (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)
            again = isinstance(error, cut_off) and not late
            raise NoReplyError("too late" if late else type(error).__name__, again=again) from None


def _body(response: requests.Response, most_bytes: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > most_bytes:
            raise NoReplyError("too large", again=False)
    return bytes(body)


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait by a Retry-After header, as a number or a date; None without a usable one."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
