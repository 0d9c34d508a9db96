"""The log of invocations, the cards that were sent, and what clinicians did with them.

A revision stands on its own: it repeats the columns as they were then, and does not import the schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the three tables."""
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "invocation",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("hook_instance", sa.String(64)),
        sa.Column("client", sa.String(255)),
        sa.Column("crd_version", sa.String(16)),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("error_code", sa.String(16)),
        sa.Column("milliseconds", sa.Float, nullable=False),
        sa.Column("stages", json, nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("request_bytes", sa.Integer, nullable=False),
        sa.Column("orders", sa.Integer, nullable=False),
        sa.Column("outcomes", json, nullable=False),
        sa.Column("assertion_ids", json, nullable=False),
        sa.Column("payload", sa.LargeBinary),
    )
    op.create_index("ix_invocation_received_at", "invocation", ["received_at"])
    op.create_index("ix_invocation_hook_instance", "invocation", ["hook_instance"])
    op.create_table(
        "sent_card",
        sa.Column("card", sa.String(64), primary_key=True),
        sa.Column("sent_at", moment, nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("assertion_id", sa.String(128)),
        sa.Column("policy", sa.String(128)),
        sa.Column("version", sa.String(32)),
        sa.Column("outcome", sa.String(32)),
    )
    op.create_index("ix_sent_card_sent_at", "sent_card", ["sent_at"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("client", sa.String(255)),
        sa.Column("card", sa.String(128), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("suggestions", json, nullable=False),
        sa.Column("reason_code", sa.String(128)),
        sa.Column("reason_system", sa.Text),
        sa.Column("reason_display", sa.Text),
        sa.Column("comment", sa.Text),
        sa.Column("outcome_at", moment),
    )
    op.create_index("ix_feedback_received_at", "feedback", ["received_at"])
    op.create_index("ix_feedback_card", "feedback", ["card"])


def downgrade() -> None:
    """Drop the three tables."""
    op.drop_table("feedback")
    op.drop_table("sent_card")
    op.drop_table("invocation")
