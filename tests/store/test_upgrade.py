"""The schema: made by migrations, cheap to check, safe when several processes start at once."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from cds_service.store import upgrade
from cds_service.store.database import open_engine, writing
from cds_service.store.decisions import DecisionStore
from cds_service.store.errors import StoreError
from cds_service.store.members import MemberTable, write_members
from cds_service.store.schema import LATEST_REVISION, metadata
from cds_service.store.upgrade import ensure_current
from cds_service.store.used_tokens import UsedTokens
from tests.store.records import decision


def test_the_newest_migration_is_the_one_the_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [LATEST_REVISION]


def test_an_empty_database_is_built_once(url: str) -> None:
    engine = open_engine(url)
    assert ensure_current(engine) is True
    assert ensure_current(engine) is False
    engine.dispose()


def test_the_migrations_build_exactly_the_tables_of_the_code(url: str) -> None:
    engine = open_engine(url)
    ensure_current(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_a_failed_migration_leaves_nothing_behind(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    def half(config: Config, _target: str) -> None:
        config.attributes["connection"].execute(text("CREATE TABLE half_done (n INTEGER)"))
        raise RuntimeError("power cut")

    engine = open_engine(url)
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", half)
        with pytest.raises(RuntimeError, match="power cut"):
            ensure_current(engine)
    assert inspect(engine).get_table_names() == []
    assert ensure_current(engine) is True
    engine.dispose()


def test_a_schema_of_a_newer_release_is_refused(url: str) -> None:
    engine = open_engine(url)
    ensure_current(engine)
    with writing(engine).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="not one of this release"):
        ensure_current(engine)
    engine.dispose()


def _find_member(url: str) -> object:
    return MemberTable(url).find([("cigna", "W1")])


def _use_token(url: str) -> object:
    return UsedTokens(url).first_use("https://ehr.example.org", "t-1", datetime.now(UTC))


def _import_members(url: str) -> object:
    with pytest.raises(StoreError):
        write_members(url, [], replace_all=False)
    return None


def _open_decisions(url: str) -> object:
    with pytest.raises(StoreError):
        DecisionStore.open(url)
    return None


@pytest.mark.parametrize("use", [_find_member, _use_token, _import_members, _open_decisions])
def test_no_connection_stays_open_when_the_schema_is_of_a_newer_release(
    url: str, use: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(url)
    ensure_current(engine)
    with writing(engine).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    opened: list[Engine] = []

    def remembered(url: str) -> Engine:
        opened.append(open_engine(url))
        return opened[-1]

    monkeypatch.setattr(upgrade, "open_engine", remembered)
    assert use(url) is None
    assert [each.pool.checkedin() for each in opened] == [0]  # type: ignore[attr-defined]


def test_a_current_database_is_opened_without_the_migration_library(url: str) -> None:
    DecisionStore.open(url).close()
    script = (
        "import sys\n"
        "from cds_service.store.decisions import DecisionStore\n"
        "DecisionStore.open(sys.argv[1]).close()\n"
        "print('alembic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def _open_and_write(url: str, start: object, done: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    store = DecisionStore.open(url)
    for first in range(0, 40, 4):
        store.write([decision(number) for number in range(first, first + 4)])
    store.close()
    done.put("written")  # type: ignore[attr-defined]


def test_processes_that_start_at_once_share_an_empty_database(url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, done = spawn.Barrier(3), spawn.Queue()
    processes = [spawn.Process(target=_open_and_write, args=(url, start, done)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    store = DecisionStore.open(url)
    assert [store.find(f"CA-{number}") for number in range(40)] == [decision(number) for number in range(40)]
    store.close()
