"""What was answered is stored, also when the process that answered is killed before it stored it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cds_service.store.decisions import DecisionStore
from cds_service.store.record_lines import to_line
from cds_service.store.recorder import DecisionRecorder
from cds_service.store.spool import Spool
from tests.store.records import decision


def line(number: int) -> bytes:
    return to_line(decision(number)) or b""


def held(spool: Spool) -> list[list[str]]:
    """The assertion ids in each file that was left behind."""
    return [[record.assertion_id for record in left.records()[0]] for left in spool.left_behind()]  # type: ignore[union-attr]


def files(folder: Path) -> list[int]:
    return sorted(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("postgresql://u:p@db.example.org/cds", "postgresql://u:p@db.example.org/test"),
        ("postgresql://u:p@db.example.org/cds", "postgresql://u:p@other.example.org/cds"),
        ("sqlite:///a.sqlite3", "sqlite:///b.sqlite3"),
        ("sqlite:////srv/a.sqlite3", "sqlite:///srv/a.sqlite3"),
    ],
)
def test_services_over_different_databases_can_share_a_folder(tmp_path: Path, url: str, other: str) -> None:
    spool = Spool(tmp_path, url)
    spool.add(line(1))
    spool.close()
    assert held(Spool(tmp_path, other)) == []
    assert held(Spool(tmp_path, url)) == [["CA-1"]]


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("postgresql://u:p@db.example.org/cds", "postgresql+psycopg://v:q@db.example.org/cds"),
        ("sqlite:///a.sqlite3", f"sqlite+pysqlite:///{Path.cwd()}/a.sqlite3"),
    ],
)
def test_a_database_is_known_whoever_connects_to_it(tmp_path: Path, url: str, same: str) -> None:
    spool = Spool(tmp_path, url)
    spool.add(line(1))
    spool.close()
    assert held(Spool(tmp_path, same)) == [["CA-1"]]


def test_a_file_of_a_living_process_is_nobody_elses(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.add(line(1))
    assert held(Spool(tmp_path)) == []
    spool.close()
    assert held(Spool(tmp_path)) == [["CA-1"]]


def test_what_is_stored_leaves_the_disk_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(3):
        spool.add(line(number))
    spool.stored(2)
    assert files(tmp_path) == [sum(len(line(number)) for number in range(3))]
    spool.stored(1)
    assert files(tmp_path) == [0]
    spool.close()
    assert files(tmp_path) == []


def test_full_files_are_followed_by_new_ones_and_go_when_stored(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=2 * len(line(0)))
    for number in range(5):
        spool.add(line(number))
    assert len(files(tmp_path)) == 3
    spool.stored(3)
    assert len(files(tmp_path)) == 2
    spool.close()
    assert sorted(held(Spool(tmp_path))) == [["CA-2", "CA-3"], ["CA-4"]]


def test_records_of_no_queue_are_left_for_storing_once_the_file_is_let_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add(line(1))
    spool.add(line(2), queued=False)
    assert held(spool) == []
    spool.stored(1)
    assert held(spool) == [["CA-1", "CA-2"]]


def test_a_line_that_was_cut_off_was_never_answered(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add(line(1))
    spool.add(line(2)[:-20])
    spool.close()
    assert held(Spool(tmp_path)) == [["CA-1"]]


def test_only_the_owner_may_read_the_files(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "made" / "by itself")
    spool.add(line(1))
    folder = tmp_path / "made" / "by itself"
    (file,) = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)


def test_a_folder_that_cannot_be_made_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "in-the-way").write_text("")
    spool = Spool(tmp_path / "in-the-way" / "spool")
    with caplog.at_level(logging.ERROR):
        assert [spool.add(line(number)) for number in range(3)] == [False] * 3
    assert not spool.working
    assert len(caplog.records) == 1
    (tmp_path / "in-the-way").unlink()
    assert spool.add(line(3))
    assert spool.working
    spool.stored(3)  # those that were in memory only
    assert held(spool) == []
    spool.close()
    assert held(Spool(tmp_path / "in-the-way" / "spool")) == [["CA-3"]]


def test_a_full_spool_takes_no_more(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=1, most_bytes=2 * len(line(1)))
    assert [spool.add(line(1)) for _ in range(3)] == [True, True, False]


_FULL = """
import resource, sys
from pathlib import Path
from cds_service.store.spool import Spool
from tests.store.test_spool import line

