"""The log of the configured database, for commands; what is wrong with it is told in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from cds_service.commands.errors import CommandError
from cds_service.store.errors import StoreError, describe
from cds_service.store.journal import Journal


@contextmanager
def opened(url: str) -> Iterator[Journal]:
    """The journal; raises CommandError when the database cannot be used."""
    try:
        journal = Journal.open(url)
        try:
            yield journal
        finally:
            journal.close()
    except (StoreError, SQLAlchemyError) as error:
        raise CommandError(f"CDS_DATABASE_URL: {describe(error)}") from error
