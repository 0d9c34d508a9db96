"""One request explained without a server: what `cds-service decide FILE` prints."""

from __future__ import annotations

from datetime import datetime

from cds_service.coverage_check.check import CoverageCheck, resource_index
from cds_service.coverage_check.member import coverage_of
from cds_service.decisions.explain import explain
from cds_service.hooks.request import HookRequest


def explain_request(check: CoverageCheck, request: HookRequest, now: datetime) -> str:
    """The decision about each order of a request, in plain text. Raises RequestError as `answer` does."""
    index = resource_index(request)
    told = []
    for path, order in request.draft_orders:
        coverage = coverage_of(order, path, index, check.catalogue)
        _, determination = check.determine(order, index, coverage, now.date(), now)
        told.append(explain(determination))
    return "\n".join(told)
