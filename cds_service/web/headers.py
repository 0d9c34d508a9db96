"""Headers of every answer: cross-origin access for browser-based EHRs, and what browsers must not do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Fields = tuple[tuple[str, str], ...]

_SECURITY: Final[Fields] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "interest-cohort=()"),
)
_CONTENT_POLICY: Final = (
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
_FOR_PROGRAMS: Final = ("/cds-services", "/fhir/", "/oauth/", "/.well-known/")
_NOT_KEPT: Final = ("Cache-Control", "no-store")
_PREFLIGHT: Final[Fields] = (
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
    ("Access-Control-Max-Age", "600"),
)
_EVERYBODY: Final[Fields] = (("Access-Control-Allow-Origin", "*"),)


class AnswerHeaders:
    """WSGI middleware: adds the headers to every answer of the application, errors included.

    Cross-origin access covers `/cds-services` and below (CDS Hooks 2.0, CORS), and the FHIR endpoints with
    what leads to them: browser-based clients send Authorization, so that discovery too is preflighted; no
    cookies are used. A view may set a content
    policy or caching of its own.
    """

    def __init__(self, application: WSGIApplication, origins: tuple[str, ...]) -> None:
        self._application = application
        self._origins = origins

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            present = {name.lower() for name, _ in headers}
            headers += _SECURITY
            if "content-security-policy" not in present:
                headers.append(_CONTENT_POLICY)
            if environ.get("PATH_INFO", "").startswith(_FOR_PROGRAMS):
                if "cache-control" not in present:
                    headers.append(_NOT_KEPT)
                headers += self._cross_origin(environ)
            return start_response(status, headers, exc_info)

        return self._application(environ, start)

    def _cross_origin(self, environ: WSGIEnvironment) -> Fields:
        fields = _EVERYBODY
        if self._origins != ("*",):
            origin = environ.get("HTTP_ORIGIN", "")
            fields = (("Vary", "Origin"),)
            if origin in self._origins:
                fields = (*fields, ("Access-Control-Allow-Origin", origin))
        return fields + _PREFLIGHT if environ["REQUEST_METHOD"] == "OPTIONS" else fields
