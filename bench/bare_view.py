"""The yardstick of bench.http: a bare Flask view under the server and the settings of `cds-service serve`."""

from __future__ import annotations

import argparse
import os
from typing import Any

import orjson
from flask import Flask, Response, request

from cds_service.commands import serve

CARD = {
    "cards": [
        {
            "uuid": "5f1f9c1e-4c7b-4b53-8f8e-0c6d1a1c9d10",
            "summary": "Covered",
            "indicator": "info",
            "source": {"label": "Payer"},
        }
    ]
}


def create_app(settings: Any = None) -> Flask:
    """One view: parse the body with orjson, return a fixed card."""
    app = Flask(__name__)

    @app.post("/cds-services/<service_id>")
    def call(service_id: str) -> Response:
        orjson.loads(request.get_data(cache=False))
        return Response(orjson.dumps(CARD), content_type="application/json")

    return app


def main() -> None:
    """Serve it exactly as the service is served."""
    options = argparse.Namespace(host=None, port=None, server=None, workers=None, threads=None)
    serve.start(serve.effective_settings(options, os.environ), "bench.bare_view:create_app")


if __name__ == "__main__":
    main()
