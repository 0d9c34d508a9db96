"""What keeps the form pages safe: who may send, what browsers must not do, and pages instead of errors."""

from __future__ import annotations

from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import Response, render_template, request, url_for
from werkzeug.exceptions import Forbidden

from cds_service.hooks.errors import RequestError
from cds_service.settings import CRD_VERSIONS
from cds_service.web.errors import status_by_version
from cds_service.web.pages import DISCLAIMER
from cds_service.web.services import services

if TYPE_CHECKING:
    from cds_service.coverage_check.documentation import Documentation

_FOREIGN: Final = frozenset({"cross-site", "same-site"})
_NEW_LINK: Final = (
    "To get a new link, open the order in the electronic health record and sign or refresh it: the card "
    "that then appears carries one."
)
_CLOSED: Final = {
    "no-such-link": (
        404,
        "This link does not work",
        (
            "It may be incomplete, it may have expired, or nothing is asked for the order any more.",
            _NEW_LINK,
        ),
    ),
    "nothing-asked": (
        200,
        "Nothing is asked for this order",
        ("The payer has no open question about it.", _NEW_LINK),
    ),
    "sent-meanwhile": (
        409,
        "These answers were not sent",
        (
            "Other answers were sent for this order meanwhile, from another window or by somebody else.",
            "Look at them first; if they are wrong, correct them there.",
        ),
    ),
    "not-from-here": (
        403,
        "These answers were not taken",
        (
            "They did not come from the page that this link opens. Nothing was sent.",
            "Open the link again and send the answers from there.",
        ),
    ),
    "too-large": (
        413,
        "The documents are too large",
        ("Nothing was sent and nothing was kept.", "Go back, and choose smaller documents or fewer."),
    ),
    "unavailable": (
        503,
        "The answers cannot be reached at the moment",
        ("Nothing was sent and nothing was lost. Wait a little, then try again.",),
    ),
    "not-possible": (400, "That is not possible here", (_NEW_LINK,)),
    "broken": (500, "Something went wrong here", ("Nothing was sent. Try again in a little while.",)),
}
_BY_STATUS: Final = {403: "not-from-here", 404: "no-such-link", 413: "too-large", 503: "unavailable"}


def documentation() -> Documentation:
    """What keeps and decides; every application that serves this page has it."""
    found = services().documentation
    if found is None:
        raise RuntimeError("the application has no documentation")
    return found


def largest_document() -> int:
    """The most bytes of one document."""
    return min(documentation().max_attachment_bytes, services().settings.max_body_bytes)


def protected(response: Response) -> Response:
    """A page with the headers of this room: nothing foreign is loaded, nothing is kept, nobody frames it."""
    ancestors = " ".join(services().settings.frame_ancestors) or "'none'"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"form-action 'self'; frame-ancestors {ancestors}"
    )
    if ancestors == "'none'":
        response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


def check_origin() -> None:
    """Raises Forbidden when a browser says that the form was sent from another site.

    Browsers send `Origin: null` from a page that gives no referrer, such as ours.
    """
    if request.headers.get("Sec-Fetch-Site") in _FOREIGN:
        raise Forbidden
    origin = request.headers.get("Origin")
    own = (request.host_url, services().settings.public_base_url)
    if origin not in (None, "null") and _origin(origin) not in [_origin(each) for each in own if each]:
        raise Forbidden


def stamp(token: str, seen: str) -> str:
    """What a form carries to show that it was opened by this link; only who has the link can make it."""
    return blake2b(f"{seen}\n{token}".encode(), digest_size=16, person=b"form page").hexdigest()


def is_stamped(token: str, seen: str, given: str) -> bool:
    """Whether a stamp is that of this link, as its page was when it was opened."""
    return compare_digest(stamp(token, seen).encode(), given.encode("utf-8", "replace"))


def see_other(token: str, saved: str | None = None) -> Response:
    """Have the browser get the page anew, so that a reload sends nothing again."""
    response = Response("", 303)
    response.headers["Location"] = url_for("forms.show", token=token, saved=saved)
    return response


def closed(why: str, back: str | None = None) -> Response:
    """A page that says why there is no form, and what to do."""
    status, heading, texts = _CLOSED[why]
    page = render_template(
        "form_closed.html",
        title=heading,
        heading=heading,
        texts=texts,
        back=back,
        back_said="Show the answers",
        disclaimer=DISCLAIMER,
    )
    return Response(page, status, content_type="text/html; charset=utf-8")


def status_of(error: RequestError) -> int:
    """The HTTP status of an error: pages belong to no version of CRD, so that of the newest."""
    return status_by_version(error.kind)[CRD_VERSIONS[-1]]


def closed_for(status: int) -> Response:
    """The page for an error of this HTTP status."""
    if status >= 500 and status != 503:
        return closed("broken")
    return closed(_BY_STATUS.get(status, "not-possible"))


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc.lower()
