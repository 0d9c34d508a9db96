"""Coverage assertions and prior authorizations.

A revision stands on its own: it repeats the columns as they were then, and does not import the schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "coverage_assertion",
        sa.Column("assertion_id", sa.String(128), primary_key=True),
        sa.Column("facts_digest", sa.String(128), nullable=False),
        sa.Column("order_reference", sa.Text, nullable=False),
        sa.Column("coverage_reference", sa.Text, nullable=False),
        sa.Column("payer", sa.String(128), nullable=False),
        sa.Column("product", sa.String(128)),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("policies", json, nullable=False),
        sa.Column("criteria", json, nullable=False),
        sa.Column("service_date", sa.Date),
        sa.Column("authorization_number", sa.String(128)),
        sa.Column("hook_instance", sa.Text),
        sa.Column("engine_version", sa.String(64), nullable=False),
        sa.Column("catalogue_version", sa.String(128), nullable=False),
        sa.Column("decided_at", moment, nullable=False),
        sa.Column("crd_version", sa.String(16)),
    )
    op.create_index("ix_coverage_assertion_decided_at", "coverage_assertion", ["decided_at"])
    op.create_table(
        "prior_authorization",
        sa.Column("number", sa.String(128), primary_key=True),
        sa.Column(
            "assertion_id",
            sa.String(128),
            sa.ForeignKey("coverage_assertion.assertion_id", name="fk_prior_authorization_assertion"),
            nullable=False,
        ),
        sa.Column("payer", sa.String(128), nullable=False),
        sa.Column("product", sa.String(128)),
        sa.Column("issued_at", moment, nullable=False),
        sa.Column("authorized_from", sa.Date),
        sa.Column("authorized_to", sa.Date),
    )
    op.create_index("ix_prior_authorization_assertion_id", "prior_authorization", ["assertion_id"])


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("prior_authorization")
    op.drop_table("coverage_assertion")
