"""One enrolment of a member in a plan, as the table of members holds it. No database library is needed."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

MemberKey = tuple[str, str]
"""Payer (id of the catalogue) and member id, written as `member_number` does."""

LONGEST_MEMBER_ID = 128


class Enrolment(NamedTuple):
    """A member in a plan from a first to a last day, both included; `effective_to` None: no end is known.

    `exclusions` are what the plan does not pay for: ids of products, and HCPCS or CPT codes.
    `line_of_business` is the id of one of the payer's product lines, None when the table does not say.
    """

    payer: str
    member_id: str
    name: str
    birth_date: date
    plan: str
    line_of_business: str | None
    effective_from: date
    effective_to: date | None
    exclusions: tuple[str, ...] = ()

    def runs_on(self, day: date) -> bool:
        """Whether the member is covered on a day."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


def member_number(text: str) -> str:
    """A member id for comparison: no white space, capital letters."""
    return "".join(text.split()).upper()
