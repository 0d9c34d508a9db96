"""The OpenAPI description, made from the views by flask-smorest, and a viewer that needs no network."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint as FlaskBlueprint
from flask import Flask, Response, current_app, redirect, render_template, send_from_directory, url_for
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as WerkzeugResponse

from cds_service import __version__
from cds_service.hooks.reading import write_json
from cds_service.web import (
    cds_hooks,
    feedback,
    fhir_dtr,
    fhir_dtr_resources,
    health,
    metrics,
    oauth,
    policies,
)
from cds_service.web.blueprints import SmorestApi
from cds_service.web.errors import http_error
from cds_service.web.openapi_parts import COMPONENTS

# Swagger UI 4 shows OpenAPI 3.0; 3.1 needs version 5.
OPENAPI_VERSION: Final = "3.0.3"
_VIEWER_FILES: Final = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
_VIEWER_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

viewer = FlaskBlueprint("viewer", __name__)


class ServiceApi(SmorestApi):  # type: ignore[misc]
    """flask-smorest without its error format, which drops headers such as Allow (RFC 9110, 405)."""

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Answer with an OperationOutcome and keep the headers."""
        return http_error(error)


def install(app: Flask) -> ServiceApi:
    """Register all documented views on the application."""
    app.config |= {
        "API_TITLE": "Coverage decision service",
        "API_VERSION": __version__,
        "OPENAPI_VERSION": OPENAPI_VERSION,
        "API_SPEC_OPTIONS": {
            "info": {
                "description": "Answers at order time whether and how a payer covers a drug: CDS Hooks 2.0, "
                "Da Vinci CRD 2.0, 2.1 and 2.2. Not affiliated with any payer; coverage information, no "
                "treatment advice.",
                "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            }
        },
    }
    api = ServiceApi(app)
    for name, schema in COMPONENTS.items():
        api.spec.components.schema(name, schema)
    for room in (cds_hooks, feedback, fhir_dtr, fhir_dtr_resources, oauth, policies, health, metrics):
        api.register_blueprint(room.blueprint)
    app.register_blueprint(viewer)
    app.extensions["openapi_description"] = api
    return api


def description(app: Flask) -> dict[str, Any]:
    """The OpenAPI description of an application, without anything that flask-smorest adds unused."""
    spec: dict[str, Any] = app.extensions["openapi_description"].spec.to_dict()
    components = spec["components"]
    components.pop("responses", None)
    components["schemas"] = {name: components["schemas"][name] for name in COMPONENTS}
    for operations in spec["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation.get("responses", {}).pop("default", None)
    return spec


def published_description() -> dict[str, Any]:
    """What openapi/cds-service.json holds; needs no catalogue and no database."""
    app = Flask(__name__)
    install(app)
    return description(app)


@viewer.get("/")
def start() -> WerkzeugResponse:
    """People who open the bare address see the policies."""
    return redirect(url_for("policies.list_policies"))


@viewer.get("/openapi.json")
def openapi_json() -> Response:
    """The description itself."""
    return Response(write_json(description(current_app)), content_type="application/json")


@viewer.get("/docs")
def docs() -> Response:
    """A page that shows it and lets people try calls."""
    return Response(
        render_template("viewer.html"),
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": _VIEWER_POLICY},
    )


@viewer.get("/docs/<name>")
def docs_file(name: str) -> Response:
    """The viewer's own files, from the installed package."""
    if name not in _VIEWER_FILES:
        raise NotFound
    from swagger_ui_bundle import swagger_ui_path  # type: ignore[import-untyped]

    return send_from_directory(swagger_ui_path, name, max_age=86_400)
