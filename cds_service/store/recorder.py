"""Recording decisions off the answer's path: a bounded queue and one writer thread per process."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from cds_service.store.errors import describe, is_worth_trying_again, summarise
from cds_service.store.model import Record, RecorderStatus

log = logging.getLogger(__name__)


class Writer(Protocol):
    """What the recorder needs of a store: `DecisionStore`, or a stand-in in tests."""

    def write(self, records: Sequence[Record]) -> None: ...
    def close(self) -> None: ...


def open_store(url: str) -> Writer:
    """The real store. SQLAlchemy is imported here, in the writer thread, not at start."""
    from cds_service.store.decisions import DecisionStore

    return DecisionStore.open(url)


class DecisionRecorder:
    """Keeps decisions, and the log of calls and feedback, without ever delaying or failing an answer.

    `capacity` bounds the records waiting in memory; beyond it new ones are counted as dropped.
    `batch_size` records at most are written in one transaction, gathered for `linger` seconds.
    After a failure the writer waits `first_pause` seconds, doubling up to `longest_pause`.
    `on_progress` is told, by the writer thread, how it stands after each try; it must not raise.
    The writer thread starts with the first record or the first `status()` in each process, so an
    instance made before a fork works in every child.
    """

    def __init__(
        self,
        url: str,
        *,
        capacity: int = 10_000,
        batch_size: int = 200,
        linger: float = 0.02,
        first_pause: float = 0.2,
        longest_pause: float = 30.0,
        open_store: Callable[[str], Writer] = open_store,
        on_progress: Callable[[RecorderStatus], None] | None = None,
    ) -> None:
        self._url = url
        self._capacity = capacity
        self._batch_size = batch_size
        self._linger = linger
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._open_store = open_store
        self._on_progress = on_progress
        self._reset()
        _recorders.add(self)

    def _reset(self) -> None:
        """Begin afresh: in the constructor, and in a child process, where no thread of the parent lives."""
        self._changed = threading.Condition()
        self._queue: deque[Record] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._deadline = 0.0
        self._reached: bool | None = None  # None until the database was first tried
        self._written = 0
        self._dropped = 0
        self._last_error: str | None = None

    def record(self, record: Record) -> None:
        """Take a record for writing. Never waits for the database and never raises."""
        with self._changed:
            if self._closing or len(self._queue) >= self._capacity or not self._started():
                self._dropped += 1
                first = self._dropped == 1
            else:
                self._queue.append(record)
                if len(self._queue) in (1, self._batch_size):  # else the writer is awake, or gathering
                    self._changed.notify_all()
                return
        if first:
            log.error("records are being dropped: the store does not keep up or is closed")

    def status(self, wait: float = 3.0) -> RecorderStatus:
        """How recording goes. Waits at most `wait` seconds, once, for the first contact with the database."""
        with self._changed:
            if not self._closing and self._started():
                self._changed.wait_for(lambda: self._reached is not None, timeout=wait)
            return self._status()

    def _status(self) -> RecorderStatus:
        """How it stands now. Holds the lock."""
        return RecorderStatus(
            healthy=bool(self._reached),
            queued=len(self._queue),
            written=self._written,
            dropped=self._dropped,
            last_error=self._last_error or (None if self._reached else "the store was not reached yet"),
        )

    def close(self, timeout: float = 5.0) -> None:
        """Write what is queued, for at most `timeout` seconds; what cannot be written counts as dropped."""
        with self._changed:
            self._closing = True
            self._deadline = time.monotonic() + timeout
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        with self._changed:
            left = len(self._queue)
            self._dropped += left
            self._queue.clear()
        if left:
            log.error("%d records were not stored before the end", left)

    def _started(self) -> bool:
        """Start the writer thread if this process has none; False when the system refuses. Holds the lock."""
        if self._thread is not None:
            return True
        thread = threading.Thread(target=self._run, name="decision-recorder", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._last_error = f"the writer thread cannot start: {error}"
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        store: Writer | None = None
        pause = self._first_pause
        while self._wait_for_work(opened=store is not None):
            last_try = self._closing
            try:
                if store is None:
                    store = self._open_store(self._url)
                    self._note_success()
                self._write_next(store)
                pause = self._first_pause
                self._tell_progress()
            except Exception as error:  # whatever it is, the writer must go on
                self._note_failure(error)
                _close_quietly(store)
                store = None
                self._tell_progress()
                if last_try:
                    break
                self._pause(pause)
                pause = min(pause * 2, self._longest_pause)
        _close_quietly(store)

    def _wait_for_work(self, *, opened: bool) -> bool:
        """Wait for something to write; False at the end. The database is opened without waiting for work."""
        with self._changed:
            if not opened and not self._closing:
                return True
            self._changed.wait_for(lambda: self._queue or self._closing)
            if not self._queue:
                return False
            if not self._closing and len(self._queue) < self._batch_size:
                self._changed.wait_for(
                    lambda: self._closing or len(self._queue) >= self._batch_size, timeout=self._linger
                )
            return not self._overdue()

    def _write_next(self, store: Writer) -> None:
        """Write one batch; when its data and not the database is at fault, each record by itself."""
        with self._changed:
            batch = [self._queue[i] for i in range(min(self._batch_size, len(self._queue)))]
        if not batch:
            return
        try:
            store.write(batch)
        except Exception as error:
            if is_worth_trying_again(error):
                raise
            if len(batch) > 1:
                for record in batch:
                    self._write_one(store, record)
                return
            self._give_up(error)
        else:
            self._done(len(batch))

    def _write_one(self, store: Writer, record: Record) -> None:
        try:
            store.write([record])
        except Exception as error:
            if is_worth_trying_again(error):
                raise
            self._give_up(error)
        else:
            self._done(1)

    def _done(self, count: int) -> None:
        with self._changed:
            self._take(count)
            self._written += count
        self._note_success()

    def _give_up(self, error: Exception) -> None:
        with self._changed:
            self._take(1)
            self._dropped += 1
            self._last_error = summarise(error)
        log.error("a record cannot be stored and is dropped: %s", describe(error))

    def _take(self, count: int) -> None:
        for _ in range(min(count, len(self._queue))):
            self._queue.popleft()

    def _note_success(self) -> None:
        with self._changed:
            recovered = self._reached is False
            self._reached = True
            if recovered:
                self._last_error = None
            self._changed.notify_all()
        if recovered:
            log.info("the store works again")

    def _note_failure(self, error: Exception) -> None:
        with self._changed:
            first = self._reached is not False
            self._reached = False
            self._last_error = summarise(error)
            self._changed.notify_all()
        if first:
            log.error("the store does not work, answers go on without it: %s", describe(error))

    def _tell_progress(self) -> None:
        if self._on_progress is not None:
            with self._changed:
                status = self._status()
            self._on_progress(status)

    def _pause(self, seconds: float) -> None:
        """Wait before the next try; closing cuts the wait short, for one last try."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing, timeout=seconds)

    def _overdue(self) -> bool:
        return self._closing and time.monotonic() > self._deadline


def _close_quietly(store: Writer | None) -> None:
    if store is not None:
        try:
            store.close()
        except Exception as error:
            log.warning("closing the store failed: %s", describe(error))


_recorders: weakref.WeakSet[DecisionRecorder] = weakref.WeakSet()


def _after_fork() -> None:
    for recorder in list(_recorders):
        recorder._reset()


def _at_exit() -> None:
    for recorder in list(_recorders):
        recorder.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
