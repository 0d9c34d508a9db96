"""Writing whatever is recorded; finding decisions and authorizations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Engine, Insert, Select, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.database import writing
from cds_service.store.model import (
    AuthorizationRecord,
    DecisionRecord,
    Record,
    RecordedCriterion,
    RecordedPolicy,
)
from cds_service.store.rows import table_rows
from cds_service.store.schema import coverage_assertion, prior_authorization
from cds_service.store.upgrade import open_current


class DecisionStore:
    """Decisions in one database. Threads may share it; processes may not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = writing(engine)

    @classmethod
    def open(cls, url: str) -> DecisionStore:
        """Connect to `url` and bring its schema up to date.

        Raises StoreError or SQLAlchemyError when the database cannot be used.
        """
        return cls(open_current(url))

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def write(self, records: Iterable[Record]) -> None:
        """Add the records whose key is not there yet, decisions with their authorizations; all or none.

        Raises SQLAlchemyError. Rows go in by key order, so that two processes writing the same
        decisions cannot wait for each other.
        """
        rows = list(table_rows(records))
        if not rows:
            return
        with self._writing.begin() as connection:
            for table, new in rows:
                connection.execute(self._insert(table), new)

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
        return None if row is None else _decision(row)

    def authorization(self, number: str) -> AuthorizationRecord | None:
        """The prior authorization with this number, or None. Raises SQLAlchemyError."""
        row = self._one(select(prior_authorization).where(prior_authorization.c.number == number))
        return None if row is None else AuthorizationRecord(**row)

    def _one(self, statement: Select[Any]) -> Mapping[Any, Any] | None:
        with self._engine.connect() as connection:
            return connection.execute(statement).mappings().first()

    def _insert(self, table: Table) -> Insert:
        if self._engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()


def _decision(row: Mapping[str, Any]) -> DecisionRecord:
    kept = dict(row)
    kept["policies"] = tuple(RecordedPolicy(**policy) for policy in row["policies"])
    kept["criteria"] = tuple(
        RecordedCriterion(**{**criterion, "evidence": tuple(criterion["evidence"])})
        for criterion in row["criteria"]
    )
    return DecisionRecord(**kept)
