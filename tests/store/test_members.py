"""The table of members: what is found of whom, and that trouble is never "unknown member"."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from cds_service.store.database import open_engine
from cds_service.store.enrolment import Enrolment, member_number
from cds_service.store.members import MemberTable, write_members

BORN, START = date(1980, 5, 17), date(2024, 1, 1)


def enrolment(number: str = "W123", plan: str = "gold", **elements: object) -> Enrolment:
    made = Enrolment("cigna", number, "Ada Example", BORN, plan, None, START, None, ("J1745", "remicade"))
    return made._replace(**elements)  # type: ignore[arg-type]


@pytest.fixture
def table(url: str) -> Iterator[MemberTable]:
    """A look-up over an empty database."""
    opened = MemberTable(url)
    yield opened
    opened.close()


def test_a_member_is_found_with_every_enrolment(table: MemberTable, url: str) -> None:
    mine = [enrolment(), enrolment(plan="silver", effective_to=date(2024, 12, 31), exclusions=())]
    write_members(url, [*mine, enrolment("W999"), enrolment(payer="excellus")], replace_all=False)
    found = table.find({("cigna", "W123"), ("cigna", "W000")})
    assert found is not None
    assert set(found[("cigna", "W123")]) == set(mine)
    assert found[("cigna", "W000")] == ()


def test_an_upsert_replaces_all_lines_of_its_members_and_no_others(table: MemberTable, url: str) -> None:
    write_members(url, [enrolment(), enrolment(plan="silver"), enrolment("W999")], replace_all=False)
    new = enrolment(plan="bronze")
    assert write_members(url, [new], replace_all=False) == (1, 2)
    assert table.find({("cigna", "W123"), ("cigna", "W999")}) == {
        ("cigna", "W123"): (new,),
        ("cigna", "W999"): (enrolment("W999"),),
    }


def test_lines_of_one_member_may_stand_far_apart(table: MemberTable, url: str) -> None:
    others = [enrolment(f"W{number}") for number in range(1_000, 3_200)]
    lines = [enrolment(), *others, enrolment(plan="silver")]
    write_members(url, lines, replace_all=False)
    assert write_members(url, lines, replace_all=False) == (2_202, 2_202)
    found = table.find({("cigna", "W123")})
    assert found is not None
    assert {each.plan for each in found[("cigna", "W123")]} == {"gold", "silver"}


def test_replace_all_leaves_nothing_else(table: MemberTable, url: str) -> None:
    write_members(url, [enrolment(), enrolment("W999")], replace_all=False)
    assert write_members(url, [enrolment("W1")], replace_all=True) == (1, 2)
    assert table.find({("cigna", "W123")}) == {("cigna", "W123"): ()}


def test_an_import_that_breaks_changes_nothing(table: MemberTable, url: str) -> None:
    write_members(url, [enrolment()], replace_all=False)

    def broken() -> Iterator[Enrolment]:
        yield enrolment("W1")
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 (whatever the source raises comes through)
        write_members(url, broken(), replace_all=True)
    assert table.find({("cigna", "W123"), ("cigna", "W1")}) == {
        ("cigna", "W123"): (enrolment(),),
        ("cigna", "W1"): (),
    }


def test_a_table_that_was_never_filled_cannot_tell(table: MemberTable) -> None:
    assert table.find({("cigna", "W123")}) is None


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/no/such/place/x.sqlite3", "postgresql://u:secret@127.0.0.1:9/none"]
)
def test_a_database_that_is_down_cannot_tell(
    url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "cds_service.store.members.log", logging.getLogger("apart")
    )  # whatever was configured
    caplog.set_level(logging.ERROR, "apart")
    table = MemberTable(url)
    assert [table.find({("cigna", "W123")}) for _ in range(2)] == [None, None]
    assert len(caplog.records) == 1  # the second call found it closed
    assert "W123" not in caplog.text
    assert "secret" not in caplog.text


def test_one_member_is_read_by_the_index(url: str, tmp_path: Path) -> None:
    write_members(url, [enrolment()], replace_all=False)
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        question = "EXPLAIN QUERY PLAN SELECT * FROM member WHERE (payer, member_id) IN (VALUES ('c', 'w'))"
    else:
        question = "EXPLAIN SELECT * FROM member WHERE (payer, member_id) IN (('c', 'w'))"
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = " ".join(str(row) for row in connection.execute(text(question)))
    engine.dispose()
    assert "ix_member_payer_member_id" in plan


def test_member_ids_are_compared_without_white_space_and_case() -> None:
    assert member_number(" w12 3\t") == "W123"
