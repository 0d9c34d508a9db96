"""Every database test runs twice: on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cds_service.store.decisions import DecisionStore
from tests.store.postgresql import NoServerBinariesError, temporary_server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The server's URL without a database. Without binaries: a failure in CI, else a skip with the reason."""
    try:
        with temporary_server() as url:
            yield url
    except NoServerBinariesError as error:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


class Databases:
    """Names empty databases; `create` makes one that does not exist yet."""

    def __init__(self, kind: str, place: str) -> None:
        self.kind = kind
        self._place = place

    def name(self) -> str:
        """The URL of a database that does not exist yet."""
        unique = f"test_{uuid.uuid4().hex}"
        return (
            f"sqlite:///{self._place}/missing/{unique}.sqlite3"
            if self.kind == "sqlite"
            else f"{self._place}/{unique}"
        )

    def create(self, url: str) -> str:
        """Bring the database into being, without any table."""
        if self.kind == "postgresql":
            self.execute(f'CREATE DATABASE "{url.rpartition("/")[2]}"')
        return url

    def execute(self, sql: str) -> None:
        """One statement on the PostgreSQL server, outside any transaction."""
        engine = create_engine(f"{self._place}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(sql))
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """Where this test's databases live."""
    place = str(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgresql_server")
    return Databases(request.param, place)


@pytest.fixture
def url(databases: Databases) -> str:
    """The URL of an empty database."""
    return databases.create(databases.name())


@pytest.fixture
def store(url: str) -> Iterator[DecisionStore]:
    """A store in an empty database."""
    opened = DecisionStore.open(url)
    yield opened
    opened.close()
