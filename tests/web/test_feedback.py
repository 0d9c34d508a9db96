"""Feedback on cards, as the public sandbox sends it and as others might."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.store.model import FeedbackRecord, Record
from tests.web.application import application

PATH = "/cds-services/order-sign-crd/feedback"
CARD = "0f6c2e9e-7a5d-8c7a-9a55-3f1d1c2b4a10"
ACCEPTED = {
    "card": CARD,
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "1d7d6d0e-56a7-8a2b-8f0e-1b1a3c5d7e9f"}],
    "outcomeTimestamp": "2026-11-22T00:06:29.136Z",
}
OVERRIDDEN = {
    "card": CARD,
    "outcome": "overridden",
    "overrideReason": {"reason": {"code": "patient-refused", "system": "https://ehr.example.org/reasons"}},
    "outcomeTimestamp": "2026-11-22T00:06:29.136Z",
}


def send(body: Any, path: str = PATH, **request: Any) -> tuple[Any, list[FeedbackRecord]]:
    """The response, and what was recorded."""
    kept: list[Record] = []
    app = application(record=lambda *records: kept.extend(records))
    given = {"data": body} if isinstance(body, bytes) else {"json": body}
    response = app.test_client().post(path, **given, **request)
    return response, [each for each in kept if isinstance(each, FeedbackRecord)]


@pytest.mark.requirement("cds-hooks-2.0@feedback")
def test_an_accepted_card_is_kept_and_answered_with_an_empty_object() -> None:
    response, (kept,) = send({"feedback": [ACCEPTED]})
    assert (response.status_code, response.data) == (200, b"{}")
    assert (kept.service, kept.card, kept.outcome) == ("order-sign-crd", CARD, "accepted")
    assert kept.suggestions == ("1d7d6d0e-56a7-8a2b-8f0e-1b1a3c5d7e9f",)
    assert kept.outcome_at is not None
    assert kept.outcome_at.isoformat() == "2026-11-22T00:06:29.136000+00:00"


def test_an_overridden_card_is_kept_with_its_reason() -> None:
    _, (kept,) = send({"feedback": [OVERRIDDEN]})
    assert (kept.outcome, kept.reason_code, kept.reason_system) == (
        "overridden",
        "patient-refused",
        "https://ehr.example.org/reasons",
    )


def test_the_same_feedback_sent_again_is_the_same_record() -> None:
    _, (first, other) = send({"feedback": [OVERRIDDEN, ACCEPTED]})
    _, (again,) = send({"feedback": [OVERRIDDEN]})
    assert again.id == first.id != other.id


@pytest.mark.parametrize(
    "entry",
    [
        {"card": CARD, "outcome": "overridden"},
        {"card": CARD, "outcome": "accepted", "acceptedSuggestions": ["a", {"id": 1}, None, {}]},
        {"card": CARD, "outcome": "overridden", "overrideReason": "no"},
        {"card": CARD, "outcome": "overridden", "overrideReason": {"code": "direct"}},
        {"card": CARD, "outcome": "overridden", "overrideReason": {"reason": None, "userComment": " "}},
        {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "yesterday"},
        {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "0001-01-01T00:00:00+14:00"},
        {"card": CARD.upper(), "outcome": "overridden", "unknown": {"x": 1}},
    ],
)
def test_what_else_cannot_be_read_counts_as_not_said(entry: dict[str, Any]) -> None:
    response, (kept,) = send({"feedback": [entry]})
    assert response.status_code == 200
    assert kept.card == CARD


def test_one_entry_without_a_list_is_taken_for_a_list_of_one() -> None:
    response, kept = send({"feedback": ACCEPTED})
    assert (response.status_code, len(kept)) == (200, 1)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "CDS-1001"),
        (b"{", 400, "CDS-1002"),
        (b"[]", 422, "CDS-1005"),
        (b"{}", 422, "CDS-1010"),
        (b'{"feedback": null}', 422, "CDS-1010"),
        (b'{"feedback": []}', 422, "CDS-1010"),
        (b'{"feedback": "x"}', 422, "CDS-1011"),
        (b'{"feedback": [1]}', 422, "CDS-1011"),
        (b'{"feedback": [{"outcome": "accepted"}]}', 422, "CDS-1010"),
        (b'{"feedback": [{"card": "x"}]}', 422, "CDS-1010"),
        (b'{"feedback": [{"card": " ", "outcome": "accepted"}]}', 422, "CDS-1011"),
        (b'{"feedback": [{"card": {}, "outcome": "accepted"}]}', 422, "CDS-1011"),
        (b'{"feedback": [{"card": "x", "outcome": "ignored"}]}', 422, "CDS-1011"),
        (b'{"feedback": [{"card": "x", "outcome": []}]}', 422, "CDS-1011"),
        (b'{"feedback": [{"card": "' + b"x" * 200 + b'", "outcome": "accepted"}]}', 422, "CDS-1011"),
        (b'{"feedback": [' + b"1," * 500 + b"1]}", 413, "CDS-1018"),
    ],
)
def test_what_is_no_feedback_is_refused_whole(body: bytes, status: int, code: str) -> None:
    response, kept = send(body, content_type="application/json")
    assert response.status_code == status
    assert response.content_type == "application/fhir+json"
    assert response.json is not None
    assert response.json["issue"][0]["details"]["coding"][0]["code"] == code
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert kept == []


def test_feedback_for_a_service_that_is_not_offered_is_not_found() -> None:
    response, kept = send({"feedback": [ACCEPTED]}, "/cds-services/unknown/feedback")
    assert (response.status_code, kept) == (404, [])


@pytest.mark.parametrize("path", [PATH, "/cds-services//order-sign-crd/feedback", PATH + "/"])
def test_preflights_are_answered_and_typed_addresses_are_forgiven(path: str) -> None:
    preflight = {
        "Origin": "http://127.0.0.1:9000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = application().test_client().options(path, headers=preflight)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert send({"feedback": [ACCEPTED]}, path)[0].status_code == 200


def test_the_clinicians_words_are_kept_but_never_logged(capsys: pytest.CaptureFixture[str]) -> None:
    from cds_service import logs

    logs.configure("DEBUG", "json")
    words = "Jane Roe cannot swallow"
    entry = {**OVERRIDDEN, "overrideReason": {"reason": {"code": "other"}, "userComment": words}}
    _, (kept,) = send({"feedback": [entry]})
    written = capsys.readouterr().err
    assert kept.comment == words
    assert "feedback received" in written
    assert "Roe" not in written
