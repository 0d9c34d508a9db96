"""Patients that nobody here made up: every hook answers each of their orders, and validly."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.foreign import not_installed
from tests.foreign.charts import HOOKS, calls, charts
from tests.foreign.population import FIRED_IN, Tally, fire, main

pytestmark = pytest.mark.xdist_group("population")

PATIENTS = 16
SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small population, the same each time."""
    command = shutil.which("carebundle", path=str(Path(sys.executable).parent))
    if command is None:
        not_installed("carebundle")
    place = tmp_path_factory.mktemp("population")
    wanted = ["--profile", "mixed", "--sex", "mixed", "--count", str(PATIENTS), "--seed", str(SEED)]
    subprocess.run(
        [command, "generate", *wanted, "--out", str(place)], check=True, timeout=60, stdout=subprocess.DEVNULL
    )
    return place


@pytest.fixture(scope="module")
def tally(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Tally:
    database = tmp_path_factory.mktemp("fired") / "decisions.sqlite3"
    app = create_app(Settings(database_url=f"sqlite:///{database}", log_level="ERROR"))
    fired = fire(app, folder, SEED)
    print(fired.table())
    return fired


def test_every_order_of_every_patient_is_answered_validly(tally: Tally) -> None:
    assert tally.problems == []
    assert tally.patients == PATIENTS


def test_every_hook_is_called_in_both_versions(tally: Tally) -> None:
    assert set(tally.calls) == {(hook, version) for hook in HOOKS for version in FIRED_IN}
    assert min(tally.calls.values()) >= PATIENTS


def test_the_policies_have_something_to_say(tally: Tally) -> None:
    said = {outcome.split(" / ")[0] for outcome in tally.outcomes}
    assert {"covered", "not-covered", "conditional"} <= said


def test_the_same_seed_gives_the_same_calls(folder: Path) -> None:
    chart = next(charts(folder))
    first, second = (
        [each.document | {"hookInstance": ""} for each in calls(chart, SEED, "2.2")] for _ in range(2)
    )
    assert first == second


def test_a_folder_without_patients_proves_nothing(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1
