"""Who calls? Asked before anything of a call is read; preflights stay open: browsers send no token there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from flask import Flask, g, request

if TYPE_CHECKING:
    from cds_service.hooks.trust.authentication import Authentication
    from cds_service.hooks.trust.clients import Caller

_ROOT: Final = "/cds-services"


def install(app: Flask, authentication: Authentication | None, *, discovery_token: bool) -> None:
    """Have every call under `/cds-services` authenticated; without registered clients, nothing is added."""
    if authentication is None:
        return

    @app.before_request
    def authenticate() -> None:
        path = request.path
        if request.method == "OPTIONS" or not path.startswith(_ROOT):
            return
        if path == _ROOT and not discovery_token:
            return
        g.caller = authentication.caller(request.headers.get("Authorization"), path, time.time())


def caller() -> Caller | None:
    """The client that makes this call; None in open mode."""
    found: Caller | None = g.get("caller")
    return found
