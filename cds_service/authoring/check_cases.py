"""Checks of the golden cases against the rules they are about: names that nothing bears."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.authoring.cases import Case, CaseError
from cds_service.authoring.check_rules import names_of
from cds_service.authoring.findings import Finding
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.policies.criteria import leaves
from cds_service.policies.model import PolicyVersion


def check_cases(folder: RuleFolder) -> Iterator[Finding]:
    """All findings about cases of a folder that loads."""
    for version in folder.versions():
        file = folder.cases_file(version)
        name = file.relative_to(folder.directory).as_posix()
        if not file.exists():
            yield Finding(name, "", "is missing: a policy version without golden cases is not tested")
            continue
        try:
            cases = folder.cases(version)
        except CaseError as error:
            yield Finding(name, "", str(error).removeprefix(f"{file}: "))
            continue
        siblings = [each for each in folder.catalogue.versions if each.policy == version.policy]
        for case in cases:
            try:
                folder.expand(case)
            except CaseError as error:
                yield Finding(name, "", str(error).removeprefix(f"{file}: "))
            yield from _names(name, case, siblings)


def _names(name: str, case: Case, versions: list[PolicyVersion]) -> Iterator[Finding]:
    """A case speaks of definitions and criteria of its policy; hand-over cases may mean a sibling's."""
    definitions = {each for version in versions for each in names_of(version.library)}
    criteria = {
        leaf.name
        for version in versions
        for statement in version.statements
        for tree in (statement.criteria, statement.scope)
        if tree is not None
        for leaf in leaves(tree)
    }
    for answer in case.facts.get("answers", {}):
        if answer not in definitions:
            yield Finding(name, f"case {case.name!r}", f"answers: no definition {answer!r}")
    for criterion in (*case.expect.criteria, *(case.expect.asks or ())):
        if criterion not in criteria:
            yield Finding(name, f"case {case.name!r}", f"expect: no criterion {criterion!r}")
