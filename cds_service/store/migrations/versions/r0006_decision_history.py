"""Decisions know at which hook and for whom they were made, and which earlier one the order carried.

A revision stands on its own: it repeats the columns as they were then, and does not import the schema.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; decisions of earlier releases do not have them."""
    op.add_column("coverage_assertion", sa.Column("hook", sa.String(64)))
    op.add_column("coverage_assertion", sa.Column("client", sa.Text))
    op.add_column("coverage_assertion", sa.Column("earlier_assertion_id", sa.String(128)))
    op.create_index("ix_coverage_assertion_order_reference", "coverage_assertion", ["order_reference"])
    op.create_index(
        "ix_coverage_assertion_earlier",
        "coverage_assertion",
        ["earlier_assertion_id"],
        sqlite_where=sa.text("earlier_assertion_id IS NOT NULL"),
        postgresql_where=sa.text("earlier_assertion_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Drop what `upgrade` added."""
    op.drop_index("ix_coverage_assertion_earlier", "coverage_assertion")
    op.drop_index("ix_coverage_assertion_order_reference", "coverage_assertion")
    for column in ("earlier_assertion_id", "client", "hook"):
        op.drop_column("coverage_assertion", column)
