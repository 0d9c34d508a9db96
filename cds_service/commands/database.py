"""Reading the configured database, for commands; what is wrong with it is told in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from cds_service.commands.errors import CommandError
from cds_service.store.errors import StoreError, describe
from cds_service.store.journal import Journal


class Closing(Protocol):
    """What reads a database until it is closed."""

    def close(self) -> None:
        """Give the connections back."""


Reader = TypeVar("Reader", bound=Closing)


@contextmanager
def reading(open_reader: Callable[[str], Reader], url: str) -> Iterator[Reader]:
    """What reads the database, until the block ends; raises CommandError when it cannot be used."""
    try:
        reader = open_reader(url)
        try:
            yield reader
        finally:
            reader.close()
    except (StoreError, SQLAlchemyError) as error:
        raise CommandError(f"CDS_DATABASE_URL: {describe(error)}") from error


def opened(url: str) -> AbstractContextManager[Journal]:
    """The journal; raises CommandError when the database cannot be used."""
    return reading(Journal.open, url)
