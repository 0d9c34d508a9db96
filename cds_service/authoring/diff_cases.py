"""The golden cases of two versions, decided by each as if it were always in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from cds_service.authoring.prepared_cases import PreparedCase, prepare, quiet
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.coverage_check import CoverageCheck
from cds_service.decisions.model import Determination
from cds_service.policies.model import PolicyVersion


def changed_cases(folder: RuleFolder, old: PolicyVersion, new: PolicyVersion) -> tuple[list[str], int]:
    """Lines about the cases that decide differently, by what becomes of them, and how many were tried.

    Raises CaseError.
    """
    cases = [prepare(folder, case) for version in (old, new) for case in folder.cases(version)]
    before, after = _always(folder, old), _always(folder, new)
    groups: dict[str, list[str]] = {}
    with quiet():
        for case in cases:
            for change, detail in _change(case, before, after):
                groups.setdefault(change, []).append(f"  {case.case.label}{detail}")
    lines: list[str] = []
    for change, names in sorted(groups.items(), key=lambda item: -len(item[1])):
        lines += [f"{change} ({len(names)})", *names]
    return lines, len(cases)


def _always(folder: RuleFolder, version: PolicyVersion) -> CoverageCheck:
    """The folder's rules with this version alone of its policy, on every day."""
    others = [each for each in folder.catalogue.versions if each.policy != version.policy]
    timeless = replace(version, effective_from=date.min, effective_to=None)
    return CoverageCheck(folder.catalogue.what_if([*others, timeless]))


def _change(case: PreparedCase, before: CoverageCheck, after: CoverageCheck) -> Iterator[tuple[str, str]]:
    old, new = case.decide(before), case.decide(after)
    if old.outcome is not new.outcome:
        asks = f": asks {_asks(new)}" if new.asks else ""
        yield f"{old.outcome.value} -> {new.outcome.value}", asks
    elif _asks(old) != _asks(new):
        yield f"{new.outcome.value}, other questions", f": asked {_asks(old)}; now asks {_asks(new)}"
    elif _limits(old) != _limits(new):
        yield f"{new.outcome.value}, other limits", f": {_limits(old)}; now {_limits(new)}"


def _asks(found: Determination) -> str:
    return ", ".join(repr(each.name) for each in found.asks) or "nothing"


def _limits(found: Determination) -> str:
    quantity = found.allowed_quantity
    amount = f"{quantity.amount} {quantity.unit} per {quantity.per_hours} hours, " if quantity else ""
    return f"{amount}until {found.allowed_to}" if found.allowed_to else amount or "no limits"
