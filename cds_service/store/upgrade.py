"""Bringing the database to the newest schema: one cheap look when it is current, alembic otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.exc import OperationalError

from cds_service.store.database import BUSY_TIMEOUT_MS, open_engine, writing
from cds_service.store.errors import StoreError
from cds_service.store.schema import LATEST_REVISION

OnConnect = Callable[[Any, str], None]

_UPGRADE_LOCK = 0x0CD5_5E12
"""PostgreSQL advisory lock held during an upgrade, so that processes starting together take turns."""


def open_current(url: str, on_connect: OnConnect | None = None) -> Engine:
    """Connect to `url` and bring its schema up to date; nothing stays open when that fails.

    `on_connect` is given each new connection of the driver, and the name of the database's dialect.
    Raises StoreError or SQLAlchemyError when the database cannot be used.
    """
    engine = open_engine(url)
    try:
        if on_connect is not None:
            event.listen(engine, "connect", lambda connection, _: on_connect(connection, engine.dialect.name))
        ensure_current(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def waiting(milliseconds: int) -> OnConnect:
    """For `open_current`: wait this long for another process's write on SQLite, and then give up."""

    def on_connect(connection: Any, dialect: str) -> None:
        if dialect == "sqlite":
            connection.execute(f"PRAGMA busy_timeout={milliseconds}")

    return on_connect


def ensure_current(engine: Engine) -> bool:
    """Create or upgrade the schema if needed; True when something was changed.

    Safe when several processes call it at once: the first takes the write lock (SQLite) or an advisory
    lock (PostgreSQL), the others wait and find nothing left to do. Raises StoreError when the database
    was upgraded by a newer release, SQLAlchemyError when it cannot be reached.
    """
    if engine.dialect.name == "sqlite":
        _use_wal(engine)
    with engine.connect() as connection:
        if _revision(connection) == LATEST_REVISION:
            return False
    with writing(engine).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        if _revision(connection) == LATEST_REVISION:
            return False
        _run_migrations(connection)
        return True


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # a second of imports that a current database does not pay
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database schema is not one of this release ({LATEST_REVISION})") from error


def _use_wal(engine: Engine) -> None:
    """Switch the file to WAL, which lasts. SQLite ignores the busy timeout here, so try for as long."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        while True:
            try:
                cursor.execute("PRAGMA journal_mode")
                if cursor.fetchone() == ("wal",):
                    return
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.fetchone()
                return
            except engine.dialect.loaded_dbapi.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise OperationalError(None, None, error) from error
                time.sleep(0.02)
    finally:
        connection.close()
