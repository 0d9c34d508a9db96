"""Recording decisions off the answer's path: a bounded queue and one writer thread per process.

With a spool every record is on disk before the answer goes out, and what a killed process left is stored
by any other.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from cds_service.store.errors import describe, is_worth_trying_again, summarise
from cds_service.store.model import Record, RecorderStatus
from cds_service.store.record_lines import to_line

if TYPE_CHECKING:
    from cds_service.store.spool import Spool

SWEEP_SECONDS: Final = 5.0
"""How often a worker looks for records that killed ones left behind."""

log = logging.getLogger(__name__)


class Writer(Protocol):
    """What the recorder needs of a store: `DecisionStore`, or a stand-in in tests."""

    def write(self, records: Sequence[Record]) -> None: ...
    def close(self) -> None: ...


def open_store(url: str, payload_keys: Sequence[str] = ()) -> Writer:
    """The real store. SQLAlchemy is imported here, in the writer thread, not at start."""
    from cds_service.store.decisions import DecisionStore

    return DecisionStore.open(url, payload_keys)


class DecisionRecorder:
    """Keeps decisions, and the log of calls and feedback, without ever delaying or failing an answer.

    `capacity` bounds the records waiting in memory; beyond it new ones are left to the `spool`, or counted
    as dropped where there is none.
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
        spool: Spool | None = None,
        sweep_seconds: float = SWEEP_SECONDS,
        open_store: Callable[[str], Writer] = open_store,
        on_progress: Callable[[RecorderStatus], None] | None = None,
    ) -> None:
        self._url = url
        self._capacity = capacity
        self._batch_size = batch_size
        self._linger = linger
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._spool = spool
        self._sweep_seconds = sweep_seconds
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
        self._sweep_at = 0.0
        self._reached: bool | None = None  # None until the database was first tried
        self._written = 0
        self._dropped = 0
        self._last_error: str | None = None

    def record(self, *records: Record) -> None:
        """Take records for writing. Never waits for the database and never raises."""
        lines = [to_line(record) for record in records] if self._spool is not None else []
        with self._changed:
            before = len(self._queue)
            if self._closing or before + len(records) > self._capacity or not self._started():
                if self._spooled(lines, queued=False):
                    return
                first = self._dropped == 0
                self._dropped += len(records)
            else:
                self._spooled(lines, queued=True)
                self._queue.extend(records)
                if before == 0 or before < self._batch_size <= len(
                    self._queue
                ):  # else it is awake, or gathers
                    self._changed.notify_all()
                return
        if first:
            log.error("records are being dropped: the store does not keep up or is closed")

    def _spooled(self, lines: Sequence[bytes | None], *, queued: bool) -> bool:
        """Whether all these records are on disk now, by one write. Holds the lock."""
        if self._spool is None:
            return False
        written = [line for line in lines if line is not None]
        on_disk = self._spool.add(b"".join(written), len(lines), queued=queued)
        return on_disk and len(written) == len(lines)

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
            spooled=self._spool.working if self._spool is not None else None,
            last_error=self._last_error or (None if self._reached else "the store was not reached yet"),
        )

    def close(self, timeout: float = 5.0) -> None:
        """Write what is queued, for at most `timeout` seconds; what cannot be written counts as dropped.

        With a spool it is left there instead, for the next process.
        """
        with self._changed:
            self._closing = True
            self._deadline = time.monotonic() + timeout
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        with self._changed:
            left = len(self._queue)
            self._queue.clear()
            on_disk = self._spool is not None and self._spool.working
            self._dropped += 0 if on_disk else left
            if self._spool is not None:
                self._spool.close()
        if left:
            level, fate = (
                (logging.WARNING, "are left in the spool") if on_disk else (logging.ERROR, "are lost")
            )
            log.log(level, "%d records were not stored before the end and %s", left, fate)

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
                self._sweep(store)
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
            sweep = self._sweep_seconds if self._spool is not None else None
            self._changed.wait_for(lambda: self._queue or self._closing, timeout=sweep)
            if not self._queue:
                return not self._closing
            if not self._closing and len(self._queue) < self._batch_size:
                self._changed.wait_for(
                    lambda: self._closing or len(self._queue) >= self._batch_size, timeout=self._linger
                )
            return not self._overdue()

    def _write_next(self, store: Writer) -> None:
        """Write one batch of the queue."""
        with self._changed:
            batch = [self._queue[i] for i in range(min(self._batch_size, len(self._queue)))]
        if batch:
            self._write(store, batch, self._take)

    def _sweep(self, store: Writer) -> None:
        """Store what processes that are gone left behind, now and then, when the queue is short."""
        if self._spool is None or time.monotonic() < self._sweep_at or len(self._queue) >= self._batch_size:
            return
        self._sweep_at = time.monotonic() + self._sweep_seconds
        for left in self._spool.left_behind():
            records, whole = left.records()
            for start in range(0, len(records), self._batch_size):
                self._write(store, records[start : start + self._batch_size], lambda count: None)
            if records:
                log.warning("%d records that an ended process had not stored are stored", len(records))
            (left.remove if whole else left.set_aside)()

    def _write(self, store: Writer, batch: Sequence[Record], settled: Callable[[int], None]) -> None:
        """Write records; when their data and not the database is at fault, each by itself."""
        try:
            store.write(batch)
        except Exception as error:
            if is_worth_trying_again(error):
                raise
            if len(batch) > 1:
                for record in batch:
                    self._write(store, [record], settled)
                return
            self._give_up(error, settled)
        else:
            self._done(len(batch), settled)

    def _done(self, count: int, settled: Callable[[int], None]) -> None:
        with self._changed:
            settled(count)
            self._written += count
        self._note_success()

    def _give_up(self, error: Exception, settled: Callable[[int], None]) -> None:
        with self._changed:
            settled(1)
            self._dropped += 1
            self._last_error = summarise(error)
        log.error("a record cannot be stored and is dropped: %s", describe(error))

    def _take(self, count: int) -> None:
        """The oldest records of the queue are settled. Holds the lock."""
        for _ in range(min(count, len(self._queue))):
            self._queue.popleft()
        if self._spool is not None:
            self._spool.stored(count)

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
        if recorder._spool is not None:
            recorder._spool.after_fork()


def _at_exit() -> None:
    for recorder in list(_recorders):
        recorder.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
