"""The words of a card on a page: its Markdown, of which we write only headings and lists, as plain parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_ESCAPED: Final = re.compile(r"\\([\\`*_\[\]<>#|~&!.)+=-])")
_BOLD: Final = re.compile(r"(?<!\\)\*\*")
_HEADING: Final = re.compile(r"\*\*((?:[^*\\]|\\.)+)\*\*")
_APART: Final = "\u200b"  # what keeps renderers from making links


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a list, with the lines below it."""

    text: str
    below: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with its list, or a paragraph without heading."""

    heading: str = ""
    items: list[Item] = field(default_factory=list)
    paragraph: str = ""


def parts(card: Mapping[str, Any]) -> list[Part]:
    """What the detail of a card says, as plain text to be escaped by whoever shows it."""
    found: list[Part] = []
    heading = ""
    for block in str(card.get("detail", "")).split("\n\n"):
        title = _HEADING.fullmatch(block)
        if title is not None:
            heading = plain(title[1])
        elif block.startswith("- "):
            found.append(Part(heading, _items(block)))
            heading = ""
        elif block and not (block.startswith("_") and block.endswith("_")):
            found.append(Part(paragraph=plain(block)))
    return found


def plain(markdown: str) -> str:
    """The text that a line of our own Markdown shows."""
    return _ESCAPED.sub(r"\1", _BOLD.sub("", markdown)).replace(_APART, "")


def _items(block: str) -> list[Item]:
    items: list[Item] = []
    for line in block.split("\n"):
        if line.startswith("  - ") and items:
            items[-1].below.append(plain(line[4:]))
        else:
            items.append(Item(plain(line.removeprefix("- "))))
    return items
