"""The command line: what it prints, its exit codes, and a server that is really started."""

from __future__ import annotations

import argparse
import json
import os
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
from cds_service import cli
from cds_service.commands import serve
from cds_service.settings import Settings, SettingsError, documentation

ROOT = Path(__file__).parents[1]


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    """A request file with one covered Macrilen order."""
    path = tmp_path / "request.json"
    path.write_bytes(orjson.dumps(order_sign_request(2_000)))
    return path


def test_decide_explains_outcome_criteria_and_cards(
    request_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["decide", str(request_file), "--today", "2024-09-01"]) == 0
    told = capsys.readouterr().out
    for words in (
        "Outcome: covered",
        "ALL OF",
        "[met] Body mass index is at most 40 kg/m2",
        "Observation/obs-0",
        "Product-Specific Criteria, Macrilen, 2",
        "Card (info):",
        "/policies/cigna-1701/2024-07-01",
    ):
        assert words in told


def test_decide_json_is_the_answer_itself(request_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["decide", "--json", str(request_file)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["systemActions"][0]["type"] == "update"
    assert answer["cards"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["decide", "no-such-file.json"], "no-such-file.json: no such file"),
        (["rules", "check", "--directory", "no-such-folder"], ""),
    ],
)
def test_what_cannot_run_is_told_without_a_traceback(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) != 0
    told = capsys.readouterr()
    assert words in told.err
    assert "Traceback" not in told.err


def test_a_request_that_is_none_is_told_with_its_element(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"hook": "order-sign", "hookInstance": "x"}')
    assert cli.main(["decide", str(path)]) == 2
    assert capsys.readouterr().err == "cds-service: context is missing.\n"


def test_a_bad_setting_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request_file: Path
) -> None:
    monkeypatch.setenv("CDS_DEFAULT_CRD_VERSION", "1.0")
    assert cli.main(["decide", str(request_file)]) == 2
    assert capsys.readouterr().err.startswith("cds-service: CDS_DEFAULT_CRD_VERSION: ")


def test_generated_files_are_written_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, openapi = tmp_path / "settings.md", tmp_path / "openapi" / "openapi.json"
    assert cli.main(["settings", "--check", str(settings)]) == 1
    assert cli.main(["openapi", "--check", str(openapi)]) == 1
    assert "is not current: run" in capsys.readouterr().err
    assert cli.main(["settings", "--write", str(settings)]) == 0
    assert cli.main(["openapi", str(openapi)]) == 0
    assert settings.read_text("utf-8") == documentation()
    assert openapi.read_text("utf-8") == (ROOT / "openapi/cds-service.json").read_text("utf-8")
    assert cli.main(["settings", "--check", str(settings)]) == 0
    assert cli.main(["openapi", "--check", str(openapi)]) == 0


def test_settings_are_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CDS_PORT", "8123")
    assert cli.main(["settings"]) == 0
    assert "CDS_PORT=8123\n" in capsys.readouterr().out


def options(**given: Any) -> argparse.Namespace:
    """Options of `serve`, none given but these."""
    return argparse.Namespace(
        **{name: given.get(name) for name in ("host", "port", "server", "workers", "threads")}
    )


def test_the_command_line_wins_over_the_environment() -> None:
    settings = serve.effective_settings(options(port="9000"), {"CDS_PORT": "8001", "CDS_WORKERS": "3"})
    assert (settings.port, settings.workers) == (9000, 3)
    assert settings.public_base_url == "http://127.0.0.1:9000"
    assert serve.effective_settings(options(host="::1"), {}).public_base_url == "http://[::1]:8000"
    with pytest.raises(SettingsError, match="CDS_THREADS"):
        serve.effective_settings(options(threads="many"), {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_without_clients_loopback_is_served(host: str) -> None:
    serve.check_open_mode(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "payer.example.org", ""])
def test_without_clients_other_addresses_need_open_mode(host: str) -> None:
    with pytest.raises(SettingsError, match="CDS_OPEN_MODE"):
        serve.check_open_mode(Settings(host=host))
    serve.check_open_mode(Settings(host=host, open_mode=True))


def test_importing_the_command_line_imports_no_command() -> None:
    code = "import sys, cds_service.cli; print(sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("flask", "sqlalchemy", "orjson", "yaml", "gunicorn"):
        assert f"'{heavy}'" not in loaded


def test_serving_imports_nothing_that_only_authors_and_checks_need() -> None:
    code = "import sys, cds_service.app; print(sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("fhir", "pydantic", "hypothesis", "ucumvert", "pint", "alembic", "sqlalchemy"):
        assert f"'{heavy}'" not in loaded


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_a_started_server_answers_stores_and_stops(server: str, tmp_path: Path) -> None:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port), "--server", server],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_served(port, process)
        status, discovery = ask(port, "GET", "/cds-services")
        assert (status, discovery["services"][0]["id"]) == (200, "order-sign-crd")
        body = orjson.dumps(order_sign_request(2_000))
        status, answer = ask(port, "POST", "/cds-services//order-sign-crd/", body)
        assert status == 200
        assert answer["cards"][0]["links"][0]["url"].startswith(
            f"http://127.0.0.1:{port}/policies/cigna-1701/"
        )
        status, ready = ask(port, "GET", "/health/ready")
        assert (status, ready["status"]) == (200, "ok")
        assert ask(port, "POST", "/cds-services/order-sign-crd", b"{")[0] == 400
    finally:
        started = time.monotonic()
        process.terminate()
        _, log = process.communicate(timeout=30)
    assert time.monotonic() - started < 20
    lines = [json.loads(line) for line in log.decode().splitlines() if line.startswith("{")]
    assert any("open mode" in line["message"] for line in lines)
    assert any(line["message"] == "hook answered" and line["outcomes"] == ["covered"] for line in lines)
    assert (tmp_path / "cds-service.sqlite3").exists()
    assert b"Traceback" not in log
