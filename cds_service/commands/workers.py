"""What each worker process does by itself once it serves."""

from __future__ import annotations

import functools
import importlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from cds_service.cql.values.units import preload
from cds_service.web.services import EXTENSION

if TYPE_CHECKING:
    from flask import Flask

    from cds_service.web.services import Services

QUIET_SECONDS: Final = 2.0
"""How long a new worker answers before it loads what few calls need: the first calls come first."""


def load_later(load: Callable[[], None] = preload, seconds: float = QUIET_SECONDS) -> threading.Timer:
    """Do in the background what no call should wait for: by default, load the UCUM tables, which takes a
    second. Should that fail, the first conversion tries again.
    """
    timer = threading.Timer(seconds, load)
    timer.name = "load-later"
    timer.daemon = True
    timer.start()
    return timer


def store_left_records(application: Flask) -> None:
    """Let the writer of decisions begin: it stores what killed processes left, though nobody calls yet.

    And open the database for documentation, so that the first call that needs it does not wait.
    """
    here: Services = application.extensions[EXTENSION]
    here.store_status()
    if here.documentation is not None:
        here.documentation.prepare()


def after_start(worker: Any) -> None:
    """gunicorn's post_worker_init."""
    load_later()
    load_later(functools.partial(store_left_records, worker.wsgi))


def create_app() -> Flask:
    """The application factory of granian, which has no such hook: each of its workers calls it."""
    application: Flask = importlib.import_module("cds_service.app").create_app()
    load_later()
    load_later(functools.partial(store_left_records, application))
    return application
