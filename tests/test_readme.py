"""What the README shows is what the service does: its example is fired, its commands and links exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "fhir_examples" / "README.md",
        *ROOT.glob("docs/*.md"),
    ]
)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The README's curl, fired at the service."""
    words = shlex.split(next(block for block in _blocks("sh") if block.startswith("curl")))
    path = next(word for word in words if word.startswith("http")).removeprefix("http://127.0.0.1:8000")
    body = (ROOT / words[words.index("--data") + 1].removeprefix("@")).read_bytes()
    database = tmp_path_factory.mktemp("readme") / "decisions.sqlite3"
    client = create_app(Settings(database_url=f"sqlite:///{database}")).test_client()
    response = client.post(path, data=body, content_type="application/json")
    assert response.status_code == 200
    return response.get_json()


def _without_day(extension: dict[str, Any]) -> list[Any]:
    return [{**part, "valueDate": None} if part["url"] == "date" else part for part in extension["extension"]]


def test_the_coverage_information_is_the_one_shown(answer: Any) -> None:
    shown = json.loads(_blocks("json")[0])
    sent = answer["systemActions"][0]["resource"]["extension"][-1]
    assert sent["url"] == shown["url"]
    assert _without_day(sent) == _without_day(shown)


def test_the_card_is_the_one_shown(answer: Any) -> None:
    assert answer["cards"] == [json.loads(_blocks("json")[1])]


def test_the_command_that_explains_a_request_runs() -> None:
    words = shlex.split(next(block for block in _blocks("sh") if "decide" in block))
    command = [sys.executable, "-m", "cds_service.cli", *words[1:]]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Outcome: not-covered" in result.stdout
    assert "Body mass index is at most 40 kg/m2" in result.stdout


def test_every_make_target_shown_exists() -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert set(re.findall(r"\bmake ([a-z-]+)\n|`make ([a-z-]+)`", pages)) - {("", "")} != set()
    assert {
        first or second for first, second in re.findall(r"\bmake ([a-z-]+)\n|`make ([a-z-]+)`", pages)
    } <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_readme_says_what_this_is_not() -> None:
    section = " ".join(README.split("## What this is not")[1].split())
    for promise in ("not affiliated", "payer's own document", "no treatment advice"):
        assert promise in section
