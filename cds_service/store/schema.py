"""The tables, as SQLAlchemy Core sees them. `migrations/` builds them; a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

LATEST_REVISION = "0006"
"""The newest revision in `migrations/versions`: a database that names it needs no upgrade."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite stores no offset, so it is dropped and put back.

    Raises ValueError when a naive datetime is bound.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC on the way in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without time zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _json() -> Any:
    return JSON().with_variant(JSONB(), "postgresql")


metadata = MetaData()

coverage_assertion = Table(
    "coverage_assertion",
    metadata,
    Column("assertion_id", String(128), primary_key=True),
    Column("facts_digest", String(128), nullable=False),
    Column("order_reference", Text, nullable=False),
    Column("coverage_reference", Text, nullable=False),
    Column("payer", String(128), nullable=False),
    Column("product", String(128)),
    Column("outcome", String(32), nullable=False),
    Column("policies", _json(), nullable=False),
    Column("criteria", _json(), nullable=False),
    Column("service_date", Date),
    Column("authorization_number", String(128)),
    Column("hook_instance", Text),
    Column("engine_version", String(64), nullable=False),
    Column("catalogue_version", String(128), nullable=False),
    Column("decided_at", UtcDateTime(), nullable=False),
    Column("crd_version", String(16)),
    Column("hook", String(64)),
    Column("client", Text),
    Column("earlier_assertion_id", String(128)),
    Index("ix_coverage_assertion_decided_at", "decided_at"),
    Index("ix_coverage_assertion_order_reference", "order_reference"),
    Index(
        "ix_coverage_assertion_earlier",
        "earlier_assertion_id",
        sqlite_where=text("earlier_assertion_id IS NOT NULL"),
        postgresql_where=text("earlier_assertion_id IS NOT NULL"),
    ),
)

prior_authorization = Table(
    "prior_authorization",
    metadata,
    Column("number", String(128), primary_key=True),
    Column(
        "assertion_id",
        String(128),
        ForeignKey("coverage_assertion.assertion_id", name="fk_prior_authorization_assertion"),
        nullable=False,
    ),
    Column("payer", String(128), nullable=False),
    Column("product", String(128)),
    Column("issued_at", UtcDateTime(), nullable=False),
    Column("authorized_from", Date),
    Column("authorized_to", Date),
    Index("ix_prior_authorization_assertion_id", "assertion_id"),
)

used_token = Table(
    "used_token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", UtcDateTime(), nullable=False),
    Index("ix_used_token_expires_at", "expires_at"),
)

invocation = Table(
    "invocation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("received_at", UtcDateTime(), nullable=False),
    Column("service", String(64), nullable=False),
    Column("hook_instance", String(64)),
    Column("client", String(255)),
    Column("crd_version", String(16)),
    Column("status", Integer, nullable=False),
    Column("error_code", String(16)),
    Column("milliseconds", Float, nullable=False),
    Column("stages", _json(), nullable=False),
    Column("request_digest", String(64), nullable=False),
    Column("request_bytes", Integer, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("outcomes", _json(), nullable=False),
    Column("assertion_ids", _json(), nullable=False),
    Column("payload", LargeBinary),
    Index("ix_invocation_received_at", "received_at"),
    Index("ix_invocation_hook_instance", "hook_instance"),
)

sent_card = Table(
    "sent_card",
    metadata,
    Column("card", String(64), primary_key=True),
    Column("sent_at", UtcDateTime(), nullable=False),
    Column("service", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("assertion_id", String(128)),
    Column("policy", String(128)),
    Column("version", String(32)),
    Column("outcome", String(32)),
    Index("ix_sent_card_sent_at", "sent_at"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("received_at", UtcDateTime(), nullable=False),
    Column("service", String(64), nullable=False),
    Column("client", String(255)),
    Column("card", String(128), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("suggestions", _json(), nullable=False),
    Column("reason_code", String(128)),
    Column("reason_system", Text),
    Column("reason_display", Text),
    Column("comment", Text),
    Column("outcome_at", UtcDateTime()),
    Index("ix_feedback_received_at", "received_at"),
    Index("ix_feedback_card", "card"),
)

member = Table(
    "member",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("payer", String(128), nullable=False),
    Column("member_id", String(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("plan", String(255), nullable=False),
    Column("line_of_business", String(128)),
    Column("effective_from", Date, nullable=False),
    Column("effective_to", Date),
    Column("exclusions", _json(), nullable=False),
    Index("ix_member_payer_member_id", "payer", "member_id"),
)

documentation_request = Table(
    "documentation_request",
    metadata,
    Column("assertion_id", String(128), primary_key=True),
    Column("order_key", String(64), nullable=False),
    Column("client", Text),
    Column("created_at", UtcDateTime(), nullable=False),
    Column("expires_at", UtcDateTime(), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_documentation_request_order_key", "order_key"),
    Index("ix_documentation_request_expires_at", "expires_at"),
)

questionnaire_response = Table(
    "questionnaire_response",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("assertion_id", String(128), nullable=False),
    Column("order_key", String(64), nullable=False),
    Column("form", String(128), nullable=False),
    Column("form_version", String(32), nullable=False),
    Column("client", Text),
    Column("status", String(16), nullable=False),
    Column("updated_at", UtcDateTime(), nullable=False),
    Column("decided_assertion_id", String(128)),
    Column("answers", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_questionnaire_response_order_key", "order_key"),
    Index("ix_questionnaire_response_updated_at", "updated_at"),
)

form_error = Table(
    "form_error",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("received_at", UtcDateTime(), nullable=False),
    Column("client", Text),
    Column("questionnaire", Text, nullable=False),
    Column("issues", _json(), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_form_error_received_at", "received_at"),
)

service_key = Table(
    "service_key",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("secret", Text, nullable=False),
    Column("created_at", UtcDateTime(), nullable=False),
)
