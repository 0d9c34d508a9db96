"""Golden cases made ready to be decided many times: under changed rules, or under another version."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from cds_service.authoring.cases import DECLARED, Case, CaseError
from cds_service.authoring.expectations import differences
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.coverage_check import CoverageCheck
from cds_service.coverage_check.member import coverage_of
from cds_service.decisions.model import Determination
from cds_service.fhir.index import ResourceIndex
from cds_service.hooks.errors import RequestError
from cds_service.orders.model import MemberCoverage
from cds_service.policies.catalogue import Catalogue

Addressed = frozenset[tuple[str, str, str]]
"""Policy, version and statement of what the catalogue selects."""


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """A case with its FHIR read once; `addressed` are the statements that the rules as they are select."""

    case: Case
    order: Mapping[str, Any]
    index: ResourceIndex
    coverage: MemberCoverage
    answers: Mapping[str, Any]
    addressed: Addressed

    @property
    def policy(self) -> str:
        """The policy that the case is filed under."""
        return self.case.file.parent.parent.name

    def decide(self, check: CoverageCheck) -> Determination:
        """The decision at noon UTC of the case's day."""
        now = datetime.combine(self.case.today, time(12), UTC)
        _, found = check.determine(self.order, self.index, self.coverage, self.case.today, now, self.answers)
        return found

    def holds(self, check: CoverageCheck) -> bool:
        """Whether everything that the case demands comes out."""
        return not differences(self.case.expect, self.decide(check))


def prepare(folder: RuleFolder, case: Case) -> PreparedCase:
    """Read a case once. Raises CaseError."""
    facts = folder.expand(case)
    index = ResourceIndex.from_prefetch(facts.prefetch, DECLARED)
    index.set_patient("pat-1")
    index.set_encounter("enc-1" if "encounter" in case.facts else None)
    try:
        coverage = coverage_of(facts.order, "order", index, folder.catalogue)
    except RequestError as error:
        raise CaseError(f"{case.file}: case {case.name!r}: {error}") from error
    coverage = coverage._replace(service_excluded=facts.excluded)
    addressed = _addressed(folder.catalogue, folder, case)
    return PreparedCase(case, facts.order, index, coverage, facts.answers, addressed)


def _addressed(catalogue: Catalogue, folder: RuleFolder, case: Case) -> Addressed:
    order, _ = folder.decide(case)
    if order is None:
        return frozenset()
    selection = catalogue.select(order, order.service_date.date)
    return frozenset(
        (version.policy, version.version, statement.id) for version, statement in selection.statements
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Rules that were broken on purpose break decisions; the log need not tell."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
