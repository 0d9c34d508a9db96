"""Health: is the process alive, and is it ready to answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response

from cds_service import __version__
from cds_service.hooks.reading import write_json
from cds_service.web import openapi_parts as parts
from cds_service.web.blueprints import Blueprint
from cds_service.web.services import services

blueprint = Blueprint("health", __name__, description="For load balancers and operators")


def _answer(content: dict[str, Any]) -> Response:
    return Response(
        write_json(content), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


@blueprint.documented("GET", "/health/live", parts.LIVE)
def live() -> Response:
    """The process runs."""
    return _answer({"status": "ok"})


@blueprint.documented("GET", "/health/ready", parts.READY)
def ready() -> Response:
    """The catalogue is loaded; how the decision store is.

    A store that is down makes the service degraded, not unready: orders are answered without it.
    """
    here = services()
    store = asdict(here.store_status())
    return _answer(
        {
            "status": "ok" if store["healthy"] else "degraded",
            "version": __version__,
            "catalogue": {"version": here.catalogue.version, "policyVersions": len(here.catalogue.versions)},
            "store": store,
        }
    )
