"""The table of members: read once a call with little patience, written by `members import`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, Final

from sqlalchemy import Engine, delete, func, select, text, tuple_
from sqlalchemy.engine import URL

from cds_service.store.database import parse_url, writing
from cds_service.store.enrolment import Enrolment, MemberKey
from cds_service.store.errors import StoreError, describe
from cds_service.store.schema import member
from cds_service.store.upgrade import open_current

log = logging.getLogger(__name__)

PATIENCE_MS: Final = 1_000
"""How long one statement may take: a call waits for it."""

_CONNECT_S: Final = 2  # the least that libpq takes literally
_PAUSE_S: Final = 5.0  # after a failure, so that calls are answered at once
_BATCH: Final = 1_000
_COLUMNS: Final = tuple(member.c[name] for name in Enrolment._fields)


class MemberTable:
    """What the table knows of members. Threads may share it; it connects with the first call of a process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._engine: Engine | None = None
        self._closed_until = 0.0
        self._filled = False

    def find(self, members: Collection[MemberKey]) -> Mapping[MemberKey, tuple[Enrolment, ...]] | None:
        """The enrolments of these members, () for one who is unknown; None when the table cannot tell.

        It cannot tell when the database is down or slow, and when the table was never filled.
        """
        if os.getpid() != self._process:
            self._leave_to_parent()
        if time.monotonic() < self._closed_until:
            return None
        try:
            return self._read(members)
        except Exception as error:  # whatever the driver raises: the caller needs an answer
            self._closed_until = time.monotonic() + _PAUSE_S
            log.error("members cannot be looked up: %s", describe(error))
            return None

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    def _leave_to_parent(self) -> None:
        """After a fork: the connections belong to the parent, and so may the lock."""
        if self._engine is not None:
            self._engine.dispose(close=False)
        self._lock = threading.Lock()
        self._reset()

    def _read(self, members: Collection[MemberKey]) -> dict[MemberKey, tuple[Enrolment, ...]]:
        found: dict[MemberKey, tuple[Enrolment, ...]] = dict.fromkeys(members, ())
        statement = select(*_COLUMNS).where(tuple_(member.c.payer, member.c.member_id).in_(list(members)))
        with self._opened().connect() as connection:
            for row in connection.execute(statement):
                enrolment = Enrolment(*row)._replace(exclusions=tuple(row.exclusions))
                key = (enrolment.payer, enrolment.member_id)
                found[key] = (*found[key], enrolment)
            if not any(found.values()) and not self._filled:
                if_any = connection.execute(select(member.c.id).limit(1))
                if if_any.first() is None:
                    raise StoreError("the table of members is empty: fill it with `members import`")
        self._filled = True
        return found

    def _opened(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = open_current(_impatient(parse_url(self._url)), _be_impatient)
            return self._engine


def write_members(url: str, enrolments: Iterable[Enrolment], *, replace_all: bool) -> tuple[int, int]:
    """Put enrolments on file, all or none; gives how many lines were written and how many went for them.

    With `replace_all` the table holds nothing else afterwards; otherwise every member among `enrolments`
    has just these, and the others stay. Raises StoreError, SQLAlchemyError, and what `enrolments` raises.
    """
    engine = open_current(url)
    try:
        with writing(engine).begin() as connection:
            if engine.dialect.name == "postgresql":  # one import after the other; readers go on
                connection.execute(text("LOCK TABLE member IN SHARE ROW EXCLUSIVE MODE"))
            written = removed = 0
            if replace_all:
                removed = connection.execute(select(func.count()).select_from(member)).scalar_one()
                connection.execute(delete(member))
            seen: set[MemberKey] = set()
            rest = iter(enrolments)
            while batch := list(islice(rest, _BATCH)):
                if not replace_all:
                    new = dict.fromkeys((each.payer, each.member_id) for each in batch)
                    keys = [each for each in new if each not in seen]
                    seen.update(keys)
                    matches = tuple_(member.c.payer, member.c.member_id).in_(keys)
                    removed += connection.execute(delete(member).where(matches)).rowcount if keys else 0
                rows = [each._asdict() | {"exclusions": list(each.exclusions)} for each in batch]
                connection.execute(member.insert(), rows)
                written += len(batch)
        return written, removed
    finally:
        engine.dispose()


def _impatient(url: URL) -> str:
    if url.get_backend_name() == "postgresql":
        wanted = {"connect_timeout": str(_CONNECT_S), "tcp_user_timeout": str(2 * PATIENCE_MS)}
        url = url.update_query_dict(wanted)
    return url.render_as_string(hide_password=False)


def _be_impatient(connection: Any, dialect: str) -> None:
    if dialect == "sqlite":
        connection.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        return
    before = connection.autocommit
    connection.autocommit = True  # a SET in a transaction is undone with it
    connection.execute(f"SET SESSION statement_timeout = {PATIENCE_MS}")
    connection.autocommit = before
