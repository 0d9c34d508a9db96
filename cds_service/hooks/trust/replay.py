"""Used tokens without a database: in one process only, and as a stand-in while the database is down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from cds_service.hooks.trust.authentication import FirstUse

_PURGE_EVERY: Final = 1_000


class UsedHere:
    """The tokens that this process saw, until they expire."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str], float] = {}

    def __call__(self, issuer: str, token_id: str, expires_at: datetime) -> bool:
        """True for the first use of this token in this process."""
        with self._lock:
            if (issuer, token_id) in self._until:
                return False
            self._until[issuer, token_id] = expires_at.timestamp()
            if len(self._until) % _PURGE_EVERY == 0:
                now = self._clock()
                self._until = {name: until for name, until in self._until.items() if until > now}
            return True


def with_stand_in(shared: FirstUse, here: FirstUse) -> FirstUse:
    """Ask both; what `here` has seen is refused, and its word counts while `shared` cannot tell."""

    def first_use(issuer: str, token_id: str, expires_at: datetime) -> bool | None:
        if not here(issuer, token_id, expires_at):
            return False
        known = shared(issuer, token_id, expires_at)
        return True if known is None else known

    return first_use
