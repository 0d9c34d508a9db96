"""The policies on file, for people (HTML) and for programs (JSON): what the cards link to."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from werkzeug.exceptions import NotFound

from cds_service.hooks.reading import write_json
from cds_service.web import openapi_parts as parts
from cds_service.web import pages
from cds_service.web.blueprints import Blueprint
from cds_service.web.services import services

blueprint = Blueprint("policies", __name__, description="The policies that decide")


@blueprint.documented("GET", "/policies", parts.POLICY_LIST)
def list_policies() -> Response:
    """All policy versions on file."""
    here = services()
    lines = pages.policy_list(here.catalogue.versions, here.catalogue.payers, here.now().date())
    return _answer("policies.html", {"policies": lines, "disclaimer": pages.DISCLAIMER})


@blueprint.documented("GET", "/policies/<policy>/<version>", parts.POLICY)
def show_policy(policy: str, version: str) -> Response:
    """One policy version: what it addresses, its criteria, limits and citations."""
    here = services()
    catalogue = here.catalogue
    found = catalogue.policy_version(policy, version)
    if found is None:
        raise NotFound
    today = here.now().date()
    drugs = pages.Drugs(catalogue.products, catalogue.product_codes)
    page = pages.policy_page(found, catalogue.versions, catalogue.payers, drugs, today)
    return _answer("policy.html", page)


def _answer(template: str, content: dict[str, Any]) -> Response:
    """HTML, or JSON for a client that prefers it."""
    offered = ["text/html", "application/json"]
    if request.accept_mimetypes.best_match(offered, default="text/html") == "application/json":
        response = Response(write_json(content), content_type="application/json")
    else:
        response = Response(
            render_template(template, **content, systems=pages.SYSTEMS, in_words=pages.amount_in_words),
            content_type="text/html; charset=utf-8",
        )
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "max-age=300"
    return response
