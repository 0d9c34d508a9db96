"""What each worker process does by itself once it serves."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from cds_service.cql.values.units import preload

if TYPE_CHECKING:
    from flask import Flask

QUIET_SECONDS: Final = 2.0
"""How long a new worker answers before it loads what few calls need: the first calls come first."""


def load_later(load: Callable[[], None] = preload, seconds: float = QUIET_SECONDS) -> threading.Timer:
    """Load the UCUM tables in the background, so that no call waits a second for its first conversion.

    Should that fail, the first conversion tries again.
    """
    timer = threading.Timer(seconds, load)
    timer.name = "load-units"
    timer.daemon = True
    timer.start()
    return timer


def after_start(worker: Any) -> None:
    """gunicorn's post_worker_init."""
    load_later()


def create_app() -> Flask:
    """The application factory of granian, which has no such hook: each of its workers calls it."""
    application: Flask = importlib.import_module("cds_service.app").create_app()
    load_later()
    return application
