"""What clinicians did with cards, as clients report it (CDS Hooks 2.0, Feedback)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import RequestLimits, read_json

ACCEPTED: Final = "accepted"
OVERRIDDEN: Final = "overridden"
MOST_ENTRIES: Final = 500
_LONGEST_NAME: Final = 128
_LONGEST_TEXT: Final = 4_000
_MOST_SUGGESTIONS: Final = 50


@dataclass(frozen=True, slots=True)
class Feedback:
    """One entry: what became of one card. `comment` is the clinician's own text and is never logged."""

    card: str  # uuid of the card
    outcome: str  # accepted | overridden
    suggestions: tuple[str, ...] = ()  # uuids of the suggestions taken
    reason_code: str | None = None
    reason_system: str | None = None
    reason_display: str | None = None
    comment: str | None = None
    outcome_at: datetime | None = None


def parse_feedback(body: bytes, limits: RequestLimits | None = None) -> tuple[Feedback, ...]:
    """Read the body of a feedback call.

    Card and outcome must be usable; whatever else cannot be read counts as not said, because a client
    cannot mend feedback about a card that is gone. Raises RequestError naming the element.
    """
    document = read_json(body, limits or RequestLimits())
    if not isinstance(document, dict):
        raise RequestError("CDS-1005", "The body must be an object with feedback.", ())
    entries = document.get("feedback")
    if isinstance(entries, dict):
        entries = [entries]
    if entries is None:
        raise RequestError("CDS-1010", "feedback is missing.", ("feedback",))
    if not isinstance(entries, list):
        raise RequestError("CDS-1011", "feedback must be a list.", ("feedback",))
    if not entries:
        raise RequestError("CDS-1010", "feedback holds no entry.", ("feedback",))
    if len(entries) > MOST_ENTRIES:
        text = f"feedback holds more than {MOST_ENTRIES} entries."
        raise RequestError("CDS-1018", text, ("feedback",), ErrorKind.TOO_LARGE)
    return tuple(_entry(each, f"feedback[{number}]") for number, each in enumerate(entries))


def _entry(entry: Any, path: str) -> Feedback:
    if not isinstance(entry, dict):
        raise RequestError("CDS-1011", f"{path} must be an object.", (path,))
    card, outcome = entry.get("card"), entry.get("outcome")
    for name, value in (("card", card), ("outcome", outcome)):
        if value is None or value == "":
            raise RequestError("CDS-1010", f"{path}.{name} is missing.", (f"{path}.{name}",))
    if not isinstance(card, str) or not card.strip() or len(card) > _LONGEST_NAME:
        raise RequestError("CDS-1011", f"{path}.card must be the uuid of a card.", (f"{path}.card",))
    if outcome not in (ACCEPTED, OVERRIDDEN):
        text = f"{path}.outcome must be {ACCEPTED} or {OVERRIDDEN}."
        raise RequestError("CDS-1011", text, (f"{path}.outcome",))
    override = entry.get("overrideReason")
    override = override if isinstance(override, dict) else {}
    coding = override.get("reason", override)
    coding = coding if isinstance(coding, dict) else {}
    return Feedback(
        card=card.strip().lower(),
        outcome=outcome,
        suggestions=_suggestions(entry.get("acceptedSuggestions")),
        reason_code=_text(coding.get("code"), _LONGEST_NAME),
        reason_system=_text(coding.get("system"), _LONGEST_TEXT),
        reason_display=_text(coding.get("display"), _LONGEST_TEXT),
        comment=_text(override.get("userComment"), _LONGEST_TEXT),
        outcome_at=_moment(entry.get("outcomeTimestamp")),
    )


def _suggestions(given: Any) -> tuple[str, ...]:
    """The ids of accepted suggestions; bare texts are taken as ids."""
    entries = given if isinstance(given, list) else [given]
    names = [each.get("id") if isinstance(each, dict) else each for each in entries[:_MOST_SUGGESTIONS]]
    return tuple(name for each in names if (name := _text(each, _LONGEST_NAME)) is not None)


def _text(value: Any, longest: int) -> str | None:
    """Some text, cut to what is kept; None for anything else."""
    return value.strip()[:longest] or None if isinstance(value, str) else None


def _moment(value: Any) -> datetime | None:
    """An instant with its offset, in UTC; a time without one is taken as UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
