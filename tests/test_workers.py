"""What a worker process loads by itself once it serves."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from cds_service.commands import serve, workers
from cds_service.cql.values.units import preload
from cds_service.settings import Settings
from cds_service.web.services import EXTENSION


def test_loading_happens_in_the_background_and_does_not_keep_a_worker_alive() -> None:
    loaded = threading.Event()
    by: list[str] = []

    def load() -> None:
        by.append(threading.current_thread().name)
        loaded.set()

    timer = workers.load_later(load, seconds=0)
    assert loaded.wait(10)
    assert by == ["load-later"]
    assert timer.daemon


def test_a_gunicorn_worker_loads_the_units_and_stores_what_was_left_once_it_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[threading.Timer] = []
    monkeypatch.setattr(threading.Timer, "start", lambda timer: started.append(timer))
    asked: list[str] = []
    worker = SimpleNamespace(
        wsgi=SimpleNamespace(
            extensions={
                EXTENSION: SimpleNamespace(store_status=lambda: asked.append("store"), documentation=None)
            }
        )
    )
    serve.gunicorn_settings(Settings())["post_worker_init"](worker)
    units, left = started
    assert (units.function, units.interval) == (preload, workers.QUIET_SECONDS)
    left.function()
    assert asked == ["store"]


def test_a_granian_worker_loads_the_units_once_it_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CDS_DATABASE_URL", f"sqlite:///{tmp_path}/workers.sqlite3")
    started: list[threading.Timer] = []
    monkeypatch.setattr(threading.Timer, "start", lambda timer: started.append(timer))
    application = workers.create_app()
    assert application.test_client().get("/cds-services").status_code == 200
    units, left = started
    assert units.function is preload
    left.function()
    services = application.extensions[EXTENSION]
    assert services.store_status(0).healthy


def test_granian_is_given_the_application_that_loads_the_units_and_replaces_killed_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[object] = []

    class Server:
        def __init__(self, target: str, **options: object) -> None:
            given.extend((target, options["respawn_failed_workers"]))

        def serve(self) -> None:
            """Nothing is served here."""

    monkeypatch.setattr("granian.server.Server", Server)
    monkeypatch.setenv("CDS_PUBLIC_BASE_URL", "")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    serve.start(Settings(server="granian"))
    assert given == ["cds_service.commands.workers:create_app", True]
