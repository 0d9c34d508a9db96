"""`feedback report` and `retention`: what they print, and what they leave."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cds_service import cli
from cds_service.store.decisions import DecisionStore
from cds_service.store.model import SentCard
from cds_service.store.payload import PayloadVault, new_key
from tests.store.records import decision
from tests.store.test_journal import feedback, invocation

NOW = datetime.now(UTC)
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
KEY = new_key()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DecisionStore:
    """A database with an old call and two new ones, three cards and feedback on two of them."""
    url = f"sqlite:///{tmp_path}/log.sqlite3"
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    opened = DecisionStore.open(url)
    cards = tuple(
        SentCard(f"card-{number}", "guideline", "CA-1", "cigna-1701", "2024-07-01", "covered")
        for number in (1, 2)
    )
    limits = (SentCard("card-3", "limits", "CA-1", "cigna-1701", "2024-07-01", "covered"),)
    sealed = PayloadVault([KEY]).seal(b'{"hook":"order-sign"}', b'{"cards":[]}')
    opened.write(
        [
            invocation(1, received_at=NOW - timedelta(days=401), cards=limits, hook_instance="an-old-call"),
            invocation(2, received_at=NOW, cards=cards, payload=sealed),
            feedback(1, received_at=NOW, card="card-1", outcome="accepted", reason_code=None),
            feedback(2, received_at=NOW, card="card-2", comment="Refused twice", reason_display="Refused"),
            feedback(3, received_at=NOW, card="gone", reason_code=None),
            decision(1, decided_at=NOW - timedelta(days=401)),
        ]
    )
    return opened


def test_feedback_is_reported_by_policy_and_topic(
    store: DecisionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["feedback", "report"]) == 0
    assert capsys.readouterr().out == (
        "cigna-1701 2024-07-01, guideline\n"
        "  2 sent, 1 accepted, 1 overridden\n"
        "    1 x Refused\n"
        "cigna-1701 2024-07-01, limits\n"
        "  1 sent, 0 accepted, 0 overridden, 1 without feedback\n"
        "no policy, cards not on record\n"
        "  0 accepted, 1 overridden\n"
        "    1 x no reason given\n"
    )


def test_the_report_as_json_from_a_day_on_with_the_clinicians_words(
    store: DecisionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    day = (NOW - timedelta(days=2)).date().isoformat()
    assert cli.main(["feedback", "report", "--json", "--comments", "--since", day]) == 0
    guideline, unknown = json.loads(capsys.readouterr().out)
    assert guideline == {
        "policy": "cigna-1701",
        "version": "2024-07-01",
        "topic": "guideline",
        "sent": 2,
        "accepted": 1,
        "overridden": 1,
        "reasons": [{"reason": "Refused", "count": 1}],
        "comments": ["Refused twice"],
    }
    assert unknown["overridden"] == 1


def test_nothing_on_record_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", f"sqlite:///{tmp_path}/empty.sqlite3")
    assert cli.main(["feedback", "report"]) == 0
    assert capsys.readouterr().out == "no card and no feedback on record\n"


@pytest.mark.requirement("crd-2.2.1@sec-6", "crd-2.0.1@94")
def test_purging_deletes_what_is_old_and_says_how_much(
    store: DecisionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["retention", "purge", "--older-than", "400d", "--dry-run"]) == 0
    assert capsys.readouterr().out == (
        "invocation: 1 would be deleted\nsent_card: 1 would be deleted\nfeedback: 0 would be deleted\n"
        "documentation_request: 0 would be deleted\nform_error: 0 would be deleted\n"
        "questionnaire_response: 0 would be deleted\n"
    )
    assert cli.main(["retention", "purge", "--older-than", "400d"]) == 0
    assert store.find("CA-1") is not None
    assert cli.main(["retention", "purge", "--older-than", "400", "--decisions"]) == 0
    told = capsys.readouterr().out
    assert "invocation: 0 deleted\n" in told
    assert "coverage_assertion: 1 deleted\n" in told
    assert store.find("CA-1") is None


@pytest.mark.parametrize("text", ["0d", "-5d", "soon", "1y", "", "1.5d"])
def test_an_age_is_whole_days(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["retention", "purge", f"--older-than={text}"]) == 2
    assert "--older-than" in capsys.readouterr().err


@pytest.mark.requirement("crd-2.2.1@found-38", "crd-2.0.1@78", "crd-2.0.1@79", "crd-2.0.1@80")
def test_a_call_is_shown_and_its_payload_only_with_the_key(
    store: DecisionStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["retention", "show", INSTANCE]) == 0
    assert json.loads(capsys.readouterr().out)["payload"] == "kept, encrypted"
    assert cli.main(["retention", "show", INSTANCE, "--payload"]) == 2
    assert "CDS_PAYLOAD_KEYS" in capsys.readouterr().err
    monkeypatch.setenv("CDS_PAYLOAD_KEYS", KEY)
    assert cli.main(["retention", "show", INSTANCE, "--payload"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["payload"] == {"request": '{"hook":"order-sign"}', "response": '{"cards":[]}'}
    assert "kept payload read" in told.err
    assert cli.main(["retention", "show", "unknown"]) == 1


def test_a_wrong_key_is_told_in_words(
    store: DecisionStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, words in ((new_key(), "none of the payload keys"), ("short", "32 bytes")):
        monkeypatch.setenv("CDS_PAYLOAD_KEYS", key)
        assert cli.main(["retention", "show", INSTANCE, "--payload"]) == 2
        told = capsys.readouterr().err
        assert words in told
        assert key not in told


def test_keeping_payloads_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from cds_service.app import create_app
    from cds_service.settings import Settings, SettingsError

    with pytest.raises(SettingsError, match="CDS_PAYLOAD_KEYS: payloads are kept encrypted only"):
        create_app(Settings(retain_payloads=True))
    with pytest.raises(SettingsError, match="32 bytes"):
        create_app(Settings(retain_payloads=True, payload_keys=("no-key",)))


def test_error_codes_are_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "errors.md"
    assert cli.main(["errors", "--check", str(page)]) == 1
    assert cli.main(["errors", "--write", str(page)]) == 0
    assert cli.main(["errors", "--check", str(page)]) == 0
    capsys.readouterr()
    assert cli.main(["errors"]) == 0
    assert capsys.readouterr().out == page.read_text("utf-8")
