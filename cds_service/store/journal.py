"""Reading the log of invocations and the feedback, and deleting what is older than it may become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Table, and_, delete, func, not_, or_, select

from cds_service.store.database import writing
from cds_service.store.schema import (
    coverage_assertion,
    documentation_request,
    feedback,
    form_error,
    invocation,
    prior_authorization,
    questionnaire_response,
    sent_card,
)
from cds_service.store.upgrade import open_current

_AT_ONCE: Final = 5_000
"""Rows deleted in one transaction, so that the writers of a running service wait only shortly."""


@dataclass(frozen=True, slots=True)
class CardCount:
    """How many cards of one kind went out."""

    policy: str | None
    version: str | None
    topic: str
    outcome: str | None
    sent: int


@dataclass(frozen=True, slots=True)
class GivenFeedback:
    """One feedback, with the card it speaks of; `topic` is None when that card is not on record."""

    outcome: str
    reason_code: str | None
    reason_system: str | None
    reason_display: str | None
    comment: str | None
    suggestions: tuple[str, ...]
    topic: str | None
    policy: str | None
    version: str | None
    decision: str | None


class Journal:
    """The log of one database. Threads may share it; processes may not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = writing(engine)

    @classmethod
    def open(cls, url: str) -> Journal:
        """Connect to `url` and bring its schema up to date; raises StoreError or SQLAlchemyError."""
        return cls(open_current(url))

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def cards(self, since: datetime | None = None) -> list[CardCount]:
        """Cards sent since a moment, counted by policy version, topic and outcome."""
        kind = (sent_card.c.policy, sent_card.c.version, sent_card.c.topic, sent_card.c.outcome)
        statement = select(*kind, func.count().label("sent")).group_by(*kind)
        if since is not None:
            statement = statement.where(sent_card.c.sent_at >= since)
        with self._engine.connect() as connection:
            return [CardCount(**row) for row in connection.execute(statement).mappings()]

    def feedback(self, since: datetime | None = None) -> Iterator[GivenFeedback]:
        """Feedback received since a moment, oldest first, with the cards where they are on record."""
        given = feedback.c
        statement = (
            select(
                *(given.outcome, given.reason_code, given.reason_system, given.reason_display),
                *(given.comment, given.suggestions),
                *(sent_card.c.topic, sent_card.c.policy, sent_card.c.version),
                sent_card.c.outcome.label("decision"),
            )
            .outerjoin_from(feedback, sent_card, sent_card.c.card == given.card)
            .order_by(given.received_at, given.id)
        )
        if since is not None:
            statement = statement.where(given.received_at >= since)
        with self._engine.connect() as connection:
            for row in connection.execute(statement).mappings():
                yield GivenFeedback(**{**row, "suggestions": tuple(row["suggestions"])})

    def invocations(self, hook_instance: str) -> list[dict[str, Any]]:
        """The logged calls with this hookInstance, oldest first, by column name."""
        statement = (
            select(invocation)
            .where(invocation.c.hook_instance == hook_instance)
            .order_by(invocation.c.received_at)
        )
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def expired(self, before: datetime, *, decisions: bool) -> dict[str, int]:
        """How many rows of each table `purge` would delete."""
        with self._engine.connect() as connection:
            return {
                table.name: connection.execute(
                    select(func.count()).select_from(table).where(condition)
                ).scalar_one()
                for table, condition in _expired(before, decisions=decisions)
            }

    def purge(self, before: datetime, *, decisions: bool) -> dict[str, int]:
        """Delete what is older than a moment; gives back the number of rows by table.

        Invocations (with kept payloads), sent cards, feedback, requests for documentation, drafts and
        reported errors of forms go; decisions with their authorizations and the completed questionnaires
        behind them only when asked, and none whose authorization still runs at that moment. Raises
        SQLAlchemyError; what was deleted by then stays deleted.
        """
        return {
            table.name: self._delete(table, condition)
            for table, condition in _expired(before, decisions=decisions)
        }

    def _delete(self, table: Table, condition: ColumnElement[bool]) -> int:
        (key,) = table.primary_key.columns
        some = select(key).where(condition).limit(_AT_ONCE)
        deleted = 0
        while True:
            with self._writing.begin() as connection:
                count = connection.execute(delete(table).where(key.in_(some))).rowcount
            deleted += count
            if count < _AT_ONCE:
                return deleted


def _expired(before: datetime, *, decisions: bool) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """The tables with what is too old in each, rows that refer to others first."""
    yield invocation, invocation.c.received_at < before
    yield sent_card, sent_card.c.sent_at < before
    yield feedback, feedback.c.received_at < before
    yield documentation_request, documentation_request.c.expires_at < before
    yield form_error, form_error.c.received_at < before
    response = questionnaire_response.c
    drafted = and_(response.status != "completed", response.updated_at < before)
    if not decisions:
        yield questionnaire_response, drafted
        return
    running = select(prior_authorization.c.number).where(
        prior_authorization.c.assertion_id == response.decided_assertion_id,
        prior_authorization.c.authorized_to >= before.date(),
    )
    answered = and_(response.status == "completed", response.updated_at < before, ~running.exists())
    yield questionnaire_response, or_(drafted, answered)
    authorized = prior_authorization.c
    ended = or_(authorized.authorized_to.is_(None), authorized.authorized_to < before.date())
    yield prior_authorization, and_(authorized.issued_at < before, ended)
    kept = select(authorized.number).where(
        authorized.assertion_id == coverage_assertion.c.assertion_id,
        not_(and_(authorized.issued_at < before, ended)),
    )
    yield coverage_assertion, and_(coverage_assertion.c.decided_at < before, ~kept.exists())
