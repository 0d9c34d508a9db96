"""The Flask application over services that are already loaded."""

from __future__ import annotations

from flask import Flask
from werkzeug.exceptions import HTTPException

from cds_service.hooks.errors import RequestError
from cds_service.web import calls, errors, forms, openapi, trust
from cds_service.web.headers import AnswerHeaders
from cds_service.web.paths import CleanPaths
from cds_service.web.services import EXTENSION, Services


def build_application(services: Services) -> Flask:
    """The WSGI application: views, errors as OperationOutcomes, headers, clean paths."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.extensions[EXTENSION] = services
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    openapi.install(app)
    app.register_blueprint(forms.blueprint)
    calls.install(app)
    trust.install(app, services.authentication, discovery_token=services.settings.discovery_token)
    app.register_error_handler(RequestError, errors.request_error)
    app.register_error_handler(HTTPException, errors.http_error)
    app.register_error_handler(Exception, errors.internal_error)
    answered = AnswerHeaders(app.wsgi_app, services.settings.cors_origins)
    app.wsgi_app = CleanPaths(answered)  # type: ignore[method-assign]
    return app
