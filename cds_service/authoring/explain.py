"""`rules explain`: one decision laid out along the policy's own tree, readable in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from cds_service.authoring.cases import Case, CaseError
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.coverage_check.member import coverage_of
from cds_service.coverage_check.scope import orders_in_scope, resource_index
from cds_service.decisions.explain import explain
from cds_service.decisions.model import CriterionResult, CriterionStatus, Determination
from cds_service.decisions.tree import evaluate, leaves
from cds_service.hooks.errors import RequestError
from cds_service.hooks.request import hook_named, parse_hook_request
from cds_service.policies.errors import CatalogueError
from cds_service.policies.model import CriteriaNode, Criterion, PolicyVersion, Statement

_WIDTH = 110
_TRUTH = {True: "met", False: "not met", None: "unknown"}


Results = Mapping[str, CriterionResult] | None


def run_explain(rules_directory: Path, target: str, out: TextIO) -> int:
    """`cds-service rules explain FILE|CASE|POLICY`: a request file, a golden case, or a policy's criteria.

    A case is named by its name or a part of it, a policy by "policy" or "policy/version". Exit code 0 when
    something was explained, else 1 with the reason.
    """
    try:
        folder = RuleFolder.open(rules_directory)
        for line in explained(folder, target):
            out.write(f"{line}\n")
    except (CatalogueError, CaseError, RequestError, LookupError, ValueError) as error:
        out.write(f"ERROR {error}\n")
        return 1
    return 0


def explained(folder: RuleFolder, target: str) -> Iterator[str]:
    """Lines about a policy, a golden case or a request file. Raises what reading them raises."""
    if Path(target).is_file():
        return _request(folder, Path(target))
    versions = [
        each for each in folder.versions() if target in (each.policy, f"{each.policy}/{each.version}")
    ]
    return _policies(versions) if versions else _case(folder, target)


def explain_tree(folder: RuleFolder, determination: Determination) -> Iterator[str]:
    """The decision, then the criteria tree of every statement that took part in it."""
    yield from explain(determination._replace(criteria=())).splitlines()  # the trees below show them
    results = {each.id: each for each in determination.criteria}
    for citation in determination.policies:
        version = folder.catalogue.policy_version(citation.policy, citation.version)
        statements: Sequence[Statement] = version.statements if version else ()
        for statement in statements:
            if statement.id == citation.statement:
                yield ""
                yield f"{citation.number} {citation.title} ({citation.version}), {statement.cite}"
                yield from _statement(statement, results, 1)


def _policies(versions: Sequence[PolicyVersion]) -> Iterator[str]:
    """The criteria of policy versions in words, with nothing evaluated."""
    for version in versions:
        yield version.label
        for statement in version.statements:
            yield ""
            yield f"  {statement.title} [{statement.cite}]"
            yield from _statement(statement, None, 2)


def _statement(statement: Statement, results: Results, depth: int) -> Iterator[str]:
    """What decides whether the statement speaks of the order, where that can be asked; then its criteria."""
    asked = statement.scope is not None and (
        results is None or any(each.id in results for each in leaves(statement.scope))
    )
    if statement.scope is not None and asked:
        yield from _wrapped("Speaks of the order when:", depth)
        yield from _node(statement.scope, results, depth + 1)
        yield from _wrapped("Then covered when:", depth)
    yield from _node(statement.criteria, results, depth + (1 if asked else 0))


def _node(node: CriteriaNode, results: Results, depth: int) -> Iterator[str]:
    if isinstance(node, Criterion):
        yield from _criterion(node, results, depth)
        return
    truth = "" if results is None else f" ({_TRUTH[evaluate(node, _values(results))]})"
    name = f"{node.name}: " if node.name else ""
    cite = f" [{node.cite}]" if node.cite else ""
    yield from _wrapped(f"{name}{node.connective.value.upper()}{truth}{cite}", depth)
    for child in node.children:
        yield from _node(child, results, depth + 1)


def _criterion(criterion: Criterion, results: Results, depth: int) -> Iterator[str]:
    result = results.get(criterion.id) if results else None
    if result is None:
        status = "" if results is None else "[not evaluated] "
        yield from _wrapped(f"{status}{criterion.name} [{criterion.cite}]", depth)
        return
    yield from _wrapped(f"[{result.status.value}] {criterion.name} [{criterion.cite}]", depth)
    if result.value:
        yield from _wrapped(f"value: {result.value}", depth + 2)
    if result.evidence:
        yield from _wrapped(f"evidence: {', '.join(result.evidence)}", depth + 2)
    if result.attested:
        yield from _wrapped("attested: an answer, not the chart", depth + 2)
    if result.why:
        yield from _wrapped(f"why: {result.why}", depth + 2)
    if result.status is CriterionStatus.UNKNOWN and criterion.question:
        yield from _wrapped(f"ask: {criterion.question}", depth + 2)


def _values(results: Mapping[str, CriterionResult]) -> dict[str, bool | None]:
    known = {CriterionStatus.MET: True, CriterionStatus.NOT_MET: False}
    return {name: known.get(result.status) for name, result in results.items()}


def _wrapped(text: str, depth: int) -> list[str]:
    indent = "  " * depth
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "    ")


def _case(folder: RuleFolder, target: str) -> Iterator[str]:
    case = _find_case(folder, target)
    _, determination = folder.decide(case)
    yield f"Case {case.label} (today {case.today})"
    yield from explain_tree(folder, determination)


def _find_case(folder: RuleFolder, target: str) -> Case:
    cases = [case for version in folder.versions() for case in folder.cases(version)]
    named = [case for case in cases if target in (case.name, case.label)]
    found = named or [case for case in cases if target.casefold() in case.label.casefold()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise CaseError(f"neither a file nor a golden case: {target}")
    listed = "".join(f"\n    {case.label}" for case in found[:20])
    raise CaseError(f"{len(found)} golden cases match {target!r}:{listed}")


def _request(folder: RuleFolder, file: Path) -> Iterator[str]:
    """Every order of a hook request; the day of the call is today."""
    body = file.read_bytes()
    request = parse_hook_request(body, hook_named(body))
    index = resource_index(request)
    scope = orders_in_scope(request, index, frozenset())
    now = datetime.now(UTC)
    for number, (path, order) in enumerate(scope.draft_orders):
        coverage = coverage_of(order, path, index, folder.catalogue)
        _, determination = folder.check.determine(order, index, coverage, now.date(), now)
        if number:
            yield ""
        yield from explain_tree(folder, determination)
