"""Which criteria the golden cases exercise, and in which of the three ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.cql import CompiledLibrary
from cds_service.decisions.model import CriterionStatus, Determination
from cds_service.policies.criteria import leaves
from cds_service.policies.model import PolicyVersion

WAYS = (CriterionStatus.MET, CriterionStatus.NOT_MET, CriterionStatus.UNKNOWN)

Exercised = Mapping[tuple[str, str, str], frozenset[CriterionStatus]]
"""By policy, version and criterion name: the statuses that cases reached."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A criterion that no case shows in one of the three ways."""

    policy: str
    version: str
    statement: str
    criterion: str
    missing: tuple[CriterionStatus, ...]

    def __str__(self) -> str:
        ways = ", ".join(each.value for each in self.missing)
        return f"{self.policy}/{self.version} {self.statement}: {self.criterion!r} never {ways}"


def exercised(determinations: Iterable[Determination]) -> Exercised:
    """What the decisions of all cases exercised."""
    found: dict[tuple[str, str, str], set[CriterionStatus]] = {}
    for determination in determinations:
        for policy, version in {(each.policy, each.version) for each in determination.policies}:
            for result in determination.criteria:
                found.setdefault((policy, version, result.name), set()).add(result.status)
    return {key: frozenset(value) for key, value in found.items()}


def gaps(versions: Iterable[PolicyVersion], found: Exercised) -> list[Gap]:
    """The criteria of `versions` not seen in all three ways, in the policies' order; constants aside."""
    return [
        Gap(version.policy, version.version, statement.id, criterion.name, missing)
        for version in versions
        for statement in version.statements
        for criterion in {leaf.id: leaf for leaf in leaves(statement.criteria)}.values()
        if not is_constant(version.library, criterion.name)
        and (missing := _missing(found.get((version.policy, version.version, criterion.name), frozenset())))
    ]


def is_constant(library: CompiledLibrary, name: str) -> bool:
    """Whether a definition is a bare true or false: the document's word, with nothing to find out."""
    return library.definitions[name].elm.get("type") == "Literal"


def _missing(statuses: frozenset[CriterionStatus]) -> tuple[CriterionStatus, ...]:
    return tuple(way for way in WAYS if way not in statuses)
