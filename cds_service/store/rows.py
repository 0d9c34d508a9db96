"""Records as rows of their tables, in an order that keeps two processes from waiting for each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any, Final

from sqlalchemy import Table

from cds_service.store.model import (
    DecisionRecord,
    DocumentationRequest,
    FeedbackRecord,
    FormErrorRecord,
    InvocationRecord,
    Record,
)
from cds_service.store.schema import (
    coverage_assertion,
    documentation_request,
    feedback,
    form_error,
    invocation,
    prior_authorization,
    sent_card,
)

_AUTHORIZATION_FIELDS: Final = ("authorized_from", "authorized_to")
DECISION_FIELDS: Final = tuple(
    each.name for each in fields(DecisionRecord) if each.name not in _AUTHORIZATION_FIELDS
)
_INVOCATION_FIELDS: Final = tuple(each.name for each in fields(InvocationRecord) if each.name != "cards")
_FEEDBACK_FIELDS: Final = tuple(each.name for each in fields(FeedbackRecord))


def table_rows(
    records: Iterable[Record], seal: Callable[[bytes], bytes]
) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Each table that gets rows, with its rows by key order; of equal keys the first record counts.

    `seal` encrypts. Of requests for documentation the last one counts: it lives longest.
    """
    requests: dict[str, DocumentationRequest] = {}
    errors: dict[str, FormErrorRecord] = {}
    decisions: dict[str, DecisionRecord] = {}
    invocations: dict[str, InvocationRecord] = {}
    cards: dict[str, dict[str, Any]] = {}
    given: dict[str, FeedbackRecord] = {}
    for record in records:
        if isinstance(record, DecisionRecord):
            decisions.setdefault(record.assertion_id, record)
        elif isinstance(record, InvocationRecord):
            invocations.setdefault(record.id, record)
            for row in _card_rows(record):
                cards.setdefault(row["card"], row)
        elif isinstance(record, DocumentationRequest):
            requests[record.assertion_id] = record
        elif isinstance(record, FormErrorRecord):
            errors.setdefault(record.id, record)
        else:
            given.setdefault(record.id, record)
    granted = {row["number"]: row for row in map(_authorization_row, decisions.values()) if row}
    for table, rows in (
        (coverage_assertion, {key: _decision_row(each) for key, each in decisions.items()}),
        (prior_authorization, granted),
        (invocation, {key: _invocation_row(each) for key, each in invocations.items()}),
        (sent_card, cards),
        (feedback, {key: _feedback_row(each) for key, each in given.items()}),
        (documentation_request, {key: request_row(each, seal) for key, each in requests.items()}),
        (form_error, {key: _form_error_row(each, seal) for key, each in errors.items()}),
    ):
        if rows:
            yield table, [rows[key] for key in sorted(rows)]


def _storable(value: Any) -> Any:
    """Text without NUL, which a client can send in a reference and PostgreSQL refuses."""
    return value.replace("\x00", "") if isinstance(value, str) else value


def _decision_row(record: DecisionRecord) -> dict[str, Any]:
    row = {name: _storable(getattr(record, name)) for name in DECISION_FIELDS}
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


def _invocation_row(record: InvocationRecord) -> dict[str, Any]:
    row = {name: _storable(getattr(record, name)) for name in _INVOCATION_FIELDS}
    row["stages"] = dict(record.stages)
    row["outcomes"] = list(record.outcomes)
    row["assertion_ids"] = list(record.assertion_ids)
    return row


def _card_rows(record: InvocationRecord) -> Iterator[dict[str, Any]]:
    for each in record.cards:
        yield {
            "card": each.card,
            "sent_at": record.received_at,
            "service": record.service,
            "topic": each.topic,
            "assertion_id": each.assertion_id,
            "policy": each.policy,
            "version": each.version,
            "outcome": each.outcome,
        }


def _feedback_row(record: FeedbackRecord) -> dict[str, Any]:
    row = {name: _storable(getattr(record, name)) for name in _FEEDBACK_FIELDS}
    row["suggestions"] = [_storable(each) for each in record.suggestions]
    return row


def request_row(record: DocumentationRequest, seal: Callable[[bytes], bytes]) -> dict[str, Any]:
    """The row of a request for documentation."""
    names = ("assertion_id", "order_key", "client", "created_at", "expires_at")
    row = {name: _storable(getattr(record, name)) for name in names}
    return {**row, "sealed": seal(record.content())}


def _form_error_row(record: FormErrorRecord, seal: Callable[[bytes], bytes]) -> dict[str, Any]:
    return {
        "id": record.id,
        "received_at": record.received_at,
        "client": _storable(record.client),
        "questionnaire": _storable(record.questionnaire),
        "issues": [{key: _storable(value) for key, value in each.items()} for each in record.issues],
        "sealed": seal(record.details()),
    }
