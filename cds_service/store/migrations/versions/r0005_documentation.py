"""Requests for documentation, the answers to them, errors of forms, and the key that seals all this.

A revision stands on its own: it repeats the columns as they were then, and does not import the schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the four tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "documentation_request",
        sa.Column("assertion_id", sa.String(128), primary_key=True),
        sa.Column("order_key", sa.String(64), nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_documentation_request_order_key", "documentation_request", ["order_key"])
    op.create_index("ix_documentation_request_expires_at", "documentation_request", ["expires_at"])
    op.create_table(
        "questionnaire_response",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("assertion_id", sa.String(128), nullable=False),
        sa.Column("order_key", sa.String(64), nullable=False),
        sa.Column("form", sa.String(128), nullable=False),
        sa.Column("form_version", sa.String(32), nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("decided_assertion_id", sa.String(128)),
        sa.Column("answers", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_questionnaire_response_order_key", "questionnaire_response", ["order_key"])
    op.create_index("ix_questionnaire_response_updated_at", "questionnaire_response", ["updated_at"])
    op.create_table(
        "form_error",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("client", sa.Text),
        sa.Column("questionnaire", sa.Text, nullable=False),
        sa.Column("issues", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_form_error_received_at", "form_error", ["received_at"])
    op.create_table(
        "service_key",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )


def downgrade() -> None:
    """Drop the four tables."""
    for table in ("service_key", "form_error", "questionnaire_response", "documentation_request"):
        op.drop_table(table)
