"""`rules table`: document section, criterion and golden cases of every policy, as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cds_service.authoring.cases import Case
from cds_service.authoring.exercised import WAYS
from cds_service.authoring.prepared_cases import quiet
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.decisions.model import CriterionStatus, Determination
from cds_service.policies.criteria import leaves
from cds_service.policies.model import PolicyVersion, Statement

_SHOWN = 2
"""Golden cases named per criterion and way; the others are counted."""

_TOP = """\
# The policies on file

Made by `cds-service rules table --write docs/policies.md`; do not edit. For each policy version: where the
document says something, the criterion that says it in the rules, and the golden cases that show it met, not
met and unknown. A case counts where the decision took the criterion into account. The cases stand in
`cql_like_rules/policies/*/*/cases.yaml`; `cds-service rules explain "part of a name"` lays one out.
"""

Decided = tuple[Case, Determination]


def coverage_table(directory: Path) -> str:
    """The whole page. Raises CatalogueError, CaseError."""
    folder = RuleFolder.open(directory)
    decided: list[Decided] = []
    with quiet():
        for version in folder.versions():
            decided += [(case, folder.decide(case)[1]) for case in folder.cases(version)]
    lines = [_TOP]
    for version in folder.versions():
        lines += _version(version, decided)
    return "\n".join(lines).rstrip() + "\n"


def _version(version: PolicyVersion, decided: list[Decided]) -> Iterator[str]:
    yield f"## {version.label}"
    yield ""
    yield f"Document: {version.document}. Rules: `policies/{version.policy}/{version.version}`."
    yield ""
    for statement in version.statements:
        yield from _statement(version, statement, decided)


def _statement(version: PolicyVersion, statement: Statement, decided: list[Decided]) -> Iterator[str]:
    mine = [each for each in decided if _is_by(each[1], version, statement)]
    outcomes: dict[str, int] = {}
    for _, found in mine:
        outcomes[found.outcome.value] = outcomes.get(found.outcome.value, 0) + 1
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    yield f"### {statement.title}"
    yield ""
    yield f"{statement.cite}. Golden cases: {counted or 'none'}."
    yield ""
    yield "| Section | Criterion | Met | Not met | Unknown |"
    yield "| --- | --- | --- | --- | --- |"
    trees = [tree for tree in (statement.scope, statement.criteria) if tree is not None]
    for leaf in {each.name: each for tree in trees for each in leaves(tree)}.values():
        cells = [_cases(mine, leaf.name, way) for way in WAYS]
        yield "| " + " | ".join(_cell(each) for each in (leaf.cite, leaf.name, *cells)) + " |"
    yield ""


def _is_by(found: Determination, version: PolicyVersion, statement: Statement) -> bool:
    wanted = (version.policy, version.version, statement.id)
    return any((each.policy, each.version, each.statement) == wanted for each in found.policies)


def _cases(decided: list[Decided], criterion: str, way: CriterionStatus) -> str:
    """The first cases that show a criterion one way, those that demand it before the others."""
    shown = [
        (case.expect.criteria.get(criterion) != way.value, number, case.name)
        for number, (case, found) in enumerate(decided)
        if any(each.name == criterion and each.status is way for each in found.criteria)
    ]
    names = [name for *_, name in sorted(shown)[:_SHOWN]]
    more = len(shown) - len(names)
    return "; ".join(names) + (f"; {more} more" if more else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or "–"
