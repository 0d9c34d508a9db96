"""The keys that kept content is encrypted with: those of the operator, else one that the database keeps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from cds_service.store.database import writing
from cds_service.store.payload import PayloadVault, new_key
from cds_service.store.schema import service_key

PAYLOAD_KEY: Final = "payload"


def all_keys(engine: Engine, configured: Sequence[str]) -> tuple[str, ...]:
    """The keys in use, the one that encrypts first: the configured ones, then the database's own.

    Without configured ones, a key is made once and shared by all workers. What it encrypted stays readable
    when keys are configured later. Raises SQLAlchemyError.
    """
    own = _own_key(engine, make=not configured)
    return (*configured, *([own] if own is not None else []))


def vault(engine: Engine, configured: Sequence[str]) -> PayloadVault:
    """What seals and opens by these keys. Raises StoreConfigurationError for a key that is none."""
    return PayloadVault(all_keys(engine, configured))


def _own_key(engine: Engine, *, make: bool) -> str | None:
    wanted = select(service_key.c.secret).where(service_key.c.name == PAYLOAD_KEY)
    with engine.connect() as connection:
        found = connection.execute(wanted).scalar()
    if found is None and make:
        dialect: Any = postgresql if engine.dialect.name == "postgresql" else sqlite
        row = {"name": PAYLOAD_KEY, "secret": new_key(), "created_at": datetime.now(UTC)}
        with writing(engine).begin() as connection:
            connection.execute(dialect.insert(service_key).values(row).on_conflict_do_nothing())
            found = connection.execute(wanted).scalar()
    return found
