"""What a check finds, and which findings people have looked at."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import yaml


class Finding(NamedTuple):
    """One fault: FHIRPath-like path, rule (`cardinality`, `binding`, key of an invariant, ...), words."""

    path: str
    rule: str
    message: str
    profile: str = ""


class Review(NamedTuple):
    """Findings that are no fault of ours; `path` is a regular expression for the path without indexes."""

    profile: str
    path: str
    rule: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is meant; a profile of "" means any."""
        path = re.sub(r"\[\d+\]", "", finding.path)
        of_profile = self.profile in ("", finding.profile.rpartition("/")[2])
        return of_profile and self.rule == finding.rule and re.fullmatch(self.path, path) is not None


@functools.cache
def reviewed() -> tuple[Review, ...]:
    """The reviewed findings of reviewed.yaml."""
    listed = yaml.safe_load((Path(__file__).parent / "reviewed.yaml").read_text("utf-8"))
    return tuple(Review(**each) for each in listed or ())


def unreviewed(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that nobody has looked at yet."""
    return [each for each in findings if not any(review.covers(each) for review in reviewed())]
