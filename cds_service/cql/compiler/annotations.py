"""The `@tags` that authors write in the comment above a definition, as the translator hands them on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


def tags_of(element: Mapping[str, Any]) -> Mapping[str, str]:
    """Tags of one ELM element: `@cite: Section 1` -> {"cite": "Section 1"}; wrapped lines are joined."""
    tags: dict[str, str] = {}
    for annotation in element.get("annotation") or ():
        for tag in annotation.get("t") or ():
            name = str(tag.get("name", "")).removeprefix("@")
            if name:
                tags[name] = " ".join(str(tag.get("value", "")).split())
    return MappingProxyType(tags)
