"""Database addresses: what is accepted, and that no password ever shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from cds_service.store.database import describe_url, open_engine, parse_url, writing
from cds_service.store.errors import StoreConfigurationError, describe


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@db.example.org:5433/cds",
        "postgres://u:secret@db.example.org:5433/cds",
        "postgresql+psycopg://u:secret@db.example.org:5433/cds",
    ],
)
def test_every_spelling_of_a_postgresql_address_uses_psycopg_3(url: str) -> None:
    parsed = parse_url(url)
    assert parsed.drivername == "postgresql+psycopg"
    assert (parsed.host, parsed.port, parsed.database) == ("db.example.org", 5433, "cds")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense secret", "cannot be read"),
        ("postgresql://u:secret@host:port/x", "cannot be read"),
        ("mysql://u:secret@host/x", "unsupported database 'mysql'"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_an_unusable_address_is_refused_without_repeating_it(url: str, why: str) -> None:
    with pytest.raises(StoreConfigurationError, match=why) as refused:
        parse_url(url)
    assert "secret" not in str(refused.value)
    assert "secret" not in describe_url(url)


def test_a_database_is_described_without_user_password_and_options() -> None:
    described = describe_url("postgresql://nina:secret@db.example.org:5433/cds?sslpassword=hidden")
    assert described == "postgresql db.example.org:5433/cds"
    assert describe_url("sqlite:///var/cds.sqlite3") == "sqlite var/cds.sqlite3"


def test_sqlite_runs_in_wal_mode_with_foreign_keys_and_patience(tmp_path: Path) -> None:
    from cds_service.store.decisions import DecisionStore

    url = f"sqlite:///{tmp_path}/cds.sqlite3"
    DecisionStore.open(url).close()
    engine = open_engine(url)
    with engine.connect() as connection:
        values = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    engine.dispose()
    assert values == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000, "synchronous": 1}


def test_a_sqlite_write_takes_its_lock_at_the_beginning(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/cds.sqlite3")
    impatient = open_engine(f"sqlite:///{tmp_path}/cds.sqlite3")
    with writing(engine).begin() as first, impatient.connect() as second:
        first.execute(text("CREATE TABLE t (n INTEGER)"))
        second.exec_driver_sql("COMMIT")
        second.exec_driver_sql("PRAGMA busy_timeout=0")
        with pytest.raises(Exception, match="locked"):
            second.exec_driver_sql("BEGIN IMMEDIATE")
        second.exec_driver_sql("BEGIN")
    engine.dispose()
    impatient.dispose()


def test_errors_are_described_without_statement_and_values(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/cds.sqlite3")
    with engine.connect() as connection, pytest.raises(Exception, match="no such table") as raised:
        connection.execute(text("SELECT :name FROM missing"), {"name": "Jane Roe"})
    engine.dispose()
    assert describe(raised.value) == "OperationalError: no such table: missing"
    assert "Jane Roe" not in str(raised.value)
