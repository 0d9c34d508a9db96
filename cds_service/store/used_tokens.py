"""Which tokens have been used already, known to every worker through the database."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, delete
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.database import writing
from cds_service.store.errors import describe
from cds_service.store.schema import used_token
from cds_service.store.upgrade import open_current, waiting

log = logging.getLogger(__name__)

_BUSY_TIMEOUT_MS: Final = 2_000
"""A caller waits for this answer: much less patience than the writer of decisions has."""

_PURGE_EVERY_S: Final = 60.0
_PAUSE_S: Final = 5.0
"""After a failure the database is left alone for this long, so that calls are refused at once."""


class UsedTokens:
    """The tokens used so far, by issuer and `jti`; kept until they expire. Threads may share it.

    It connects with the first token, and again in each process after a fork. The table holds digests:
    neither tokens nor what a client wrote into them.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._engine: Engine | None = None
        self._purge_at = 0.0
        self._closed_until = 0.0

    def first_use(self, issuer: str, token_id: str, expires_at: datetime) -> bool | None:
        """Note one use: True for the first, False for a later one, None when the database cannot tell.

        `expires_at` (aware) is when the token can no longer be accepted for its age alone.
        """
        if os.getpid() != self._process:
            self._leave_to_parent()
        if time.monotonic() < self._closed_until:
            return None
        try:
            return self._insert(_digest(issuer, token_id), expires_at)
        except Exception as error:  # whatever the driver raises: the caller needs an answer
            self._closed_until = time.monotonic() + _PAUSE_S
            log.error("used tokens cannot be looked up: %s", describe(error))
            return None

    def _leave_to_parent(self) -> None:
        """After a fork: the connections belong to the parent, and so may the lock."""
        if self._engine is not None:
            self._engine.dispose(close=False)
        self._lock = threading.Lock()
        self._reset()

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _insert(self, digest: str, expires_at: datetime) -> bool:
        engine = self._opened()
        dialect: Any = postgresql if engine.dialect.name == "postgresql" else sqlite
        row = {"digest": digest, "expires_at": expires_at}
        insert = dialect.insert(used_token).values(row).on_conflict_do_nothing()
        statement = insert.returning(used_token.c.digest)
        purge = time.monotonic() >= self._purge_at
        with writing(engine).begin() as connection:
            is_new = connection.execute(statement).first() is not None
        if purge:
            self._purge_at = time.monotonic() + _PURGE_EVERY_S
            with writing(engine).begin() as connection:
                connection.execute(delete(used_token).where(used_token.c.expires_at < datetime.now(UTC)))
        return is_new

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = open_current(self._url, waiting(_BUSY_TIMEOUT_MS))
            return self._engine


def _digest(issuer: str, token_id: str) -> str:
    """One name for a token; the length keeps issuer and `jti` apart."""
    return hashlib.sha256(f"{len(issuer)}:{issuer}:{token_id}".encode()).hexdigest()
