"""An installed wheel works from any folder: policies, schemas, templates and migrations travel with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as an installer lays them out, away from the checkout."""
    target = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "HOME": str(folder)}
    command = [sys.executable, "-P", "-m", "cds_service.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)


def test_a_request_is_decided_by_the_policies_inside(installed: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "fhir_examples" / "not-covered-macrilen-bmi-41.json", tmp_path / "request.json")
    result = run(installed, tmp_path, "decide", "request.json")
    assert result.returncode == 0, result.stderr
    assert "Outcome: not-covered" in result.stdout


def test_the_application_answers_with_everything_it_needs(installed: Path, tmp_path: Path) -> None:
    script = (
        "import json, cds_service\n"
        "from cds_service.app import create_app\n"
        "from cds_service.settings import Settings\n"
        "client = create_app(Settings()).test_client()\n"
        "paths = ('/cds-services', '/policies', '/policies/cigna-1701/2024-07-01', '/health/live', '/docs')\n"
        "print(json.dumps([cds_service.__file__, [client.get(path).status_code for path in paths]]))\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", "-c", script]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    place, statuses = json.loads(result.stdout.splitlines()[-1])
    assert Path(place).is_relative_to(installed)
    assert statuses == [200, 200, 200, 200, 200]


def test_the_wheel_holds_no_tools_of_other_languages_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if "node_modules" in name or name.startswith("tests/")]
    assert "cds_service/_rules/policies/cigna-1701/2025-06-01/criteria.elm.json" in names
