"""The small rule folder of the tests, and ways to break a copy of it."""

from __future__ import annotations

import shutil
from pathlib import Path

RULES = Path(__file__).with_name("fixtures") / "rules"
VERSION = "policies/acme-7/2024-01-01"


def copy_of_rules(place: Path) -> Path:
    """A copy of the small rule folder that a test may break."""
    return Path(shutil.copytree(RULES, place / "rules"))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a text that must stand in the file exactly once."""
    path = folder / name
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
    path.write_text(text.replace(old, new), "utf-8")
