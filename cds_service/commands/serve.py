"""`cds-service serve`: the service under gunicorn (threads) or granian."""

from __future__ import annotations

import argparse
import gc
import importlib
import ipaddress
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cds_service import logs
from cds_service.commands.figures import figures_folder, forget_worker
from cds_service.commands.workers import after_start
from cds_service.settings import Settings, SettingsError, unknown_variables

if TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger("cds_service.serve")

_OPTIONS = ("host", "port", "server", "workers", "threads")
_APPLICATION = "cds_service.app:create_app"
_GRANIAN_APPLICATION = "cds_service.commands.workers:create_app"


def run(options: argparse.Namespace) -> int:
    """Serve until stopped. Raises SettingsError before anything listens when it must not."""
    settings = effective_settings(options, os.environ)
    logs.configure(settings.log_level, settings.log_format)
    check_callers(settings)
    for name in unknown_variables():
        logger.warning("unknown setting", extra={"variable": name})
    logger.info("serving", extra={"address": settings.public_base_url, "server": settings.server})
    start(settings)
    return 0


def start(settings: Settings, application: str = _APPLICATION) -> None:
    """Run the chosen server over an application factory, named "module:function", until stopped."""
    serve = _serve_with_granian if settings.server == "granian" else _serve_with_gunicorn
    with figures_folder():
        serve(settings, application)


def effective_settings(options: argparse.Namespace, environment: Any) -> Settings:
    """The settings of the environment with the command line's options on top."""
    given = {f"CDS_{name.upper()}": getattr(options, name) for name in _OPTIONS}
    chosen = {name: str(value) for name, value in given.items() if value is not None}
    settings = Settings.from_environment({**environment, **chosen})
    if not settings.public_base_url:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        settings = replace(settings, public_base_url=f"http://{host}:{settings.port}")
    return settings


def check_callers(settings: Settings) -> None:
    """Registered clients that can be read, or open mode where it may be; raises what stops the start."""
    if settings.clients_file is None:
        check_open_mode(settings)
        return
    from cds_service.hooks.trust.clients_file import read_clients

    clients = read_clients(settings.clients_file).clients
    logger.info("every call needs the token of a registered client", extra={"clients": len(clients)})
    if settings.open_mode:
        logger.warning("CDS_OPEN_MODE has no effect: clients are registered")


def check_open_mode(settings: Settings) -> None:
    """No client is registered: only loopback is served unless open mode was chosen; raises SettingsError."""
    if is_loopback(settings.host):
        logger.warning(
            "open mode: no client is registered, every caller on this machine is answered",
            extra={"address": settings.public_base_url},
        )
    elif settings.open_mode:
        logger.warning(
            "open mode: no client is registered, EVERY caller that reaches this address is answered",
            extra={"address": settings.public_base_url},
        )
    else:
        raise SettingsError(
            f"CDS_OPEN_MODE: no client is registered, so {settings.host} is refused; only loopback addresses "
            "are served. Set CDS_OPEN_MODE=true to answer every caller there."
        )


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _serve_with_gunicorn(settings: Settings, application: str) -> None:
    """gunicorn with threads: one application loaded before the workers fork."""
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

    module, _, factory = application.partition(":")
    create_app = getattr(importlib.import_module(module), factory)

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in gunicorn_settings(settings).items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Flask:
            app: Flask = create_app(settings)
            settle_memory()
            return app

    Server().run()


def gunicorn_settings(settings: Settings) -> dict[str, Any]:
    """What gunicorn is told; what its version does not know is left out."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    memory = Path("/dev/shm")  # noqa: S108 (gunicorn's heartbeat files, not ours)
    return {
        "bind": f"{host}:{settings.port}",
        "worker_class": "cds_service.commands.http_worker.HookWorker",
        "workers": settings.workers,
        "threads": settings.threads,
        "preload_app": True,
        "timeout": 60,
        "graceful_timeout": 15,
        "keepalive": 30,
        "loglevel": "warning",
        "control_socket_disable": True,
        "post_worker_init": after_start,
        "child_exit": forget_worker,
        "worker_tmp_dir": str(memory) if os.access(memory, os.W_OK) else None,
    }


def settle_memory() -> None:
    """Take what is loaded for good out of garbage collection: less work per call, memory shared by forks."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


def _serve_with_granian(settings: Settings, application: str) -> None:
    """granian: each worker process loads the application from the environment."""
    try:
        from granian.constants import Interfaces
        from granian.server import Server
    except ImportError:
        raise SettingsError("CDS_SERVER: granian is not installed; install cds-service[granian]") from None
    os.environ["CDS_PUBLIC_BASE_URL"] = settings.public_base_url
    Server(
        _GRANIAN_APPLICATION if application == _APPLICATION else application,
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,  # else one killed worker ends the server
        log_enabled=False,
    ).serve()
