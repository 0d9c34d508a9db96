"""`rules test`: every golden case through the real pipeline, and the criteria that no case exercises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from cds_service.authoring.cases import Case, CaseError
from cds_service.authoring.exercised import Gap, exercised, gaps
from cds_service.authoring.expectations import differences
from cds_service.authoring.rule_folder import RuleFolder, UnknownPolicyError
from cds_service.decisions.model import Determination
from cds_service.policies.errors import CatalogueError


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came out of one case; `differences` is empty when it holds."""

    case: Case
    determination: Determination | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoldenReport:
    """The outcome of a run. `errors` are files or cases that could not be run at all."""

    results: tuple[CaseResult, ...]
    gaps: tuple[Gap, ...]
    without_cases: tuple[str, ...]
    errors: tuple[str, ...] = field(default=())

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        """The cases that do not hold."""
        return tuple(result for result in self.results if result.differences)

    @property
    def ok(self) -> bool:
        """True when every case holds and every criterion is exercised in all three ways."""
        return not (self.failed or self.gaps or self.without_cases or self.errors)


def run_case(folder: RuleFolder, case: Case) -> CaseResult:
    """Decide one case and compare. Raises CaseError when the case itself is wrong."""
    _, determination = folder.decide(case)
    return CaseResult(case, determination, tuple(differences(case.expect, determination)))


def run_golden(folder: RuleFolder, policies: Sequence[str] = ()) -> GoldenReport:
    """Run the cases of the named policies. Raises UnknownPolicyError.

    A case may be decided by another version than the one it is filed under (hand-over dates), so every
    decision counts for the criteria of the version that made it.
    """
    versions = folder.versions(policies)
    results: list[CaseResult] = []
    without: list[str] = []
    errors: list[str] = []
    for version in versions:
        try:
            cases = folder.cases(version)
        except CaseError as error:
            errors.append(str(error))
            continue
        if not cases:
            without.append(f"{version.policy}/{version.version}")
        for case in cases:
            try:
                results.append(run_case(folder, case))
            except CaseError as error:
                errors.append(str(error))
    found = exercised(result.determination for result in results if result.determination)
    return GoldenReport(tuple(results), tuple(gaps(versions, found)), tuple(without), tuple(errors))


def write_report(report: GoldenReport, out: TextIO) -> None:
    """The report for people: failures with their exact differences first, then what is not exercised."""
    for error in report.errors:
        out.write(f"ERROR {error}\n")
    for result in report.failed:
        out.write(f"FAILED {result.case.label}\n")
        for sentence in result.differences:
            out.write(f"    {sentence}\n")
    for name in report.without_cases:
        out.write(f"NO CASES {name}\n")
    for gap in report.gaps:
        out.write(f"NOT EXERCISED {gap}\n")
    held = len(report.results) - len(report.failed)
    out.write(f"{held} of {len(report.results)} cases hold; ")
    out.write(f"{len(report.gaps)} criteria not exercised in every way\n")


def run_test(rules_directory: Path, policies: list[str], out: TextIO) -> int:
    """`cds-service rules test [POLICY ...]`: exit code 0 when everything holds, else 1."""
    try:
        report = run_golden(RuleFolder.open(rules_directory), policies)
    except (CatalogueError, UnknownPolicyError, ValueError) as error:
        out.write(f"ERROR {error}\n")
        return 1
    write_report(report, out)
    return 0 if report.ok else 1
