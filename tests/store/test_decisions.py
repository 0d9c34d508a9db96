"""The store keeps what was decided, under the id that the answer carried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import StatementError

from cds_service.store.decisions import DecisionStore
from cds_service.store.model import AuthorizationRecord, RecordedCriterion
from tests.store.records import decision, without_authorization


def test_a_decision_is_found_as_it_was_written(store: DecisionStore) -> None:
    record = decision()
    store.write([record])
    assert store.find("CA-1") == record


def test_a_decision_without_product_date_or_authorization_is_kept_too(store: DecisionStore) -> None:
    record = without_authorization(
        product=None, service_date=None, hook_instance=None, crd_version=None, policies=(), criteria=()
    )
    store.write([record])
    assert store.find("CA-1") == record


def test_an_unknown_id_finds_nothing(store: DecisionStore) -> None:
    assert store.find("CA-unknown") is None
    assert store.authorization("PA-unknown") is None


def test_the_first_decision_of_an_id_stays(store: DecisionStore) -> None:
    first = decision()
    later = decision(decided_at=first.decided_at + timedelta(hours=1), hook_instance="another call")
    store.write([first])
    store.write([later])
    assert store.find("CA-1") == first


def test_the_first_decision_of_an_id_stays_within_one_batch(store: DecisionStore) -> None:
    first, later = decision(), decision(hook_instance="another call")
    store.write([first, later, decision(2)])
    assert store.find("CA-1") == first
    assert store.find("CA-2") == decision(2)


def test_an_authorization_is_found_by_its_number(store: DecisionStore) -> None:
    record = decision()
    store.write([record])
    assert store.authorization("PA-1") == AuthorizationRecord(
        number="PA-1",
        assertion_id="CA-1",
        payer="cigna",
        product="macrilen",
        issued_at=record.decided_at,
        authorized_from=record.authorized_from,
        authorized_to=record.authorized_to,
    )


def test_a_decision_that_grants_nothing_makes_no_authorization(store: DecisionStore) -> None:
    store.write([without_authorization()])
    assert store.find("CA-1") == without_authorization()
    assert store.authorization("PA-1") is None


def test_moments_come_back_as_the_same_moment(store: DecisionStore) -> None:
    new_york = timezone(timedelta(hours=-4))
    store.write([decision(decided_at=datetime(2024, 8, 31, 22, 0, tzinfo=new_york))])
    found = store.find("CA-1")
    assert found is not None
    assert found.decided_at == datetime(2024, 9, 1, 2, 0, tzinfo=UTC)


def test_a_moment_without_time_zone_is_refused(store: DecisionStore) -> None:
    with pytest.raises(StatementError, match="time zone"):
        store.write([decision(decided_at=datetime(2024, 9, 1, 12))])


def test_a_batch_is_written_whole_or_not_at_all(store: DecisionStore) -> None:
    with pytest.raises(StatementError):
        store.write([decision(1), decision(2, outcome=None)])
    assert store.find("CA-1") is None


def test_long_references_and_zero_characters_of_a_client_are_stored(store: DecisionStore) -> None:
    strange = RecordedCriterion("age", "met", ("Patient/\x00pat",))
    store.write(
        [decision(hook_instance="h\x00" + "x" * 5000, order_reference="r" * 5000, criteria=(strange,))]
    )
    found = store.find("CA-1")
    assert found is not None
    assert found.hook_instance == "h" + "x" * 5000
    assert found.criteria[0].evidence == ("Patient/pat",)
