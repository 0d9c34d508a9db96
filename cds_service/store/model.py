"""The records of the store, free of any database library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class RecordedPolicy:
    """One statement of a policy version that took part in a decision."""

    policy: str  # "cigna-1701"
    version: str  # "2024-07-01"
    statement: str  # id of the statement within that version
    outcome: str


@dataclass(frozen=True, slots=True)
class RecordedCriterion:
    """How one criterion stood. `evidence` holds references only ("Observation/bmi-1"), never values."""

    id: str
    status: str  # met | not met | unknown | not needed
    evidence: tuple[str, ...] = ()
    attested: bool = False


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision as it is kept (design section 3, `store.record`).

    `assertion_id` is the coverage-assertion-id of the answer and the key: the same order, coverage and
    facts give the same id, so the first record of an id stays and later ones change nothing.
    `decided_at` must be aware. `authorized_from`/`authorized_to` bound the authorization when
    `authorization_number` is given. `hook` and `client` (None in open mode) say where it was first made;
    `earlier_assertion_id` is the assertion of the same coverage that the order carried when it came.
    """

    assertion_id: str
    facts_digest: str
    order_reference: str
    coverage_reference: str
    payer: str
    product: str | None
    outcome: str
    policies: tuple[RecordedPolicy, ...]
    criteria: tuple[RecordedCriterion, ...]
    service_date: date | None
    authorization_number: str | None
    hook_instance: str | None
    engine_version: str
    catalogue_version: str
    decided_at: datetime
    crd_version: str | None
    authorized_from: date | None = None
    authorized_to: date | None = None
    hook: str | None = None
    client: str | None = None
    earlier_assertion_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationRecord:
    """One prior authorization granted by a decision; `number` is the satisfied-pa-id of the answer."""

    number: str
    assertion_id: str
    payer: str
    product: str | None
    issued_at: datetime
    authorized_from: date | None
    authorized_to: date | None


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How recording goes in this process, for the health page. Counts start at zero in each process.

    `healthy` is False from the first failure to reach the database until a write or a connection
    succeeds. `last_error` is the kind of the last error: no record data, host, user or password.
    `spooled` says whether records are on disk before the answer goes out; None where that is switched off.
    """

    healthy: bool
    queued: int
    written: int
    dropped: int
    last_error: str | None = None
    spooled: bool | None = None


@dataclass(frozen=True, slots=True)
class SentCard:
    """One card of an answer, and what it spoke of: enough to make sense of feedback about its uuid."""

    card: str  # the card's uuid
    topic: str  # code of source.topic
    assertion_id: str | None
    policy: str | None
    version: str | None  # effective date of the policy version
    outcome: str | None  # outcome of the decision behind the card


@dataclass(frozen=True, slots=True)
class InvocationRecord:
    """One call of a CDS service as it is logged (CRD 2.2.1, found-37): no content of chart or order.

    `id` is unique to the call; `request_digest` is the SHA-256 of the body in hex; `milliseconds` and
    `stages` (stage -> milliseconds) say where the time went; `payload` is the encrypted request and
    answer where full retention is switched on. `received_at` must be aware.
    """

    id: str
    received_at: datetime
    service: str
    hook_instance: str | None
    client: str | None
    crd_version: str | None
    status: int
    error_code: str | None
    milliseconds: float
    stages: Mapping[str, float]
    request_digest: str
    request_bytes: int
    orders: int
    outcomes: tuple[str, ...]
    assertion_ids: tuple[str, ...]
    cards: tuple[SentCard, ...] = ()
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """What a clinician did with one card (CDS Hooks 2.0, Feedback).

    `id` is the same when a client sends the same feedback again. `comment` is the clinician's own text:
    it is kept for the payer's reviewers and never logged.
    """

    id: str
    received_at: datetime
    service: str
    client: str | None
    card: str
    outcome: str  # accepted | overridden
    suggestions: tuple[str, ...] = ()
    reason_code: str | None = None
    reason_system: str | None = None
    reason_display: str | None = None
    comment: str | None = None
    outcome_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentationRequest:
    """What a decision that asks for documentation rests on, kept until it is answered or expires.

    `order_key` is the same whenever the same client asks about the same order. `content` gives the
    resources as JSON; the writer calls it and keeps only what it encrypts of them, so that the record never
    waits on disk. A later record with the same `assertion_id` replaces the earlier.
    """

    assertion_id: str
    order_key: str
    client: str | None
    created_at: datetime
    expires_at: datetime
    content: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A QuestionnaireResponse as it is kept: drafts one for each order and form, completed ones each.

    `id` is the same when the same response comes again. `answers` is what the rules take of it, so that a
    decision need not read its documents; both are encrypted in the database. `decided_assertion_id` names
    the decision that it led to.
    """

    id: str
    assertion_id: str
    order_key: str
    form: str
    form_version: str
    client: str | None
    status: str  # in-progress | completed
    updated_at: datetime
    answers: bytes
    response: bytes = b""  # empty where only the answers were asked for
    decided_assertion_id: str | None = None


@dataclass(frozen=True, slots=True)
class FormErrorRecord:
    """What a client reported about a questionnaire (DTR, $log-questionnaire-errors).

    `issues` hold codes and places only; `details` gives the whole report as JSON, kept encrypted.
    """

    id: str
    received_at: datetime
    client: str | None
    questionnaire: str  # its canonical, as reported
    issues: tuple[Mapping[str, str], ...]
    details: Callable[[], bytes]


Record = DecisionRecord | InvocationRecord | FeedbackRecord | DocumentationRequest | FormErrorRecord
"""Whatever the recorder takes."""