limit = len(line(1)) + len(line(2)) // 2
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
spool = Spool(Path(sys.argv[1]))
print([spool.add(line(number)) for number in (1, 2, 3)], spool.working)
"""


def test_a_disk_that_fills_up_in_the_middle_of_a_record_leaves_nothing_of_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[0] == "[True, False, False] False"
    assert held(Spool(tmp_path)) == [["CA-1"]]


class Held:
    """A database that is down until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.kept: list[str] = []

    def open(self, _url: str) -> Held:
        return self

    def write(self, records: Sequence[Any]) -> None:
        if not self.go.is_set():
            raise OSError("down")
        self.kept += [record.assertion_id for record in records]

    def close(self) -> None:
        """Nothing is open."""


def test_what_memory_cannot_hold_while_the_database_is_down_is_stored_later(tmp_path: Path) -> None:
    database = Held()
    recorder = DecisionRecorder(
        "unused",
        capacity=5,
        spool=Spool(tmp_path),
        first_pause=0.01,
        longest_pause=0.01,
        sweep_seconds=0.01,
        open_store=database.open,
    )
    for number in range(20):
        recorder.record(decision(number))
    assert (recorder.status().queued, recorder.status().dropped) == (5, 0)
    database.go.set()
    with recorder._changed:
        assert recorder._changed.wait_for(lambda: recorder._written >= 25, timeout=30)
    assert set(database.kept) == {f"CA-{number}" for number in range(20)}
    recorder.close()
    assert files(tmp_path) == []


def test_a_database_that_stays_down_until_the_end_loses_nothing(tmp_path: Path, url: str) -> None:
    recorder = DecisionRecorder("unused", spool=Spool(tmp_path / "spool"), open_store=Held().open)
    for number in range(20):
        recorder.record(decision(number))
    recorder.close(timeout=1)
    assert recorder.status().dropped == 0
    later = DecisionRecorder(url, spool=Spool(tmp_path / "spool"))
    later.status(wait=30)
    later.close(timeout=30)
    assert stored(url, 20) == 20
    assert files(tmp_path / "spool") == []


def stored(url: str, count: int) -> int:
    store = DecisionStore.open(url)
    try:
        return sum(store.find(f"CA-{number}") == decision(number) for number in range(count))
    finally:
        store.close()


_KILLED = """
import os, signal, sys
from pathlib import Path
from cds_service.store.recorder import DecisionRecorder
from cds_service.store.spool import Spool
from tests.store.records import decision

recorder = DecisionRecorder(sys.argv[1], spool=Spool(Path(sys.argv[2])), linger=60)
for number in range(150):
    recorder.record(decision(number))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_takes_no_record_with_it(tmp_path: Path, url: str) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, url, str(tmp_path / "spool")], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert stored(url, 150) == 0
    survivor = DecisionRecorder(url, spool=Spool(tmp_path / "spool"), sweep_seconds=0.05)
    survivor.status(wait=30)
    with survivor._changed:
        assert survivor._changed.wait_for(lambda: survivor._written == 150, timeout=30)
    survivor.close(timeout=30)
    assert stored(url, 150) == 150
    assert files(tmp_path / "spool") == []


def test_records_of_another_release_are_set_aside_and_the_others_stored(tmp_path: Path, url: str) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    unknown = b'{"kind":"OfALaterRelease","record":{}}\n'
    spool = Spool(folder)
    spool.add(line(0) + unknown + line(1), 3)
    spool.close()
    recorder = DecisionRecorder(url, spool=Spool(folder), sweep_seconds=0.05)
    recorder.status(wait=30)
    with recorder._changed:
        assert recorder._changed.wait_for(lambda: recorder._written == 2, timeout=30)
    recorder.close(timeout=30)
    assert stored(url, 2) == 2
    assert [path.suffix for path in folder.iterdir()] == [".unreadable"]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_process_neither_writes_nor_lets_go_of_its_parents_files(tmp_path: Path) -> None:
    database = Held()
    recorder = DecisionRecorder("unused", spool=Spool(tmp_path), open_store=database.open, first_pause=60)
    recorder.record(decision(1))
    child = multiprocessing.get_context("fork").Process(target=os._exit, args=(0,))
    child.start()
    child.join(30)
    assert held(Spool(tmp_path)) == []
    recorder.close(timeout=1)
    assert held(Spool(tmp_path)) == [["CA-1"]]
