"""Which criteria the golden cases exercise, and in which of the three ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cds_service.decisions.model import CriterionStatus, Determination
from cds_service.policies.model import CriteriaNode, Criterion, PolicyVersion

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
    """The criteria of `versions` not seen met, not met and unknown, in the policies' order."""
    return [
        Gap(version.policy, version.version, statement.id, criterion.name, missing)
        for version in versions
        for statement in version.statements
        for criterion in criteria(statement.criteria)
        if (missing := _missing(found.get((version.policy, version.version, criterion.name), frozenset())))
    ]


def criteria(node: CriteriaNode) -> Iterator[Criterion]:
    """The leaves of a criteria tree, in order, each once."""
    yield from {each.id: each for each in _leaves(node)}.values()


def _leaves(node: CriteriaNode) -> Iterator[Criterion]:
    if isinstance(node, Criterion):
        yield node
    else:
        for child in node.children:
            yield from _leaves(child)


def _missing(statuses: frozenset[CriterionStatus]) -> tuple[CriterionStatus, ...]:
    return tuple(way for way in WAYS if way not in statuses)
