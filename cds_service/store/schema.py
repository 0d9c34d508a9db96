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
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB

LATEST_REVISION = "0001"
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
    Index("ix_coverage_assertion_decided_at", "decided_at"),
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
