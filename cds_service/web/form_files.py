"""Documents that come with a form: a few kinds, told by their content and never by their name.

A document is kept inside the QuestionnaireResponse and never sent back to a browser.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha1
from typing import Any, Final, NamedTuple

from cds_service.dtr.document_kinds import MARKUP, media_type_of

ACCEPTED: Final = ".pdf,.png,.jpg,.jpeg,.tif,.tiff,.txt"
IN_WORDS: Final = "PDF, PNG, JPEG, TIFF or plain text"

# Control characters, and those that turn the direction of writing: "gpj.exe" must not read as "exe.jpg".
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_LONGEST_NAME: Final = 120


class DocumentError(ValueError):
    """A document that is not taken; the message is for the person who sent it."""


class Document(NamedTuple):
    """A document that is already kept: `key` names it among those of its question."""

    key: str
    title: str
    size: int | None
    attachment: dict[str, Any]


def read_document(name: str, content: bytes, largest: int) -> dict[str, Any]:
    """A FHIR Attachment of an uploaded file; raises DocumentError when it is not taken.

    `largest` is in bytes. The type is that of the content.
    """
    title = _title(name)
    if not content:
        raise DocumentError(f"“{title}” is empty.")
    if len(content) > largest:
        raise DocumentError(f"“{title}” is larger than {limit_in_words(largest)}.")
    kind = media_type_of(content)
    if kind is None or kind == MARKUP:
        raise DocumentError(f"“{title}” is none of these: {IN_WORDS}.")
    return {
        "contentType": kind,
        "data": b64encode(content).decode("ascii"),
        "size": len(content),
        "hash": b64encode(sha1(content, usedforsecurity=False).digest()).decode("ascii"),
        "title": title,
    }


def kept(attachment: dict[str, Any]) -> Document:
    """A document of an earlier response."""
    data = str(attachment.get("data") or "")
    size = attachment.get("size")
    title = _title(str(attachment.get("title") or attachment.get("url") or "document"))
    return Document(
        sha1(f"{title}\n{data}".encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:16],
        title,
        size if isinstance(size, int) else len(data) * 3 // 4 if data else None,
        attachment,
    )


def megabytes(size: int) -> str:
    """A size in bytes for people."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{size / 1_000_000:.1f}".removesuffix(".0") + " MB"


def limit_in_words(size: int) -> str:
    """A limit in bytes for people, never more than it is."""
    return megabytes(size) if size < 1_000_000 else f"{size // 1_000_000} MB"


def _title(name: str) -> str:
    title = _UNSEEN.sub("", name.replace("\\", "/").rpartition("/")[2]).strip()
    if len(title) > _LONGEST_NAME:
        title = title[: _LONGEST_NAME - 12] + "…" + title[-11:]
    return title or "document"
