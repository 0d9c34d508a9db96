"""A token counts once, whichever process sees it first; without a database nobody can tell."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cds_service.store.database import open_engine
from cds_service.store.schema import used_token
from cds_service.store.used_tokens import UsedTokens

LATER = datetime.now(UTC) + timedelta(days=1)  # beyond the end of any test run
EHR, OTHER = "https://ehr.example.org", "https://other.example.org"


@pytest.fixture
def used(url: str) -> Iterator[UsedTokens]:
    """Used tokens in an empty database."""
    tokens = UsedTokens(url)
    yield tokens
    tokens.close()


def test_a_token_is_new_once(used: UsedTokens) -> None:
    assert [used.first_use(EHR, "a", LATER) for _ in range(3)] == [True, False, False]


def test_every_issuer_has_its_own_names(used: UsedTokens) -> None:
    assert used.first_use(EHR, "a", LATER) is True
    assert used.first_use(OTHER, "a", LATER) is True
    assert used.first_use(EHR, "b", LATER) is True


def test_issuer_and_name_cannot_be_shifted_into_each_other(used: UsedTokens) -> None:
    assert used.first_use("https://a", "b:c", LATER) is True
    assert used.first_use("https://a:b", "c", LATER) is True


@pytest.mark.parametrize("name", ["\x00", "'; DROP TABLE used_token; --", "漢" * 255])
def test_any_name_can_be_kept(used: UsedTokens, name: str) -> None:
    assert [used.first_use(EHR, name, LATER) for _ in range(2)] == [True, False]


def test_expired_tokens_are_forgotten(url: str) -> None:
    first = UsedTokens(url)
    for number in range(5):
        first.first_use(EHR, f"old-{number}", datetime.now(UTC) - timedelta(seconds=1))
    first.close()
    second = UsedTokens(url)
    assert second.first_use(EHR, "new", LATER) is True
    second.close()
    engine = open_engine(url)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(used_token)).scalar() == 1
    engine.dispose()


def test_nothing_of_the_token_itself_is_stored(used: UsedTokens, url: str) -> None:
    used.first_use(EHR, "secret-name", LATER)
    engine = open_engine(url)
    with engine.connect() as connection:
        (row,) = connection.execute(select(used_token)).all()
    engine.dispose()
    assert "secret-name" not in str(row)
    assert "ehr.example.org" not in str(row)


def test_threads_that_show_the_same_token_at_once_win_once(used: UsedTokens) -> None:
    start, seen = threading.Barrier(8), []

    def show() -> None:
        start.wait()
        seen.append(used.first_use(EHR, "raced", LATER))

    threads = [threading.Thread(target=show) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen, key=str) == [False] * 7 + [True]


def _show(url: str, start: object, seen: object) -> None:
    tokens = UsedTokens(url)
    start.wait()  # type: ignore[attr-defined]
    seen.put([tokens.first_use(EHR, f"token-{number}", LATER) for number in range(20)])  # type: ignore[attr-defined]
    tokens.close()


def test_processes_that_show_the_same_tokens_at_once_win_once_each(url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, seen = spawn.Barrier(2), spawn.Queue()
    processes = [spawn.Process(target=_show, args=(url, start, seen)) for _ in range(2)]
    for process in processes:
        process.start()
    answers = [seen.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert [sorted(pair) for pair in zip(*answers, strict=True)] == [[False, True]] * 20


def _show_once(tokens: UsedTokens, seen: object) -> None:
    seen.put(tokens.first_use(EHR, "before-the-fork", LATER))  # type: ignore[attr-defined]


def test_a_child_process_knows_what_its_parent_saw(used: UsedTokens) -> None:
    assert used.first_use(EHR, "before-the-fork", LATER) is True
    fork = multiprocessing.get_context("fork")
    seen = fork.Queue()
    child = fork.Process(target=_show_once, args=(used, seen))
    child.start()
    assert seen.get(timeout=60) is False
    child.join(60)


def test_a_database_that_is_down_cannot_tell_and_says_so_without_its_password(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = UsedTokens("postgresql+psycopg://user:s3cret@127.0.0.1:1/none?connect_timeout=1")
    assert tokens.first_use(EHR, "a", LATER) is None
    assert tokens.first_use(EHR, "b", LATER) is None
    assert len(caplog.records) == 1, "the second call does not even try"
    assert "s3cret" not in caplog.text
    unusable = UsedTokens(f"sqlite:///{tmp_path}")  # a folder
    assert unusable.first_use(EHR, "a", LATER) is None
