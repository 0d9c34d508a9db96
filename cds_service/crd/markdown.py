"""Texts from orders and charts made safe to show on a card (GitHub-flavoured Markdown)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SPECIAL: Final = str.maketrans({mark: "\\" + mark for mark in "\\`*_[]<>#|~&!"})
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# Renderers turn bare addresses into links, also inside escaped text: an invisible space takes them apart.
_ADDRESS: Final = re.compile(r"(?<=[^\W_])[.:@](?=[^\W\d_]|/)")
_LIST_MARK: Final = re.compile(r"^(?=[-+=])|^(\d+)(?=[.)])")
# Most texts of policies need nothing: letters, digits and marks without meaning, single blanks inside.
_HARMLESS: Final = re.compile(
    r"(?:[A-Za-z]|\d(?!\d*[.)]))(?:[A-Za-z0-9,;()/%?'\"=+-]++|[.:](?= |$)| (?=[^ ]))*+", re.ASCII
)


def line(text: str, limit: int) -> str:
    """One line of plain text of at most `limit` characters; read as Markdown it holds no link."""
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text
    text = _BLANK.sub(" ", text).strip().replace("<", "").replace(">", "").replace("](", "] (")
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int = 400) -> str:
    """One line of Markdown that shows `text` as it is: no links, no HTML, no formatting, no new blocks."""
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text
    text = _BLANK.sub(" ", text).strip()
    if len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    text = text.translate(_SPECIAL)
    text = _ADDRESS.sub("\\g<0>\u200b", text)
    return _LIST_MARK.sub(r"\1\\", text, count=1)


@lru_cache(maxsize=4096)
def fixed(text: str) -> str:
    """`escape` for texts of policies, which come again and again. Never for texts of orders or charts."""
    return escape(text, 1000)
