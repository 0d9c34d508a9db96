"""The recorder never delays or fails an answer, loses nothing silently, and says how it goes."""

from __future__ import annotations

import logging
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from cds_service.store.database import open_engine, writing
from cds_service.store.decisions import DecisionStore
from cds_service.store.model import DecisionRecord, RecorderStatus
from cds_service.store.recorder import DecisionRecorder
from cds_service.store.schema import metadata
from tests.store.conftest import Databases
from tests.store.records import decision


class StandIn:
    """A store in memory that can be held up, or told to fail so many times."""

    def __init__(self, failures: int = 0, held: bool = False) -> None:
        self.kept: list[DecisionRecord] = []
        self.batches: list[int] = []
        self.failures = failures
        self.entered = threading.Event()
        self.go = threading.Event()
        if not held:
            self.go.set()

    def open(self, _url: str) -> StandIn:
        return self

    def write(self, records: Sequence[DecisionRecord]) -> None:
        self.entered.set()
        self.go.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        self.kept.extend(records)
        self.batches.append(len(records))

    def close(self) -> None:
        pass


def recorder_on(stand_in: StandIn, **options: float) -> DecisionRecorder:
    return DecisionRecorder("unused", open_store=stand_in.open, first_pause=0.001, **options)  # type: ignore[arg-type]


def test_what_is_recorded_is_in_the_store_after_closing(url: str) -> None:
    recorder = DecisionRecorder(url)
    for number in range(500):
        recorder.record(decision(number))
    recorder.close(timeout=30)
    assert recorder.status() == RecorderStatus(healthy=True, queued=0, written=500, dropped=0)
    store = DecisionStore.open(url)
    assert store.find("CA-0") == decision(0)
    assert store.find("CA-499") == decision(499)
    store.close()


def test_a_database_that_does_not_exist_yet_is_tried_again(databases: Databases, tmp_path: Path) -> None:
    url = databases.name()
    in_the_way = tmp_path / "missing"
    if databases.kind == "sqlite":
        in_the_way.write_text("a file where the folder should be")
    recorder = DecisionRecorder(url, first_pause=60)
    recorder.record(decision())
    before = recorder.status(wait=30)
    assert (before.healthy, before.queued, before.written, before.dropped) == (False, 1, 0, 0)
    assert before.last_error
    if databases.kind == "sqlite":
        in_the_way.unlink()
    databases.create(url)
    recorder.close(timeout=30)
    assert recorder.status() == RecorderStatus(healthy=True, queued=0, written=1, dropped=0)


def test_lost_tables_are_made_again(url: str) -> None:
    recorder = DecisionRecorder(url, first_pause=0.001)
    recorder.status(wait=30)
    engine = open_engine(url)
    with writing(engine).begin() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()
    recorder.record(decision())
    with recorder._changed:
        assert recorder._changed.wait_for(lambda: recorder._written == 1, timeout=30)
    recorder.close()
    store = DecisionStore.open(url)
    assert store.find("CA-1") == decision()
    store.close()


def test_lost_connections_are_opened_again(postgresql_server: str) -> None:
    databases = Databases("postgresql", postgresql_server)
    url = databases.create(databases.name())
    recorder = DecisionRecorder(url, first_pause=0.001)
    recorder.record(decision(1))
    with recorder._changed:
        assert recorder._changed.wait_for(lambda: recorder._written == 1, timeout=30)
    databases.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.rpartition('/')[2]}'"
    )
    recorder.record(decision(2))
    recorder.close(timeout=30)
    assert recorder.status().written == 2


def test_a_record_that_cannot_be_stored_does_not_hold_up_the_others(url: str) -> None:
    recorder = DecisionRecorder(url)
    recorder.record(decision(1))
    recorder.record(decision(2, decided_at=datetime(2024, 9, 1)))  # no time zone
    recorder.record(decision(3, outcome=None))
    recorder.record(decision(4))
    recorder.close(timeout=30)
    status = recorder.status()
    assert (status.healthy, status.written, status.dropped) == (True, 2, 2)
    store = DecisionStore.open(url)
    assert [store.find(f"CA-{n}") is not None for n in (1, 2, 3, 4)] == [True, False, False, True]
    store.close()


