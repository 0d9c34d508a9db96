"""What a FHIR reference points to, in every form that real clients write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_MORE: Final = frozenset("/#?:_")  # in what follows "Type/" these make it more than an id


class ParsedReference(NamedTuple):
    """The parts of one reference. `url` is the text without a version, as a `fullUrl` would spell it.

    `fragment` is set for contained resources ("#med-1"), `type`/`id` for literal ones, `base` for absolute
    ones; urn:uuid and urn:oid references have a `url` only.
    """

    url: str
    type: str | None = None
    id: str | None = None
    base: str | None = None
    fragment: str | None = None


def reference_text(reference: object) -> str | None:
    """The literal reference of a Reference object, or of a bare string; None when there is none."""
    if isinstance(reference, dict):
        reference = reference.get("reference")
    if not isinstance(reference, str):
        return None
    return reference.strip() or None


def parse_reference(reference: object) -> ParsedReference | None:
    """Read a Reference object or string: relative, absolute, versioned, contained, urn (FHIR R4 2.3).

    None when it has no literal reference that could be followed (a logical reference, a conditional one).
    """
    text = reference_text(reference)
    if text is None:
        return None
    kind, slash, identity = text.partition("/")
    if slash and kind.isalpha() and not _MORE.intersection(identity) and identity:  # nearly every one
        return ParsedReference(text, kind, identity)
    if text.startswith("#"):
        return ParsedReference(text, fragment=text[1:])
    if text.startswith("urn:"):
        return ParsedReference(text)
    path, _, fragment = text.partition("#")
    if fragment or "?" in path:
        return None
    segments = path.split("/")
    if "_history" in segments:
        segments = segments[: segments.index("_history")]
    segments = segments[:-1] if segments and not segments[-1] else segments
    if len(segments) < 2 or not segments[-1] or not segments[-2][:1].isalpha():
        return None
    base = "/".join(segments[:-2]).strip("/") or None
    url = "/".join(segments)
    return ParsedReference(url, segments[-2], segments[-1], base)


def reference_to(resource: Mapping[str, Any]) -> str:
    """The "Type/id" of a resource; the type alone when it has no id, as drafts of some clients do."""
    kind, identity = resource.get("resourceType"), resource.get("id")
    kind = kind if isinstance(kind, str) else "Resource"
    return f"{kind}/{identity}" if isinstance(identity, str) and identity else kind


def contained_in(container: Mapping[str, Any] | None, fragment: str) -> Mapping[str, Any] | None:
    """The contained resource that "#fragment" names; the container itself for "#"."""
    if container is None or not fragment:
        return container
    contained = container.get("contained")
    for item in contained if isinstance(contained, list) else [contained]:
        if isinstance(item, dict) and item.get("id") in (fragment, f"#{fragment}"):
            return item
    return None
