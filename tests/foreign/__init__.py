"""Against software that nobody here wrote: a FHIR server with SMART protection, and synthetic patients."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def not_installed(what: str) -> NoReturn:
    """Skip, saying what is missing; in CI everything must be installed."""
    text = f"{what} is not installed; it comes with the development dependencies"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(text)
    pytest.skip(text)
