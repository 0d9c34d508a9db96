"""What people found out about single tests of the suite (reviewed.yaml)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("reviewed.yaml")


@dataclass(frozen=True, slots=True)
class Review:
    """Why a test does not pass: `fault` says whose (suite, translator), `reason` why.

    `contradicted_by` names tests of the suite that cannot pass together with this one, and `value` what the
    engine answers instead; without them the test has to be refused.
    """

    test: str
    fault: str
    reason: str
    contradicted_by: tuple[str, ...] = ()
    value: str = ""


def load_reviews() -> dict[str, Review]:
    """Test id -> review."""
    entries = yaml.safe_load(FILE.read_text("utf-8"))
    reviews = (
        Review(
            entry["test"],
            entry["fault"],
            entry["reason"],
            tuple(entry.get("contradicted_by", ())),
            entry.get("value", ""),
        )
        for entry in entries
    )
    return {review.test: review for review in reviews}
