"""`rules diff`: what changed between two versions of a policy, and which golden cases decide differently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from cds_service.authoring.cases import CaseError
from cds_service.authoring.diff_cases import changed_cases
from cds_service.authoring.diff_statements import policy_lines, statement_lines
from cds_service.authoring.elm_texts import ElmTexts
from cds_service.authoring.rule_folder import RuleFolder, UnknownPolicyError
from cds_service.policies.errors import CatalogueError
from cds_service.policies.model import PolicyVersion
from cds_service.policies.value_sets import ValueSet


def run_diff(directory: Path, earlier: str, later: str, out: TextIO) -> int:
    """`cds-service rules diff VERSION VERSION`: exit code 0 when both could be compared, else 1."""
    try:
        folder = RuleFolder.open(directory)
        old, new = _version(folder, earlier), _version(folder, later)
        if old.policy != new.policy:
            raise UnknownPolicyError(f"{earlier} and {later} are versions of two policies")
        for line in difference(folder, old, new):
            out.write(f"{line}\n")
    except (CatalogueError, CaseError, UnknownPolicyError, ValueError) as error:
        out.write(f"ERROR {error}\n")
        return 1
    return 0


def difference(folder: RuleFolder, old: PolicyVersion, new: PolicyVersion) -> Iterator[str]:
    """The report, line by line."""
    texts = ElmTexts(folder.directory)
    yield f"From {old.label}"
    yield f"to   {new.label}"
    yield from _section("Policy", policy_lines(old, new))
    yield from _section("Statements", statement_lines(texts, old, new))
    yield from _section("Value sets", _value_sets(folder, texts, old, new))
    changed, count = changed_cases(folder, old, new)
    yield from _section(f"Golden cases that decide differently, of {count}", changed)


def _section(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield ""
    yield title
    shown = [f"  {line}" for line in lines]
    yield from shown or ["  none"]


def _version(folder: RuleFolder, name: str) -> PolicyVersion:
    found = folder.versions([name])
    if len(found) != 1:
        listed = ", ".join(f"{each.policy}/{each.version}" for each in found)
        raise UnknownPolicyError(f"{name} is not one version but several: {listed}")
    return found[0]


def _value_sets(folder: RuleFolder, texts: ElmTexts, old: PolicyVersion, new: PolicyVersion) -> Iterator[str]:
    """The lists that only one of the versions looks into. Both read the same files, so codes are the same."""
    before, after = _used(folder, texts, old), _used(folder, texts, new)
    for url, value_set in before.items():
        if url not in after:
            yield f"no longer used: {value_set.title} ({_size(value_set)})"
    for url, value_set in after.items():
        if url not in before:
            yield f"newly used: {value_set.title} ({_size(value_set)})"


def _used(folder: RuleFolder, texts: ElmTexts, version: PolicyVersion) -> dict[str, ValueSet]:
    urls: dict[str, None] = {}
    for statement in version.statements:
        roots = [statement.conclusion, *([statement.applies] if statement.applies else [])]
        urls |= dict.fromkeys(texts.value_sets(texts.reached(version.library.name, roots)))
        urls |= dict.fromkeys(each.value_set for each in statement.conditions_not_covered if each.value_set)
    found = ((url, folder.catalogue.value_sets.lookup(url)) for url in urls)
    return {url: value_set for url, value_set in found if value_set is not None}


def _size(value_set: ValueSet) -> str:
    codes = [code for _, code in value_set.codes()]
    shown = ", ".join(codes[:6]) + (", ..." if len(codes) > 6 else "")
    return f"{len(codes)} {'code' if len(codes) == 1 else 'codes'}: {shown}"
