"""`decisions show`: an operations person follows an order from the first hook to the last."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service import cli
from cds_service.store.decisions import DecisionStore
from cds_service.store.history import History
from cds_service.store.model import DecisionRecord, RecordedCriterion, RecordedPolicy
from tests.store.records import decision, without_authorization

EHR = "https://ehr.example.org"
OTHER = "https://other.example.org north"
SIGNED, DISPATCHED, RENAMED = (f"CA-{letter * 24}" for letter in "ABC")
ELSEWHERE = f"CA-{'D' * 24}"


def of_the_order(assertion_id: str, hour: int, **changes: object) -> DecisionRecord:
    moment = datetime(2025, 9, 1, hour, tzinfo=UTC)
    chosen = {"decided_at": moment, "client": EHR, "hook": "order-sign", **changes}
    return without_authorization(assertion_id=assertion_id, **chosen)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An order that is signed, given another id, dispatched; and one of another client with the same id."""
    url = f"sqlite:///{tmp_path}/decisions.sqlite3"
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    site = (RecordedPolicy("cigna-site-of-care", "undated", "site-of-care", "site-unknown"),)
    store = DecisionStore.open(url)
    store.write(
        [
            of_the_order(
                SIGNED, 9, outcome="site-unknown", policies=site, order_reference="MedicationRequest/draft"
            ),
            of_the_order(RENAMED, 10, outcome="site-unknown", earlier_assertion_id=SIGNED),
            of_the_order(
                DISPATCHED,
                11,
                hook="order-dispatch",
                outcome="lower-cost-site",
                earlier_assertion_id=RENAMED,
                criteria=(
                    RecordedCriterion("age", "met", ("Patient/pat-1",)),
                    RecordedCriterion("bmi", "unknown"),
                ),
            ),
            of_the_order(ELSEWHERE, 12, client=OTHER),
        ]
    )
    store.close()
    return url


@pytest.mark.parametrize("target", [SIGNED, RENAMED, DISPATCHED])
def test_any_decision_leads_to_all_of_its_order_and_to_no_other_clients(
    url: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["decisions", "show", target, "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["assertion_id"] for each in shown] == [SIGNED, RENAMED, DISPATCHED]
    assert [each["outcome"] for each in shown] == ["site-unknown", "site-unknown", "lower-cost-site"]
    assert {each["client"] for each in shown} == {EHR}


def test_the_history_in_words(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["decisions", "show", DISPATCHED]) == 0
    assert capsys.readouterr().out == (
        "Coverage/cov-1, https://ehr.example.org\n"
        f"  2025-09-01 09:00:00+00:00  order-sign        site-unknown          {SIGNED}\n"
        "    MedicationRequest/draft, macrilen, service 2024-09-01\n"
        "    cigna-site-of-care undated, site-of-care: site-unknown\n"
        "    hookInstance d1577c69-dfbe-44ad-ba6d-3e05e953b2ea\n"
        f"  2025-09-01 10:00:00+00:00  order-sign        site-unknown          {RENAMED}\n"
        "    MedicationRequest/order-1, macrilen, service 2024-09-01\n"
        "    cigna-1701 2024-07-01, macrilen: covered\n"
        f"    follows {SIGNED}\n"
        "    hookInstance d1577c69-dfbe-44ad-ba6d-3e05e953b2ea\n"
        f"  2025-09-01 11:00:00+00:00  order-dispatch    lower-cost-site       {DISPATCHED}\n"
        "    MedicationRequest/order-1, macrilen, service 2024-09-01\n"
        "    cigna-1701 2024-07-01, macrilen: covered\n"
        f"    follows {RENAMED}\n"
        "    hookInstance d1577c69-dfbe-44ad-ba6d-3e05e953b2ea\n"
        "      unknown: bmi\n"
        "      met: age, Patient/pat-1\n"
    )


def test_an_order_id_that_several_clients_use_shows_each_apart(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["decisions", "show", "MedicationRequest/order-1"]) == 0
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if not line.startswith(" ")] == [
        f"Coverage/cov-1, {EHR}",
        f"Coverage/cov-1, {OTHER}",
    ]
    assert cli.main(["decisions", "show", "MedicationRequest/order-1", "--client", OTHER, "--json"]) == 0
    (only,) = capsys.readouterr().out.splitlines()
    assert json.loads(only)["assertion_id"] == ELSEWHERE


@pytest.mark.parametrize("target", [f"CA-{'Z' * 24}", "MedicationRequest/never-seen"])
def test_nothing_on_record_is_said(url: str, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["decisions", "show", target]) == 1
    assert capsys.readouterr().err == f"cds-service: no decision is on record for {target}\n"


def test_an_authorization_is_shown_with_its_days(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    store = DecisionStore.open(url)
    store.write([decision(7, order_reference="MedicationRequest/authorized")])
    store.close()
    assert cli.main(["decisions", "show", "MedicationRequest/authorized"]) == 0
    assert "    prior authorization PA-7, 2024-09-01 to 2025-08-31\n" in capsys.readouterr().out


def test_a_database_that_cannot_be_used_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in-the-way").write_text("")
    monkeypatch.setenv("CDS_DATABASE_URL", f"sqlite:///{tmp_path}/in-the-way/decisions.sqlite3")
    assert cli.main(["decisions", "show", SIGNED]) == 2
    assert "CDS_DATABASE_URL" in capsys.readouterr().err


def test_histories_that_lead_in_a_circle_end(url: str) -> None:
    store = DecisionStore.open(url)
    first, second = (f"CA-{letter * 24}" for letter in "XY")
    store.write(
        [
            of_the_order(first, 1, order_reference="MedicationRequest/x", earlier_assertion_id=second),
            of_the_order(second, 2, order_reference="MedicationRequest/y", earlier_assertion_id=first),
        ]
    )
    store.close()
    history = History.open(url)
    assert [each.assertion_id for each in history.of_assertion(first)] == [first, second]
    history.close()
