"""The audit of dependencies tells "nothing is known" from "nobody could be asked"."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _loaded() -> Any:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AUDIT = _loaded()
CLEAN = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found and could not be audited: b (1)"}
VULNERABLE = {"name": "c", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


def python(*packages: dict[str, Any]) -> Any:
    return AUDIT.python_verdict(0, json.dumps({"dependencies": packages}), "")


def verdict(*verdicts: Any, allow: bool = False) -> tuple[int, str]:
    status, text = AUDIT.report(verdicts, allow_unreachable=allow)
    return status, text


@pytest.mark.parametrize(
    ("packages", "status", "forgiven", "words"),
    [
        ([CLEAN], 0, 0, "1 packages looked up"),
        ([CLEAN, VULNERABLE], 1, 1, "VULNERABLE c 1: PYSEC-1"),
        ([SKIPPED], 3, 0, "NOT LOOKED UP 1, among them b"),
        ([CLEAN, SKIPPED], 3, 0, "1 packages looked up"),
        ([SKIPPED, VULNERABLE], 1, 1, "VULNERABLE c"),
        ([], 1, 1, "saw no package"),
    ],
)
def test_what_pip_audit_lists(packages: list[Any], status: int, forgiven: int, words: str) -> None:
    found, text = verdict(python(*packages))
    assert (found, words in text) == (status, True)
    assert verdict(python(*packages), allow=True)[0] == forgiven


@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ("Traceback\nrequests.exceptions.ProxyError: refused", 3),
        ("ERROR: Could not connect to PyPI's vulnerability feed", 3),
        ("ERROR: requirements.lock: flask must have a hash", 1),
        ("", 1),
    ],
)
def test_trouble_with_the_service_is_not_trouble_with_the_lock(errors: str, status: int) -> None:
    assert verdict(AUDIT.python_verdict(1, "", errors))[0] == status


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"vulnerabilities": {}, "metadata": {"dependencies": {"total": 9}}}, 0),
        ({"vulnerabilities": {"x": {"severity": "high"}}}, 1),
        ({"message": "405 Method Not Allowed"}, 3),
    ],
)
def test_what_npm_says(said: dict[str, Any], status: int) -> None:
    assert verdict(AUDIT.node_verdict(json.dumps(said), ""))[0] == status


def test_ci_runs_the_audit() -> None:
    assert "make audit" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert ".ci/audit.py" in (ROOT / "Makefile").read_text("utf-8")
