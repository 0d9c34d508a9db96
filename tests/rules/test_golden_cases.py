"""Every golden case of the shipped policies: given the facts of the case, the decision it demands."""

from __future__ import annotations

import pytest

from cds_service.authoring.cases import Case, load_cases
from cds_service.authoring.check import check_folder
from cds_service.authoring.golden import run_case, run_golden
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.settings import default_rules_directory

RULES = default_rules_directory()
FILES = sorted(RULES.glob("policies/*/*/cases.yaml"))
CASES = [case for file in FILES for case in load_cases(file)]


@pytest.fixture(scope="module")
def folder() -> RuleFolder:
    return RuleFolder.open(RULES)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])
def test_given_the_case_the_decision_is(case: Case, folder: RuleFolder) -> None:
    assert list(run_case(folder, case).differences) == []


def test_the_cases_exercise_every_criterion_in_every_way(
    folder: RuleFolder,
) -> None:
    report = run_golden(folder)
    assert (report.without_cases, report.gaps, report.errors) == ((), (), ())
    assert len(report.results) == len(CASES) >= 100


def test_nothing_is_wrong_with_the_shipped_rule_folder() -> None:
    assert [str(finding) for finding in check_folder(RULES)] == []
