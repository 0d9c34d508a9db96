"""Requests for documentation and the answers to them: always encrypted, shared by workers, gone in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cds_service.store.decisions import DecisionStore
from cds_service.store.documentation import DocumentationStore
from cds_service.store.journal import Journal
from cds_service.store.keys import all_keys
from cds_service.store.model import DocumentationRequest, FormErrorRecord, StoredResponse
from cds_service.store.payload import SealedError, new_key
from cds_service.store.record_lines import to_line
from cds_service.store.schema import form_error, questionnaire_response, service_key
from tests.store.records import decision, without_authorization

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


def request(number: int = 1, **changes: Any) -> DocumentationRequest:
    """A request that lives for three days."""
    facts: dict[str, Any] = {
        "assertion_id": f"CA-{number}",
        "order_key": "order-1",
        "client": "https://ehr.example north",
        "created_at": NOW,
        "expires_at": NOW + 72 * HOUR,
        "content": lambda: b'{"birthDate": "1980-05-17"}',
    }
    return DocumentationRequest(**(facts | changes))


def response(number: int = 1, **changes: Any) -> StoredResponse:
    """A completed response."""
    facts: dict[str, Any] = {
        "id": f"{number:064x}",
        "assertion_id": "CA-1",
        "order_key": "order-1",
        "form": "cigna-1701-macrilen",
        "form_version": "2024.7.1",
        "client": None,
        "status": "completed",
        "updated_at": NOW + timedelta(minutes=number),
        "answers": b'{"values": {}}',
        "response": b'{"resourceType": "QuestionnaireResponse"}',
        "decided_assertion_id": "CA-2",
    }
    return StoredResponse(**(facts | changes))


@pytest.fixture
def documents(url: str, store: DecisionStore) -> Iterator[DocumentationStore]:
    """A store of documentation in the database of `store`."""
    opened = DocumentationStore(url)
    yield opened
    opened.close()


def test_what_one_worker_keeps_another_opens(store: DecisionStore, documents: DocumentationStore) -> None:
    store.write([request()])
    found = documents.request("CA-1")
    assert found is not None
    assert found.content == b'{"birthDate": "1980-05-17"}'
    assert (found.client, found.expires_at) == ("https://ehr.example north", NOW + 72 * HOUR)
    assert documents.request("CA-2") is None


def test_asking_again_prolongs_what_is_kept(store: DecisionStore, documents: DocumentationStore) -> None:
    store.write([request()])
    store.write([request(expires_at=NOW + 100 * HOUR), request(expires_at=NOW + 90 * HOUR)])
    found = documents.request("CA-1")
    assert found is not None
    assert found.expires_at == NOW + 90 * HOUR


def test_expired_requests_are_deleted_with_the_next_one(
    store: DecisionStore, documents: DocumentationStore
) -> None:
    store.write([request(1, expires_at=NOW - HOUR), request(2)])
    assert documents.request("CA-1") is None
    assert documents.request("CA-2") is not None


def test_of_several_responses_the_latest_counts_for_each_form(documents: DocumentationStore) -> None:
    site = response(3, form="site-of-care")
    documents.submit([response(2), response(1), site], without_authorization(2), None)
    assert [each.id for each in documents.completed("order-1")] == [response(2).id, site.id]
    assert documents.completed("another order") == []
    whole = documents.latest("order-1", site.form)
    assert whole is not None
    assert whole.response == site.response
    assert documents.answers("order-1") == [response().answers] * 2
    assert documents.answers("another order") == []


def test_the_same_response_is_one_row_and_takes_its_draft_away(
    documents: DocumentationStore, store: DecisionStore
) -> None:
    documents.save_draft(response(9, status="in-progress"))
    documents.save_draft(response(9, status="in-progress", answers=b"2"))
    assert documents.completed("order-1") == []
    found = documents.latest("order-1", "cigna-1701-macrilen")
    assert found is not None
    assert found.answers == b"2"
    for _ in range(2):
        documents.submit([response()], decision(2), request(2))
    found = documents.latest("order-1", "cigna-1701-macrilen")
    assert found is not None
    assert found.status == "completed"
    assert count(documents, questionnaire_response) == 1
    assert store.find("CA-2") == decision(2)
    assert store.authorization("PA-2") is not None
    assert documents.request("CA-2") is not None


def test_all_of_a_submission_is_kept_or_nothing(documents: DocumentationStore) -> None:
    with pytest.raises(Exception, match="time zone"):
        documents.submit([response()], decision(2, decided_at=datetime(2024, 1, 1)), None)
    assert documents.completed("order-1") == []


def count(documents: DocumentationStore, table: Any) -> int:
    with documents._opened().connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


# -- keys ------------------------------------------------------------------------------------------------


def test_without_configured_keys_workers_share_one_that_is_made_once(url: str, store: DecisionStore) -> None:
    made: list[tuple[str, ...]] = []
    workers = [DocumentationStore(url) for _ in range(4)]
    threads = [threading.Thread(target=lambda each=each: made.append(each.secrets())) for each in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 4
    assert len(set(made)) == 1
    assert len(made[0]) == 1
    for each in workers:
        each.close()


def test_configured_keys_encrypt_and_the_databases_own_still_opens(
    url: str, documents: DocumentationStore
) -> None:
    documents.submit([response()], without_authorization(2), None)
    first, second = new_key(), new_key()
    rotated = DocumentationStore(url, (second, first))
    assert [each.id for each in rotated.completed("order-1")] == [response().id]
    rotated.submit([response(2)], without_authorization(2), None)
    rotated.close()
    later = DocumentationStore(url, (new_key(), second))
    assert [each.id for each in later.completed("order-1")] == [response(2).id]
    later.close()


def test_configured_keys_leave_no_key_in_the_database(url: str, store: DecisionStore) -> None:
    key = new_key()
    assert all_keys(store._engine, (key,)) == (key,)
    with store._engine.connect() as connection:
        assert connection.execute(select(service_key)).all() == []


def test_what_no_key_opens_any_more_is_said_and_left_out(url: str, caplog: pytest.LogCaptureFixture) -> None:
    lost = DocumentationStore(url, (new_key(),))
    lost.submit([response()], without_authorization(2), request(1))
    lost.close()
    other = DocumentationStore(url, (new_key(),))
    assert other.completed("order-1") == []
    with pytest.raises(SealedError):
        other.request("CA-1")
    assert "cannot be read" in caplog.text
    other.close()


# -- trouble, and time -----------------------------------------------------------------------------------


def test_hook_calls_do_without_a_database_that_is_down(caplog: pytest.LogCaptureFixture) -> None:
    down = DocumentationStore("postgresql://nobody@127.0.0.1:1/none")
    assert down.answers("order-1") == []
    assert down.answers("order-1") == []
    assert down.secrets() == ()
    assert caplog.text.count("answers cannot be looked up") == 1
    with pytest.raises(Exception, match=r"refused|failed|could not"):
        down.completed("order-1")


def test_content_never_waits_on_disk() -> None:
    assert to_line(request()) is None


def test_reported_errors_of_forms_are_kept(store: DecisionStore, documents: DocumentationStore) -> None:
    error = FormErrorRecord("e-1", NOW, None, "https://x.example|1", ({"code": "invalid"},), lambda: b"{}")
    store.write([error, error])
    assert count(documents, form_error) == 1


@pytest.mark.requirement("crd-2.2.1@sec-6")
def test_retention_deletes_drafts_and_requests_and_answers_only_with_their_decisions(
    url: str, store: DecisionStore, documents: DocumentationStore
) -> None:
    old = NOW - timedelta(days=500)
    later = (NOW + timedelta(days=30)).date()
    documents.save_draft(response(1, status="in-progress", updated_at=old))
    runs = decision(2, decided_at=old, authorized_to=later)
    ended = decision(3, decided_at=old, authorized_to=old.date())
    documents.submit([response(2, updated_at=old)], runs, request(8, expires_at=old))
    documents.submit(
        [response(3, order_key="order-3", updated_at=old, decided_assertion_id="CA-3")], ended, None
    )
    journal = Journal.open(url)
    before = NOW - timedelta(days=400)
    purged = journal.purge(before, decisions=False)
    assert (purged["questionnaire_response"], purged["documentation_request"]) == (0, 1)
    documents.save_draft(response(1, status="in-progress", order_key="order-4", updated_at=old))
    assert journal.purge(before, decisions=False)["questionnaire_response"] == 1
    assert journal.purge(before, decisions=True)["questionnaire_response"] == 1
    assert [each.id for each in documents.completed("order-1")] == [response(2).id]
    assert documents.completed("order-3") == []
    journal.close()
