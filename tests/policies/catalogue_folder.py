"""The shipped catalogue, and copies of it to break."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).resolve().parents[2] / "cql_like_rules"


def copy_of_rules(folder: Path) -> Path:
    """A copy of the shipped rules that a test may change."""
    return Path(shutil.copytree(RULES, folder / "rules"))


def edit(rules: Path, name: str, change: Callable[[Any], None]) -> None:
    """Change one YAML file of a copy."""
    path = rules / name
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
