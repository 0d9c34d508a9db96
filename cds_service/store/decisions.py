"""Writing and finding decisions and authorizations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Engine, Insert, Select, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.database import open_engine, writing
from cds_service.store.model import AuthorizationRecord, DecisionRecord, RecordedCriterion, RecordedPolicy
from cds_service.store.schema import coverage_assertion, prior_authorization
from cds_service.store.upgrade import ensure_current


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
        engine = open_engine(url)
        try:
            ensure_current(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def write(self, records: Iterable[DecisionRecord]) -> None:
        """Add the decisions whose assertion id is not there yet, and their authorizations; all or none.

        Raises SQLAlchemyError. Rows go in by key order, so that two processes writing the same
        decisions cannot wait for each other.
        """
        absent = {record.assertion_id: record for record in reversed(list(records))}
        decisions = [absent[key] for key in sorted(absent)]
        if not decisions:
            return
        granted = {row["number"]: row for row in map(_authorization_row, decisions) if row}
        with self._writing.begin() as connection:
            connection.execute(self._insert(coverage_assertion), [_decision_row(d) for d in decisions])
            if granted:
                connection.execute(
                    self._insert(prior_authorization), [granted[number] for number in sorted(granted)]
                )

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


_AUTHORIZATION_FIELDS = ("authorized_from", "authorized_to")
_DECISION_FIELDS = tuple(f.name for f in fields(DecisionRecord) if f.name not in _AUTHORIZATION_FIELDS)


def _storable(value: Any) -> Any:
    """Text without NUL, which a client can send in a reference and PostgreSQL refuses."""
    return value.replace("\x00", "") if isinstance(value, str) else value


def _decision_row(record: DecisionRecord) -> dict[str, Any]:
    row = {name: _storable(getattr(record, name)) for name in _DECISION_FIELDS}
    row["policies"] = [asdict(policy) for policy in record.policies]
    row["criteria"] = [
        {**asdict(criterion), "evidence": [_storable(reference) for reference in criterion.evidence]}
        for criterion in record.criteria
    ]
    return row


def _authorization_row(record: DecisionRecord) -> dict[str, Any] | None:
    if record.authorization_number is None:
        return None
    return {
        "number": record.authorization_number,
        "assertion_id": record.assertion_id,
        "payer": record.payer,
        "product": record.product,
        "issued_at": record.decided_at,
        "authorized_from": record.authorized_from,
        "authorized_to": record.authorized_to,
    }


def _decision(row: Mapping[str, Any]) -> DecisionRecord:
    kept = dict(row)
    kept["policies"] = tuple(RecordedPolicy(**policy) for policy in row["policies"])
    kept["criteria"] = tuple(
        RecordedCriterion(**{**criterion, "evidence": tuple(criterion["evidence"])})
        for criterion in row["criteria"]
    )
    return DecisionRecord(**kept)
