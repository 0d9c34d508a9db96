"""The log of invocations and the feedback: kept with decisions, reported, and deleted in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cds_service.store.decisions import DecisionStore
from cds_service.store.journal import Journal
from cds_service.store.model import FeedbackRecord, InvocationRecord, SentCard
from tests.store.records import decision, without_authorization

NOW = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=500)
CARD = SentCard("card-1", "guideline", "CA-1", "cigna-1701", "2024-07-01", "covered")


def invocation(number: int = 1, **changes: Any) -> InvocationRecord:
    """An answered order-sign call with one card."""
    facts: dict[str, Any] = {
        "id": f"{number:032x}",
        "received_at": NOW,
        "service": "order-sign-crd",
        "hook_instance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "client": "https://ehr.example.org",
        "crd_version": "2.2",
        "status": 200,
        "error_code": None,
        "milliseconds": 3.5,
        "stages": {"parse": 1.0, "evaluate": 2.5},
        "request_digest": "0" * 64,
        "request_bytes": 1234,
        "orders": 1,
        "outcomes": ("covered",),
        "assertion_ids": ("CA-1",),
        "cards": (CARD,),
        "payload": None,
    }
    return InvocationRecord(**(facts | changes))


def feedback(number: int = 1, **changes: Any) -> FeedbackRecord:
    """An overridden card with a reason."""
    facts: dict[str, Any] = {
        "id": f"feedback-{number}",
        "received_at": NOW,
        "service": "order-sign-crd",
        "client": None,
        "card": "card-1",
        "outcome": "overridden",
        "reason_code": "patient-refused",
    }
    return FeedbackRecord(**(facts | changes))


@pytest.fixture
def journal(url: str, store: DecisionStore) -> Iterator[Journal]:
    """The log of the same database as `store`."""
    opened = Journal.open(url)
    yield opened
    opened.close()


@pytest.mark.requirement("crd-2.2.1@found-37", "crd-2.0.1@76")
def test_an_invocation_is_found_by_its_hook_instance(store: DecisionStore, journal: Journal) -> None:
    store.write([invocation(payload=b"sealed"), decision()])
    (row,) = journal.invocations("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea")
    assert (row["client"], row["status"], row["received_at"]) == ("https://ehr.example.org", 200, NOW)
    assert (row["outcomes"], row["assertion_ids"]) == (["covered"], ["CA-1"])
    assert row["stages"] == {"parse": 1.0, "evaluate": 2.5}
    assert bytes(row["payload"]) == b"sealed"
    assert store.find("CA-1") == decision()
    assert journal.invocations("another") == []


def test_equal_records_are_kept_once(store: DecisionStore, journal: Journal) -> None:
    for _ in range(2):
        store.write([invocation(), invocation(), feedback(), feedback()])
    assert len(journal.invocations("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea")) == 1
    assert len(list(journal.feedback())) == 1
    assert [count.sent for count in journal.cards()] == [1]


def test_feedback_is_told_with_its_card_in_whatever_order_they_came(
    store: DecisionStore, journal: Journal
) -> None:
    store.write([feedback(), feedback(2, card="unknown", outcome="accepted", suggestions=("s\x001",))])
    store.write([invocation()])
    first, second = journal.feedback()
    assert (first.topic, first.policy, first.version, first.decision) == (
        "guideline",
        "cigna-1701",
        "2024-07-01",
        "covered",
    )
    assert (second.outcome, second.topic, second.suggestions) == ("accepted", None, ("s1",))
    assert list(journal.feedback(since=NOW + timedelta(seconds=1))) == []


@pytest.mark.requirement("crd-2.2.1@sec-6", "crd-2.0.1@94")
def test_what_is_old_is_deleted_and_nothing_else(store: DecisionStore, journal: Journal) -> None:
    old_card = SentCard("card-0", "limits", None, None, None, None)
    store.write(
        [
            *(invocation(1, received_at=OLD, cards=(old_card,)), invocation(2)),
            *(feedback(1, received_at=OLD), feedback(2)),
            decision(1, decided_at=OLD),
        ]
    )
    kept = dict.fromkeys(("documentation_request", "form_error", "questionnaire_response"), 0)
    expected = {"invocation": 1, "sent_card": 1, "feedback": 1} | kept
    before = NOW - timedelta(days=400)
    assert journal.expired(before, decisions=False) == expected
    assert journal.purge(before, decisions=False) == expected
    assert journal.purge(before, decisions=False) == dict.fromkeys(expected, 0)
    assert len(journal.invocations("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea")) == 1
    assert store.find("CA-1") is not None


def test_decisions_go_only_when_asked_and_not_while_their_authorization_runs(
    store: DecisionStore, journal: Journal
) -> None:
    before = NOW - timedelta(days=400)
    store.write(
        [
            decision(1, decided_at=OLD, authorized_to=date(2024, 12, 31)),
            decision(2, decided_at=OLD, authorized_to=date(2026, 12, 31)),
            decision(3, decided_at=NOW),
            without_authorization(4, decided_at=OLD),
        ]
    )
    counts = journal.purge(before, decisions=True)
    assert (counts["coverage_assertion"], counts["prior_authorization"]) == (2, 1)
    assert [store.find(f"CA-{number}") is not None for number in (1, 2, 3, 4)] == [False, True, True, False]
    assert store.authorization("PA-1") is None
    assert store.authorization("PA-2") is not None


def test_many_rows_are_deleted_in_several_transactions(
    store: DecisionStore, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_service.store.journal._AT_ONCE", 3)
    store.write([invocation(number, received_at=OLD, cards=()) for number in range(10)])
    assert journal.purge(NOW, decisions=False)["invocation"] == 10
