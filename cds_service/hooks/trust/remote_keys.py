"""The keys behind one address: cached, renewed in time, and still there when the address is not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from cds_service.hooks.trust.errors import KeysUnavailableError
from cds_service.hooks.trust.fetch import Fetch
from cds_service.hooks.trust.keys import VerificationKey, choose, read_key_set

logger = logging.getLogger(__name__)

FRESH_S: Final = 300.0
"""Keys younger than this are used without asking again."""

COOLDOWN_S: Final = 30.0
"""The shortest time between two fetches, whatever key ids callers invent."""

STALE_S: Final = 86_400.0
"""How long known keys go on counting when they cannot be fetched again."""


class RemoteKeys:
    """The key set of one registered address. Threads share it; each process has its own."""

    def __init__(self, url: str, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[VerificationKey, ...] = ()
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")

    def find(self, key_id: str, algorithm: str) -> VerificationKey | None:
        """The key of this id for this algorithm, fetched when needed; None when the set has none such.

        An unknown id makes one fetch in a cooldown, so that a rotated key works at once and a made-up id
        costs nothing. Raises KeysUnavailableError when no keys are known and none can be fetched.
        """
        key = choose(self._keys, key_id, algorithm)
        if key is None or self._clock() - self._fetched_at > FRESH_S:
            self._renew(key_id, algorithm)
            if self._clock() - self._fetched_at > STALE_S:
                raise KeysUnavailableError(f"{self._url}: keys cannot be fetched")
            key = choose(self._keys, key_id, algorithm)
        return key

    def _renew(self, key_id: str, algorithm: str) -> None:
        """Fetch unless that was tried a moment ago. Only who has no key yet waits while another fetches."""
        needed = choose(self._keys, key_id, algorithm) is None
        if not self._lock.acquire(blocking=needed):
            return
        try:
            known = choose(self._keys, key_id, algorithm) is not None
            fresh = self._clock() - self._fetched_at <= FRESH_S
            if not (known and fresh) and self._clock() - self._tried_at >= COOLDOWN_S:
                self._tried_at = self._clock()
                self._take(self._fetch(self._url))
        except KeysUnavailableError as error:
            logger.warning("keys cannot be fetched", extra={"address": self._url, "reason": str(error)})
        finally:
            self._lock.release()

    def _take(self, content: bytes) -> None:
        self._keys = read_key_set(content)
        self._fetched_at = self._clock()
