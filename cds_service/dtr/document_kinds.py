"""What a document is, told by its content and never by its name or by what its sender calls it."""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MARKUP: Final = re.compile(r"\s*<(?:!|\?|[a-zA-Z])")

PLAIN_TEXT: Final = "text/plain"
MARKUP: Final = "text/xml"


def media_type_of(content: bytes) -> str | None:
    """The media type of a document that people can read; None for anything else, blank text included.

    MARKUP stands for every kind of it: clinical documents (CDA) and web pages.
    """
    for mark, kind in _MARKS:
        if content.startswith(mark):
            return kind
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if not text.strip() or _NOT_TEXT.search(text):
        return None
    return MARKUP if _MARKUP.match(text) else PLAIN_TEXT
