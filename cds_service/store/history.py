"""The decisions about one order, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, or_, select

from cds_service.store.decisions import decision_of
from cds_service.store.model import DecisionRecord
from cds_service.store.schema import coverage_assertion, prior_authorization
from cds_service.store.upgrade import open_current

MOST: Final = 200
"""Decisions that one history shows at most."""

_table = coverage_assertion.c


class History:
    """Reads histories from one database. Threads may share it; processes may not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> History:
        """Connect to `url` and bring its schema up to date; raises StoreError or SQLAlchemyError."""
        return cls(open_current(url))

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def of_order(self, reference: str, client: str | None = None) -> list[DecisionRecord]:
        """The decisions about orders of this reference, of one client or of all; oldest first."""
        wanted = _table.order_reference == reference
        if client is not None:
            wanted = wanted & (_table.client == client)
        with self._engine.connect() as connection:
            return self._chained(connection, _read(connection, wanted))

    def of_assertion(self, assertion_id: str) -> list[DecisionRecord]:
        """The decision of this coverage-assertion-id and the others about its order; [] when unknown."""
        with self._engine.connect() as connection:
            return self._chained(connection, _read(connection, _table.assertion_id == assertion_id))

    def _chained(self, connection: Connection, found: Sequence[DecisionRecord]) -> list[DecisionRecord]:
        """With all decisions about the same orders of the same clients, whatever id the order had then.

        An EHR may give an order another id when it is signed: the answer that it then still carries links
        the two.
        """
        known = {each.assertion_id: each for each in found}
        latest: Collection[DecisionRecord] = found
        while latest and len(known) < MOST:
            latest = [
                each
                for each in _read(connection, _linked(latest))
                if known.setdefault(each.assertion_id, each) is each
            ]
        return sorted(known.values(), key=lambda each: (each.decided_at, each.assertion_id))[-MOST:]


def _linked(decisions: Collection[DecisionRecord]) -> ColumnElement[bool]:
    """What belongs to these: the same order, the answer it carried, and what came of orders with theirs."""
    before = {each.earlier_assertion_id for each in decisions if each.earlier_assertion_id is not None}
    same_order = [
        (_table.order_reference == order)
        & (_table.coverage_reference == coverage)
        & _table.client.is_not_distinct_from(client)
        for order, coverage, client in {
            (each.order_reference, each.coverage_reference, each.client) for each in decisions
        }
    ]
    return or_(
        *same_order,
        _table.assertion_id.in_(before),
        _table.earlier_assertion_id.in_([each.assertion_id for each in decisions]),
    )


def _read(connection: Connection, wanted: ColumnElement[bool]) -> list[DecisionRecord]:
    authorization = prior_authorization.c
    statement = (
        select(coverage_assertion, authorization.authorized_from, authorization.authorized_to)
        .outerjoin_from(
            coverage_assertion, prior_authorization, authorization.number == _table.authorization_number
        )
        .where(wanted)
        .order_by(_table.decided_at.desc())
        .limit(MOST)
    )
    return [decision_of(row) for row in connection.execute(statement).mappings()]
