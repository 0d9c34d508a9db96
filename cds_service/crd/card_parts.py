"""What every card has: source, topic, uuid, the order it is about, and the shape of its text."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.configuration import LIMIT_CARDS, NETWORK_CARDS, POLICY_CARDS
from cds_service.crd.versions import AssociatedResource, CrdVersion

Card = dict[str, Any]

SUMMARY_LIMIT: Final = 139  # CDS Hooks 2.0: less than 140 characters
NAME_LIMIT: Final = 60
DISCLAIMER: Final = "_Coverage information, not treatment advice._"
_DISPLAYS: Final = {POLICY_CARDS: "Guideline", LIMIT_CARDS: "Limits", NETWORK_CARDS: "Network"}


def new_card(
    assertion: CoverageAssertion, version: CrdVersion, hook_instance: str, topic: str, indicator: str
) -> Card:
    """A card without its texts, in the order of elements that people expect."""
    payer, reference = assertion.payer, assertion.determination.order
    source: dict[str, Any] = {"label": payer.label}
    if payer.url:
        source["url"] = payer.url
    source["topic"] = {"system": version.topic_system, "code": topic, "display": _DISPLAYS[topic]}
    named = version.associated_resource is AssociatedResource.REFERENCE
    return {
        "uuid": uuid_of(hook_instance, assertion.identifiers.assertion_id, topic),
        "summary": "",
        "detail": "",
        "indicator": indicator,
        "source": source,
        "extension": {"davinci-crd.associated-resource": [{"reference": reference} if named else reference]},
    }


def uuid_of(*parts: str) -> str:
    """A version 8 UUID (RFC 9562) of the call, the assertion and the topic: a repeated call repeats it."""
    digest = bytearray(blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest())
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def bullets(title: str, items: list[str]) -> str:
    """A heading and its list, in Markdown."""
    return f"**{title}**\n\n" + "\n".join(f"- {item}" for item in items)
