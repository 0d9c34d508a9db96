"""Wiring, nothing else: settings -> catalogue, decision store, coverage check -> HTTP application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service import logs
from cds_service.coverage_check import CoverageCheck
from cds_service.hooks.reading import RequestLimits
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import Settings
from cds_service.store.recorder import DecisionRecorder
from cds_service.web.application import build_application
from cds_service.web.services import Services

if TYPE_CHECKING:
    from flask import Flask


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application, ready to answer.

    Raises SettingsError for a bad setting and CatalogueError for a catalogue that cannot be used.
    """
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level, settings.log_format)
    catalogue = Catalogue.load(settings.rules_directory)
    recorder = DecisionRecorder(settings.database_url, linger=0.25)
    check = CoverageCheck(
        catalogue,
        recorder,
        public_base_url=settings.public_base_url or f"http://{settings.host}:{settings.port}",
        assertion_key=settings.assertion_key,
    )
    return build_application(
        Services(
            settings=settings,
            catalogue=catalogue,
            check=check,
            store_status=recorder.status,
            limits=RequestLimits(settings.max_body_bytes, settings.max_nesting, settings.max_orders),
        )
    )
