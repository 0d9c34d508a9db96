"""Opening the database: SQLite in WAL mode by default, PostgreSQL by its URL alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from cds_service.store.errors import StoreConfigurationError

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite waits for another process's write before it reports "database is locked"."""

CONNECT_TIMEOUT_S = 5
"""How long a connection to PostgreSQL may take, unless the URL says otherwise."""

_WRITE = "cds_write"


def parse_url(url: str) -> URL:
    """The database URL with its driver settled: sqlite, or PostgreSQL through psycopg 3.

    Accepts `postgresql://` and `postgres://`. Raises StoreConfigurationError, which never repeats the URL
    because it may hold a password.
    """
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1) if _is_short(url) else url)
    except (ArgumentError, ValueError) as error:
        raise StoreConfigurationError("the database URL cannot be read") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise StoreConfigurationError("SQLite needs a file: memory is not shared between workers")
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise StoreConfigurationError(f"unsupported database {backend!r}: use sqlite or postgresql")


def describe_url(url: str) -> str:
    """The database in words for logs: kind, host and name; no user, password or options."""
    try:
        parsed = parse_url(url)
    except StoreConfigurationError as error:
        return str(error)
    where = f"{parsed.host or ''}{f':{parsed.port}' if parsed.port else ''}"
    return f"{parsed.get_backend_name()} {where + '/' if where else ''}{parsed.database}"


def open_engine(url: str) -> Engine:
    """An engine for `url`; connects lazily, so a server that is down does not matter here.

    Raises StoreConfigurationError. Use only in the process that opened it: connections do not survive
    a fork.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    try:
        engine = create_engine(
            parsed,
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=2,
            max_overflow=8,
            json_serializer=_json_text,
            connect_args={} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT_TIMEOUT_S},
        )
    except ImportError as error:
        raise StoreConfigurationError(
            "PostgreSQL needs the psycopg driver: install cds-service[postgresql]"
        ) from error
    return engine


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write: on SQLite they begin IMMEDIATE.

    A deferred SQLite transaction that reads and then writes fails at once when another process wrote in
    between, whatever the busy timeout; taking the write lock at BEGIN makes it wait instead.
    """
    return engine.execution_options(**{_WRITE: True})


def _is_short(url: str) -> bool:
    return url.startswith("postgres://")


def _open_sqlite(url: URL) -> Engine:
    path = str(url.database)
    if not path.startswith("file:"):
        try:
            Path(path).expanduser().parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreConfigurationError(
                f"the folder of the SQLite file cannot be made: {type(error).__name__}"
            ) from error
    engine = create_engine(url, hide_parameters=True, json_serializer=_json_text)
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _json_text(value: Any) -> str:
    """JSON for a column, several times as fast as the standard library's."""
    return orjson.dumps(value).decode()


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
