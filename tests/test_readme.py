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

from tests.readme import blocks, fire

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


@pytest.fixture(scope="module")
def answer() -> Any:
    """The README's curl, fired at the service."""
    return fire()


def _without_day(extension: dict[str, Any]) -> list[Any]:
    return [{**part, "valueDate": None} if part["url"] == "date" else part for part in extension["extension"]]


def test_the_coverage_information_is_the_one_shown(answer: Any) -> None:
    shown = json.loads(blocks("json")[0])
    sent = answer["systemActions"][0]["resource"]["extension"][-1]
    assert sent["url"] == shown["url"]
    assert _without_day(sent) == _without_day(shown)


def test_the_card_is_the_one_shown(answer: Any) -> None:
    assert answer["cards"] == [json.loads(blocks("json")[1])]


def test_the_command_that_explains_a_request_runs() -> None:
    words = shlex.split(next(block for block in blocks("sh") if "decide" in block))
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
