"""The invariants of docs/architecture.md that can be read off the source itself."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "cds_service"


def _modules() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts]


def _length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_imports_run_one_way() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_is_longer_than_400_lines(path: Path) -> None:
    assert _length(path) <= 400


def test_the_median_module_is_short() -> None:
    assert statistics.median(_length(path) for path in _modules()) < 120


def test_every_module_says_what_it_does() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _modules()
        if path.read_text(encoding="utf-8").strip()
        and not path.read_text(encoding="utf-8").lstrip().startswith(('"""', "#!"))
    ]
    assert silent == []


def test_no_source_evaluates_text_as_code() -> None:
    pattern = re.compile(r"(?<![\w.])(?:eval|exec|__import__)\(")
    found = [str(p.relative_to(ROOT)) for p in _modules() if pattern.search(p.read_text(encoding="utf-8"))]
    assert found == []


def test_serving_an_order_loads_no_library_that_only_authors_need() -> None:
    """Start-up and memory: models and the unit parser stay off it; token libraries wait for a client."""
    script = (
        "import json, sys\n"
        "from cds_service.app import create_app\n"
        "from cds_service.settings import Settings\n"
        "create_app(Settings())\n"
        "heavy = ('fhir.resources', 'pint', 'pydantic', 'hypothesis', 'jwt', 'cryptography')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout.splitlines()[-1]) == []
