"""Records on disk before the answer goes out, so that a worker that is killed takes none with it.

Each process appends to files of its own and holds a lock on them, which the system gives back when the
process ends, however it ends. What lies there without a lock was left behind; any worker stores it.
Writing reaches the system's page cache: it survives the process, not a power failure of the machine.
"""

from __future__ import annotations

import fcntl
import logging
import os
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from cds_service.store.model import Record
from cds_service.store.record_lines import UnreadableLineError, from_line

log = logging.getLogger(__name__)

SEGMENT_BYTES: Final = 4 * 1024 * 1024
MOST_BYTES: Final = 1024 * 1024 * 1024
"""What all files of a folder may take while the database does not."""

_NAME: Final = "records-*.jsonl"


@dataclass(slots=True)
class _Segment:
    """One file that this process writes; `waiting` of its records are queued and not stored yet.

    Without a file it stands for records that could not be written, so that counting goes on.
    """

    path: Path | None = None
    file: int | None = None
    size: int = 0
    waiting: int = 0
    has_unqueued: bool = False


class Spool:
    """The files of one process. Not for several threads at once: the recorder's lock guards it.

    Services over different databases may share a folder: the names of the files tell which is whose.

    Records are stored in the order in which they were added, so that counting them tells which files are
    done with. Never raises: where the folder cannot be written, `working` says so and the log once.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str = "",
        *,
        segment_bytes: int = SEGMENT_BYTES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._folder = folder
        self._mark = _mark(database_url)
        self._segment_bytes = segment_bytes
        self._most_bytes = most_bytes
        self._segments: deque[_Segment] = deque()
        self.working = True

    def add(self, lines: bytes, count: int = 1, *, queued: bool = True) -> bool:
        """Append the lines of `count` records; False when they are not on disk.

        Without `queued` no memory holds them, and they are stored once this process lets go of the file.
        """
        written = self._write(lines)
        if queued:
            if not self._segments:
                self._segments.append(_Segment())
            self._segments[-1].waiting += count
        elif written:
            self._segments[-1].has_unqueued = True
        return written

    def _write(self, line: bytes) -> bool:
        try:
            segment, file = self._current()
            if os.write(file, line) < len(line):
                os.ftruncate(file, segment.size)
                raise OSError("the disk is full")
        except OSError as error:
            self._note_failure(error)
            return False
        segment.size += len(line)
        self.working = True
        return True

    def stored(self, count: int) -> None:
        """The oldest `count` queued records are in the database: remove what nobody needs any more."""
        while self._segments:
            oldest = self._segments[0]
            done = min(count, oldest.waiting)
            oldest.waiting -= done
            count -= done
            if oldest.waiting:
                return
            if len(self._segments) == 1 and oldest.file is not None and not oldest.has_unqueued:
                if oldest.size:
                    os.ftruncate(oldest.file, 0)
                    oldest.size = 0
                return
            self._segments.popleft()
            _let_go(oldest)

    def left_behind(self) -> Iterator[LeftBehind]:
        """The files of processes that are gone, oldest first, each locked for the caller."""
        try:
            mine = self._folder.glob(f"records-{self._mark}-*.jsonl")
            found = sorted(mine, key=lambda path: path.stat().st_mtime)
        except OSError:
            return
        for path in found:
            left = LeftBehind.take(path)
            if left is not None:
                with left:
                    yield left

    def close(self) -> None:
        """Let go of all files; those with records that are not stored stay for the next process."""
        while self._segments:
            _let_go(self._segments.popleft())

    def after_fork(self) -> None:
        """In a child process: the files, and the locks on them, are the parent's."""
        while self._segments:
            if (file := self._segments.popleft().file) is not None:
                os.close(file)

    def _current(self) -> tuple[_Segment, int]:
        """The segment to write to, with its open file; raises OSError."""
        newest = self._segments[-1] if self._segments else None
        if newest is not None and newest.file is not None and newest.size < self._segment_bytes:
            return newest, newest.file
        segment, file = self._new()
        self._segments.append(segment)
        return segment, file

    def _new(self) -> tuple[_Segment, int]:
        """An empty file, locked before it has the name that others look for."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = sum(path.stat().st_size for path in self._folder.glob(_NAME))
        if taken >= self._most_bytes:
            raise OSError("the spool is full")
        path = self._folder / f"records-{self._mark}-{uuid.uuid4().hex}.jsonl"
        hidden = path.with_suffix(".new")
        file = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            hidden.rename(path)
        except OSError:
            os.close(file)
            raise
        return _Segment(path, file), file

    def _note_failure(self, error: OSError) -> None:
        if self.working:
            what = os.strerror(error.errno) if error.errno else str(error)
            log.error("records wait in memory only, the spool cannot be written: %s", what)
        self.working = False


class LeftBehind:
    """A file that no living process writes, locked by its reader until the `with` block ends."""

    def __init__(self, path: Path, file: int) -> None:
        self.path = path
        self._file = file

    @classmethod
    def take(cls, path: Path) -> LeftBehind | None:
        """Lock it; None when somebody has it or it is gone."""
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_nlink:
                return cls(path, file)
        except OSError:
            pass  # its owner lives
        os.close(file)
        return None

    def __enter__(self) -> LeftBehind:
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._file)

    def records(self) -> tuple[list[Record], bool]:
        """What it holds, and whether all of it could be read.

        A last line without its end does not count: the process died while it wrote, before it answered.
        """
        with os.fdopen(os.dup(self._file), "rb") as file:
            lines = file.read().split(b"\n")[:-1]
        records, whole = [], True
        for line in lines:
            try:
                records.append(from_line(line))
            except UnreadableLineError:
                whole = False
        return records, whole

    def remove(self) -> None:
        """Everything it held is stored."""
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> None:
        """Keep it under a name that no worker looks for: somebody has to read it with its own release."""
        log.error(
            "records of another release cannot be read and are set aside", extra={"file": self.path.name}
        )
        self.path.rename(self.path.with_suffix(".unreadable"))


def _mark(database_url: str) -> str:
    """A few letters for a database: the same whoever connects, and from whatever working directory."""
    kind, _, place = database_url.partition("://")
    if kind.startswith("sqlite"):
        place = str(Path(place[1:].partition("?")[0]).expanduser().absolute())
    else:
        place = place.rpartition("@")[2]
    return blake2b(place.encode(), digest_size=5).hexdigest()


def _let_go(segment: _Segment) -> None:
    if segment.file is None or segment.path is None:
        return
    if not segment.waiting and not segment.has_unqueued:
        with suppress(OSError):
            segment.path.unlink()
    os.close(segment.file)
