"""Schema changes, oldest first, run by alembic from `cds_service.store.upgrade`."""
