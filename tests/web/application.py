"""Applications for the tests of this room: the whole HTTP interface over a coverage check of one's choice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Flask

from cds_service.coverage_check.report import CallReport
from cds_service.hooks.reading import RequestLimits
from cds_service.hooks.request import HookRequest
from cds_service.policies.model import PolicyVersion
from cds_service.settings import Settings
from cds_service.store.model import RecorderStatus
from cds_service.store.payload import PayloadVault
from cds_service.web.application import build_application
from cds_service.web.services import Services

Answer = Callable[[HookRequest, datetime], dict[str, Any]]


class OneAnswer:
    """A coverage check that gives the same answer to everything."""

    def __init__(self, answer: Answer | None = None) -> None:
        self._answer: Answer = answer or (lambda request, now: {"cards": []})

    def answer(self, request: HookRequest, now: datetime, report: CallReport) -> dict[str, Any]:
        """The answer; the report stays empty."""
        return self._answer(request, now)


class OnFile:
    """A catalogue holding these policy versions."""

    version = "catalogue-1"

    def __init__(
        self, *versions: PolicyVersion, payers: Any = None, products: Any = None, codes: Any = None
    ) -> None:
        self.versions = versions
        self.payers = payers or {}
        self.products = products or {}
        self.product_codes = codes or {}

    def policy_version(self, policy: str, version: str) -> PolicyVersion | None:
        found = (each for each in self.versions if (each.policy, each.version) == (policy, version))
        return next(found, None)


def application(
    answer: Answer | None = None,
    catalogue: Any = None,
    status: RecorderStatus | None = None,
    authentication: Any = None,
    record: Callable[..., None] = lambda *records: None,
    vault: PayloadVault | None = None,
    **settings: Any,
) -> Flask:
    """The HTTP interface with these settings."""
    chosen = Settings(**settings)
    services: Any = Services(
        settings=chosen,
        catalogue=catalogue or OnFile(),
        check=OneAnswer(answer),  # type: ignore[arg-type]
        store_status=lambda: status or RecorderStatus(healthy=True, queued=0, written=0, dropped=0),
        limits=RequestLimits(chosen.max_body_bytes, chosen.max_nesting, chosen.max_orders),
        authentication=authentication,
        record=record,
        vault=vault,
    )
    return build_application(services)
