"""What every test shares: generated examples are not judged by the clock, and logging begins untouched."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


_LOGGER = logging.getLogger("cds_service")
_UNTOUCHED = _LOGGER.handlers[:], _LOGGER.level, _LOGGER.propagate


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """An application sets up logging for its process: here that lasts for one test."""
    yield
    _LOGGER.handlers[:], _LOGGER.level, _LOGGER.propagate = _UNTOUCHED
