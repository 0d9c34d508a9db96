"""Histories read alike from both databases: by the order, by the answer that it carried, apart by client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cds_service.store.decisions import DecisionStore
from cds_service.store.history import MOST, History
from cds_service.store.model import DecisionRecord
from tests.store.records import without_authorization


def made(name: str, minute: int, **changes: Any) -> DecisionRecord:
    moment = datetime(2025, 9, 1, minute // 60, minute % 60, tzinfo=UTC)
    return without_authorization(assertion_id=name, decided_at=moment, **changes)


def history(url: str, *records: DecisionRecord) -> History:
    store = DecisionStore.open(url)
    store.write(records)
    store.close()
    return History.open(url)


@pytest.fixture
def opened(url: str) -> Iterator[History]:
    """An order of a client that carried its answer to another id, and namesakes of others."""
    reader = history(
        url,
        made("first", 1, client="a", order_reference="MedicationRequest/draft"),
        made("second", 2, client="a", earlier_assertion_id="first"),
        made("third", 3, client="a", hook="order-dispatch"),
        made("other client", 4, client="b"),
        made("nobody", 5, client=None),
        made("nobody again", 6, client=None, hook="appointment-book"),
        made("other coverage", 7, client="a", coverage_reference="Coverage/other"),
    )
    yield reader
    reader.close()


def names(found: list[DecisionRecord]) -> list[str]:
    return [each.assertion_id for each in found]


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_each_decision_leads_to_its_whole_history(opened: History, name: str) -> None:
    assert names(opened.of_assertion(name)) == ["first", "second", "third"]


def test_decisions_of_open_mode_belong_together(opened: History) -> None:
    assert names(opened.of_assertion("nobody")) == ["nobody", "nobody again"]


def test_an_order_shows_all_who_use_its_id_or_one_client(opened: History) -> None:
    assert len(opened.of_order("MedicationRequest/order-1")) == 7
    assert names(opened.of_order("MedicationRequest/order-1", "b")) == ["other client"]


def test_what_is_not_on_record_has_no_history(opened: History) -> None:
    assert opened.of_assertion("unknown") == []
    assert opened.of_order("MedicationRequest/unknown") == []


def test_a_history_shows_the_latest_when_there_are_too_many(url: str) -> None:
    reader = history(url, *(made(f"decision {number:03}", number) for number in range(MOST + 20)))
    found = names(reader.of_order("MedicationRequest/order-1"))
    assert found == [f"decision {number:03}" for number in range(20, MOST + 20)]
    reader.close()
