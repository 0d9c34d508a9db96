"""The decision of one statement, before several are merged."""

from __future__ import annotations

from typing import NamedTuple

from cds_service.decisions.model import CriterionResult, Outcome, PolicyCitation, Reason, SiteAdvice
from cds_service.policies.model import PolicyVersion, QuantityLimit, Statement


class Finding(NamedTuple):
    """The decision of one statement, before several are merged."""

    version: PolicyVersion
    statement: Statement
    outcome: Outcome
    reasons: tuple[Reason, ...]
    criteria: tuple[CriterionResult, ...] = ()
    asks: tuple[CriterionResult, ...] = ()
    notes: tuple[str, ...] = ()
    limit: QuantityLimit | None = None  # where the answer depends on it
    technical_code: str | None = None
    site: SiteAdvice | None = None

    @property
    def citation(self) -> PolicyCitation:
        """The statement as the answer names it."""
        version, statement = self.version, self.statement
        return PolicyCitation(
            policy=version.policy,
            number=version.number,
            version=version.version,
            title=version.title,
            statement=statement.id,
            cite=statement.cite,
            outcome=self.outcome,
        )
