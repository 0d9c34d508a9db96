"""`cds-service feedback report`: which cards clinicians accept, which they override, and why."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from cds_service.commands.database import opened
from cds_service.settings import Settings
from cds_service.store.journal import CardCount, GivenFeedback

_NOT_ON_RECORD = "cards not on record"
_NO_REASON = "no reason given"


@dataclass(slots=True)
class Group:
    """The cards of one policy version and topic."""

    policy: str | None
    version: str | None
    topic: str
    sent: int = 0
    accepted: int = 0
    overridden: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    comments: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The group with its reasons, the most frequent first."""
        return {
            "policy": self.policy,
            "version": self.version,
            "topic": self.topic,
            "sent": self.sent,
            "accepted": self.accepted,
            "overridden": self.overridden,
            "reasons": [{"reason": reason, "count": n} for reason, n in self.reasons.most_common()],
            "comments": self.comments,
        }


def run(options: argparse.Namespace) -> int:
    """Print the report, as text or JSON."""
    settings = Settings.from_environment()
    since = datetime.combine(options.since, time(), settings.time_zone) if options.since else None
    with opened(settings.database_url) as journal:
        groups = grouped(journal.cards(since), journal.feedback(since), comments=options.comments)
    if options.json:
        sys.stdout.write(json.dumps([each.as_json() for each in groups], indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(in_words(groups))
    return 0


def grouped(cards: Iterable[CardCount], feedback: Iterable[GivenFeedback], *, comments: bool) -> list[Group]:
    """Cards and feedback by policy, version and topic; cards that are not on record come last."""
    groups: dict[tuple[str, str, str], Group] = {}

    def group(policy: str | None, version: str | None, topic: str) -> Group:
        key = (policy or "~", version or "~", topic)
        return groups.setdefault(key, Group(policy, version, topic))

    for count in cards:
        group(count.policy, count.version, count.topic).sent += count.sent
    unknown = Group(None, None, _NOT_ON_RECORD)
    for each in feedback:
        place = unknown if each.topic is None else group(each.policy, each.version, each.topic)
        if each.outcome == "accepted":
            place.accepted += 1
            continue
        place.overridden += 1
        place.reasons[_reason(each)] += 1
        if comments and each.comment:
            place.comments.append(each.comment)
    found = [groups[key] for key in sorted(groups)]
    return [*found, unknown] if unknown.accepted or unknown.overridden else found


def _reason(each: GivenFeedback) -> str:
    code = each.reason_display or each.reason_code
    if code is None:
        return "only in the clinician's words" if each.comment else _NO_REASON
    return f"{code} ({each.reason_system})" if each.reason_system else code


def in_words(groups: Iterable[Group]) -> str:
    """The report for a terminal."""
    lines: list[str] = []
    for each in groups:
        name = " ".join(part for part in (each.policy, each.version) if part)
        lines.append(f"{name or 'no policy'}, {each.topic}")
        silent = each.sent - each.accepted - each.overridden
        sent = f"{each.sent} sent, " if each.sent else ""
        rest = f", {silent} without feedback" if silent > 0 else ""
        lines.append(f"  {sent}{each.accepted} accepted, {each.overridden} overridden{rest}")
        lines += [f"    {count} x {reason}" for reason, count in each.reasons.most_common()]
        lines += [f'    "{" ".join(comment.split())}"' for comment in each.comments]
    return "\n".join(lines or ["no card and no feedback on record"]) + "\n"
