"""What Prometheus reads: bounded labels, figures that add up, nothing of a patient."""

from __future__ import annotations

import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import pytest

from bench.http import free_port, wait_until_served
from bench.request import order_sign_request
from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.store.model import RecorderStatus
from cds_service.web.measures import Measures, coverage_codes
from tests.hooks.requests import hook_request
from tests.web.application import application

CALL = "/cds-services/order-sign-crd"


def figures(text: str) -> dict[str, float]:
    """Each sample by its name and labels."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def read(client: Any) -> dict[str, float]:
    """The figures of an application."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=0.0.4")
    return figures(response.get_data(as_text=True))


@pytest.mark.requirement("crd-2.2.1@metric-1")
def test_calls_are_counted_by_service_status_outcome_and_what_was_said(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/m.sqlite3", log_level="ERROR")
    client = create_app(settings).test_client()
    for _ in range(2):
        assert client.post(CALL, json=order_sign_request(2_000)).status_code == 200
    found = read(client)
    assert found['cds_requests_total{endpoint="call",service="order-sign-crd",status="200"}'] == 2
    decisions = {name: n for name, n in found.items() if name.startswith("cds_decisions_total")}
    assert sum(decisions.values()) == 2
    assert all('policy="cigna-1701"' in name and 'hook="order-sign"' in name for name in decisions)
    information = {name: n for name, n in found.items() if name.startswith("cds_coverage_information_total")}
    assert sum(information.values()) == 2
    assert all('covered="covered"' in name and 'crd_version="2.0"' in name for name in information)
    assert found['cds_responses_total{hook="order-sign",type="coverage-information"}'] == 2
    assert found['cds_responses_total{hook="order-sign",type="guideline"}'] == 2
    assert found['cds_request_seconds_count{service="order-sign-crd"}'] == 2
    stages = {
        name: seconds
        for name, seconds in found.items()
        if name.startswith("cds_stage_seconds_total") and "fetch" not in name
    }
    assert len(stages) == 5
    assert all(seconds > 0 for seconds in stages.values())
    total = found['cds_request_seconds_sum{service="order-sign-crd"}']
    assert sum(found[name] for name in found if name.startswith("cds_stage_seconds_total")) == pytest.approx(
        total, rel=1e-6
    )


def test_refusals_are_counted_by_status_and_code_and_nothing_of_them_becomes_a_label() -> None:
    client = application().test_client()
    client.post(CALL, data=b"{")
    client.post(CALL, data=b"{}")
    client.post("/cds-services/Jane-Roe", json={})
    client.post("/cds-services/Jane-Roe/feedback", json={})
    client.get("/cds-services/Jane/Roe")
    client.get("/cds-services")
    client.post(f"{CALL}/feedback", json={"feedback": [{"card": "Roe", "outcome": "accepted"}]})
    text = client.get("/metrics").get_data(as_text=True)
    found = figures(text)
    assert found['cds_requests_total{endpoint="call",service="order-sign-crd",status="400"}'] == 1
    assert found['cds_requests_total{endpoint="call",service="none",status="404"}'] == 1
    assert found['cds_requests_total{endpoint="none",service="none",status="404"}'] == 1
    assert found['cds_requests_total{endpoint="discover",service="none",status="200"}'] == 1
    assert found['cds_errors_total{code="CDS-1002"}'] == 1
    assert found['cds_feedback_total{outcome="accepted",service="order-sign-crd"}'] == 1
    assert "Roe" not in text


def test_how_recording_goes_is_shown() -> None:
    measures = Measures()
    measures.store_progress(RecorderStatus(healthy=True, queued=3, written=10, dropped=0))
    measures.store_progress(RecorderStatus(healthy=False, queued=7, written=12, dropped=2))
    found = figures(measures.exposition().decode())
    assert (found["cds_store_queued"], found["cds_store_healthy"]) == (7, 0)
    assert (found["cds_store_written_total"], found["cds_store_dropped_total"]) == (12, 2)


def test_the_codes_of_an_answer_are_those_of_our_own_extension() -> None:
    ours = {
        "url": "…/ext-coverage-information",
        "extension": [
            {"url": "covered", "valueCode": "conditional"},
            {"url": "info-needed", "valueCode": "location"},
            {"url": "info-needed", "valueCode": "OTH"},
            {"url": "reason", "valueCodeableConcept": {"text": "x"}},
        ],
    }
    answer = {"systemActions": [{"resource": {"extension": ["nonsense", {"url": 1}, ours]}}]}
    assert coverage_codes(answer) == [("conditional", "none", "none", "location+OTH")]
    assert coverage_codes({"cards": []}) == []


def test_all_workers_of_a_server_add_to_the_same_figures(tmp_path: Path) -> None:
    port = free_port()
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"left over from an earlier start")
    environment = {
        "CDS_PORT": str(port),
        "CDS_WORKERS": "2",
        "CDS_LOG_LEVEL": "ERROR",
        "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/served.sqlite3",
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "PATH": "/usr/bin:/bin",
    }
    body = orjson.dumps(order_sign_request(2_000))
    command = [sys.executable, "-m", "cds_service.cli", "serve"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_until_served(port, process)
        for _ in range(30):
            answer(port, "POST", CALL, body)
        counted = 'cds_requests_total{endpoint="call",service="order-sign-crd",status="200"}'
        found: dict[str, float] = {}
        deadline = time.monotonic() + 30
        while found.get(counted) != 30 and time.monotonic() < deadline:  # workers add up when they store
            found = figures(answer(port, "GET", "/metrics").decode())
        assert found[counted] == 30
        assert not any("pid=" in name for name in found)
    finally:
        process.terminate()
        process.wait(timeout=30)


def answer(port: int, method: str, path: str, body: bytes | None = None) -> bytes:
    """What comes back over a connection of its own, so that any worker may have answered."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    assert response.status == 200
    return content


def test_what_is_kept_of_a_call_is_in_the_log_record() -> None:
    kept: list[Any] = []
    client = application(record=lambda *records: kept.extend(records)).test_client()
    document = hook_request()
    client.post(CALL, json=document)
    client.post(CALL, data=b"{}")
    client.post("/cds-services/unknown", json=document)
    first, second = kept
    assert (first.hook_instance, first.status, first.error_code) == (document["hookInstance"], 200, None)
    assert (first.orders, first.crd_version, first.client) == (1, "2.0", None)
    assert len(first.request_digest) == 64
    assert first.milliseconds >= sum(first.stages.values()) - 0.01 > 0
    assert (second.hook_instance, second.status, second.error_code) == (None, 422, "CDS-1010")
    assert first.id != second.id
