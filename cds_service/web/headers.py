"""Headers of every answer: cross-origin access for browser-based EHRs, and what browsers must not do."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

_SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
}
_CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}


def install(app: Flask, origins: tuple[str, ...]) -> None:
    """Add the headers to every answer of the application, errors included.

    Cross-origin access covers `/cds-services` and below (CDS Hooks 2.0, CORS): browser-based clients
    send Authorization, so that discovery too is preflighted; no cookies are used.
    """

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.extend(_SECURITY)
        headers.setdefault("Content-Security-Policy", _CONTENT_POLICY)
        if request.path.startswith("/cds-services"):
            headers.setdefault("Cache-Control", "no-store")
            if origins == ("*",):
                headers["Access-Control-Allow-Origin"] = "*"
            else:
                headers.add("Vary", "Origin")
                if (origin := request.headers.get("Origin", "")) in origins:
                    headers["Access-Control-Allow-Origin"] = origin
            if request.method == "OPTIONS":
                for name, value in _PREFLIGHT.items():
                    headers[name] = value
        return response
