"""docs/authoring.md followed to the letter, in an empty folder: every command and every file of the guide."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cds_service.authoring.golden import run_golden
from cds_service.authoring.mutate import ENOUGH, run_mutations
from cds_service.authoring.mutation_bench import MutationBench
from cds_service.authoring.rule_folder import RuleFolder

pytestmark = pytest.mark.xdist_group("authoring-guide")  # what they share is made once

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = PROJECT / "docs" / "authoring.md"
STEP = re.compile(
    r"(?:`(?P<file>[a-z0-9_./-]+\.(?:yaml|cql))`(?P<append>, at the end)?:\n\n)?"
    r"```(?P<kind>sh|yaml|cql)\n(?P<text>.*?)```",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The rule folder of someone who followed the guide, and what the commands printed."""
    place = tmp_path_factory.mktemp("author")
    command = place / "bin" / "cds-service"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cds_service.cli "$@"\n', "utf-8")
    command.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CDS_")}
    environment["PATH"] = f"{command.parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(PROJECT)
    printed = ""
    for step in STEP.finditer(GUIDE.read_text("utf-8")):
        if step["kind"] == "sh":
            script = f'export CDS_POLICIES_DIR="$PWD/my-rules"\n{step["text"]}'
            if "rules start" in step["text"]:
                script = step["text"]
            ran = subprocess.run(
                ["bash", "-euc", script],
                cwd=place,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert ran.returncode == 0, f"{step['text']}\n{ran.stdout}\n{ran.stderr}"
            printed += ran.stdout
        else:
            file = place / "my-rules" / step["file"]
            before = file.read_text("utf-8") if step["append"] else ""
            file.write_text(before + step["text"], "utf-8")
    return place / "my-rules", printed


def test_every_step_succeeds(followed: tuple[Path, str]) -> None:
    _, printed = followed
    assert printed.count("\n0 findings\n") == 3
    assert "12 of 12 cases hold; 0 criteria not exercised in every way" in printed


def test_the_example_is_a_sound_policy(followed: tuple[Path, str]) -> None:
    folder, _ = followed
    opened = RuleFolder.open(folder)
    assert [f"{each.policy}/{each.version}" for each in opened.versions()] == [
        "acme-12/2025-01-01",
        "acme-12/2026-01-01",
    ]
    assert run_golden(opened).ok
    bench = MutationBench(opened, ["acme-12/2025-01-01"])
    report = run_mutations(bench, bench.mutations(), frozenset())
    assert report.percent >= ENOUGH, "\n".join(map(str, report.missed))


def test_the_difference_of_the_versions_is_told(followed: tuple[Path, str]) -> None:
    _, printed = followed
    assert "From 12 Lumisol (effective 2025-01-01)" in printed
    assert "  in force: from 2025-01-01 to 2025-12-31 -> from 2026-01-01" in printed
    assert "  no longer used: Severe persistent asthma (1 code: J45.5)" in printed
