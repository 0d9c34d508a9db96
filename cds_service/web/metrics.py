"""Figures for Prometheus."""

from __future__ import annotations

from flask import Response

from cds_service.web import openapi_parts as parts
from cds_service.web.blueprints import Blueprint
from cds_service.web.measures import CONTENT_TYPE
from cds_service.web.services import services

blueprint = Blueprint("metrics", __name__, description="For monitoring")


@blueprint.documented("GET", "/metrics", parts.METRICS)
def metrics() -> Response:
    """Counters and timings of all workers, in the text format of Prometheus; nothing of any patient."""
    return Response(
        services().measures.exposition(),
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "no-store"},
    )
