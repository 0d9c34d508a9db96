"""Writing whatever is recorded; finding decisions and authorizations."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import Connection, Engine, Insert, Select, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.database import writing
from cds_service.store.keys import vault
from cds_service.store.model import (
    AuthorizationRecord,
    DecisionRecord,
    Record,
    RecordedCriterion,
    RecordedPolicy,
)
from cds_service.store.payload import PayloadVault
from cds_service.store.rows import table_rows
from cds_service.store.schema import coverage_assertion, documentation_request, prior_authorization
from cds_service.store.upgrade import open_current

_PURGE_EVERY_S: Final = 600.0


class DecisionStore:
    """Decisions in one database. Threads may share it; processes may not.

    `payload_keys` encrypt what documentation rests on; without them the database's own key does.
    """

    def __init__(self, engine: Engine, payload_keys: Sequence[str] = ()) -> None:
        self._engine = engine
        self._writing = writing(engine)
        self._payload_keys = tuple(payload_keys)
        self._vault: PayloadVault | None = None
        self._purge_at = 0.0

    @classmethod
    def open(cls, url: str, payload_keys: Sequence[str] = ()) -> DecisionStore:
        """Connect to `url` and bring its schema up to date.

        Raises StoreError or SQLAlchemyError when the database cannot be used.
        """
        return cls(open_current(url), payload_keys)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def write(self, records: Iterable[Record]) -> None:
        """Add the records whose key is not there yet, decisions with their authorizations; all or none.

        Raises SQLAlchemyError. Rows go in by key order, so that two processes writing the same
        decisions cannot wait for each other.
        """
        rows = list(table_rows(records, self._seal))
        if not rows:
            return
        with self._writing.begin() as connection:
            for table, new in rows:
                connection.execute(insert(self._engine, table), new)
            if any(table is documentation_request for table, _ in rows):
                self._delete_expired(connection)

    def _seal(self, content: bytes) -> bytes:
        if self._vault is None:
            self._vault = vault(self._engine, self._payload_keys)
        return self._vault.seal_one(content)

    def _delete_expired(self, connection: Connection) -> None:
        """Now and then: what nobody may open any more is kept no longer."""
        if time.monotonic() >= self._purge_at:
            self._purge_at = time.monotonic() + _PURGE_EVERY_S
            expired = documentation_request.c.expires_at < datetime.now(UTC)
            connection.execute(delete(documentation_request).where(expired))

    def find(self, assertion_id: str) -> DecisionRecord | None:
        """The decision behind a coverage-assertion-id, or None. Raises SQLAlchemyError."""
        statement = (
            select(
                coverage_assertion,
                prior_authorization.c.authorized_from,
                prior_authorization.c.authorized_to,
            )
            .outerjoin_from(
                coverage_assertion,
                prior_authorization,
                prior_authorization.c.number == coverage_assertion.c.authorization_number,
            )
            .where(coverage_assertion.c.assertion_id == assertion_id)
        )
        row = self._one(statement)
        return None if row is None else decision_of(row)

    def authorization(self, number: str) -> AuthorizationRecord | None:
        """The prior authorization with this number, or None. Raises SQLAlchemyError."""
        row = self._one(select(prior_authorization).where(prior_authorization.c.number == number))
        return None if row is None else AuthorizationRecord(**row)

    def _one(self, statement: Select[Any]) -> Mapping[Any, Any] | None:
        with self._engine.connect() as connection:
            return connection.execute(statement).mappings().first()


def insert(engine: Engine, table: Table) -> Insert:
    """An insert that leaves a row with the same key alone, but for requests: the latest of these stands."""
    dialect: Any = postgresql if engine.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    if table is not documentation_request:
        return cast(Insert, statement.on_conflict_do_nothing())
    (key,) = table.primary_key.columns
    new = {each.name: statement.excluded[each.name] for each in table.columns if each is not key}
    return cast(Insert, statement.on_conflict_do_update(index_elements=[key], set_=new))


def decision_of(row: Mapping[Any, Any]) -> DecisionRecord:
    """The record of a row of decisions, joined with its authorization."""
    kept = dict(row)
    kept["policies"] = tuple(RecordedPolicy(**policy) for policy in row["policies"])
    kept["criteria"] = tuple(
        RecordedCriterion(**{**criterion, "evidence": tuple(criterion["evidence"])})
        for criterion in row["criteria"]
    )
    return DecisionRecord(**kept)
