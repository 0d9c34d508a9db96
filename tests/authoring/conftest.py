"""A copy of the small rule folder for tests that break it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.authoring.rule_folder import copy_of_rules


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the small rule folder."""
    return copy_of_rules(tmp_path)
