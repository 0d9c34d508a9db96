"""Runs migrations on the connection, and inside the transaction, that the caller holds."""

from __future__ import annotations

from alembic import context

from cds_service.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
