"""How many calls a client may make: a token bucket for each client, in each process."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable


class RateLimit:
    """At most `per_minute` calls a minute and client, as many at once after a quiet minute; 0: no limit.

    Each worker process counts for itself: no call waits for the others, and the limit of the server is
    this one times its workers. Clients are registered ones, so their number is bounded.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[Hashable, tuple[float, float]] = {}  # client -> (calls left, as of)

    def take(self, client: Hashable) -> int | None:
        """Count one call: None when it is admitted, else the whole seconds to wait before the next one."""
        if not self._capacity:
            return None
        with self._lock:
            now = self._clock()
            left, then = self._buckets.get(client, (self._capacity, now))
            left = min(self._capacity, left + (now - then) * self._per_second)
            if left >= 1:
                self._buckets[client] = (left - 1, now)
                return None
            self._buckets[client] = (left, now)
            return max(1, math.ceil((1 - left) / self._per_second))