def test_a_full_queue_drops_and_counts_and_never_waits() -> None:
    store = StandIn(held=True)
    recorder = recorder_on(store, capacity=3, batch_size=1)
    recorder.record(decision(0))
    assert store.entered.wait(10)
    for number in range(1, 6):
        recorder.record(decision(number))
    held = recorder.status()
    assert (held.queued, held.dropped) == (3, 3)
    store.go.set()
    recorder.close()
    assert [record.assertion_id for record in store.kept] == ["CA-0", "CA-1", "CA-2"]
    assert recorder.status() == RecorderStatus(healthy=True, queued=0, written=3, dropped=3)


def test_after_a_failure_the_same_records_are_tried_again() -> None:
    store = StandIn(failures=3)
    recorder = recorder_on(store)
    recorder.record(decision(1))
    recorder.record(decision(2))
    with recorder._changed:
        assert recorder._changed.wait_for(lambda: recorder._written == 2, timeout=10)
    recorder.close()
    assert [record.assertion_id for record in store.kept] == ["CA-1", "CA-2"]
    assert recorder.status() == RecorderStatus(healthy=True, queued=0, written=2, dropped=0)


def test_records_are_written_in_batches() -> None:
    store = StandIn(held=True)
    recorder = recorder_on(store, batch_size=50)
    recorder.record(decision(0))
    assert store.entered.wait(10)
    for number in range(1, 101):
        recorder.record(decision(number))
    store.go.set()
    recorder.close()
    assert store.batches[1:] == [50, 50]


def test_closing_with_the_database_down_counts_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    store = StandIn(failures=10**6)
    recorder = DecisionRecorder("unused", open_store=store.open, first_pause=60)
    recorder.record(decision(1))
    recorder.record(decision(2))
    assert recorder.status(wait=10) is not None
    recorder.close()
    status = recorder.status()
    assert (status.healthy, status.queued, status.written, status.dropped) == (False, 0, 0, 2)
    assert status.last_error == "OSError"
    assert "OSError: the disk is full" in caplog.text
    assert "2 records were not stored" in caplog.text


def test_records_after_closing_are_counted_as_dropped() -> None:
    recorder = recorder_on(StandIn())
    recorder.close()
    recorder.record(decision())
    assert recorder.status().dropped == 1


def test_a_system_out_of_threads_costs_the_record_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    recorder = recorder_on(StandIn())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        recorder.record(decision(1))
    recorder.record(decision(2))
    recorder.close()
    status = recorder.status()
    assert (status.written, status.dropped) == (1, 1)


def test_an_unusable_address_is_reported_and_not_raised() -> None:
    recorder = DecisionRecorder("mysql://nina:secret@host/x", first_pause=60)
    recorder.record(decision())
    status = recorder.status(wait=30)
    assert status.healthy is False
    assert status.last_error == "unsupported database 'mysql': use sqlite or postgresql"
    recorder.close()


def test_no_data_and_no_password_reach_the_log(
    postgresql_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = postgresql_server.replace("cds@", "cds:s3cret-word@") + "/no_such_database"
    recorder = DecisionRecorder(url, first_pause=60)
    recorder.record(decision(order_reference="MedicationRequest/jane-roe"))
    status = recorder.status(wait=30)
    recorder.close()
    assert status.last_error == "OperationalError"
    assert "no_such_database" in caplog.text
    for shown in (caplog.text, str(status)):
        assert "s3cret-word" not in shown
        assert "jane-roe" not in shown


def test_nothing_is_loaded_or_started_before_the_first_record() -> None:
    script = (
        "import sys, threading\n"
        "from cds_service.store.recorder import DecisionRecorder\n"
        "DecisionRecorder('sqlite:///never-made.sqlite3')\n"
        "print('sqlalchemy' in sys.modules, threading.active_count())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1"]


def _record_in_child(recorder: DecisionRecorder, results: object) -> None:
    before = recorder.status(wait=30)
    recorder.record(decision(2))
    recorder.close(timeout=30)
    results.put((before.written, before.queued, recorder.status().written))  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_recorder_made_before_a_fork_works_in_the_child(url: str) -> None:
    recorder = DecisionRecorder(url)
    recorder.record(decision(1))
    with recorder._changed:
        assert recorder._changed.wait_for(lambda: recorder._written == 1, timeout=30)
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    child = fork.Process(target=_record_in_child, args=(recorder, results))
    child.start()
    assert results.get(timeout=60) == (0, 0, 1)
    child.join(30)
    recorder.record(decision(3))
    recorder.close(timeout=30)
    assert recorder.status().written == 2
    store = DecisionStore.open(url)
    assert [store.find(f"CA-{number}") for number in (1, 2, 3)] == [decision(n) for n in (1, 2, 3)]
    store.close()
