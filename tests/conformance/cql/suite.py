"""Reading the public CQL test suite (cqframework/cql-tests: XML files of expression and expected output)."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
_NAMESPACE = "{http://hl7.org/fhirpath/tests}"

# Files in which the issue asks for 95 %; the others count into the 85 % of all.
CORE_FILES = (
    "CqlAggregateFunctionsTest",
    "CqlAggregateTest",
    "CqlArithmeticFunctionsTest",
    "CqlComparisonOperatorsTest",
    "CqlConditionalOperatorsTest",
    "CqlDateTimeOperatorsTest",
    "CqlIntervalOperatorsTest",
    "CqlListOperatorsTest",
    "CqlLogicalOperatorsTest",
    "CqlNullologicalOperatorsTest",
    "CqlQueryTests",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One test of the suite; `output` is a CQL expression, None when the expression must fail."""

    file: str
    group: str
    name: str
    expression: str
    output: str | None
    invalid: bool

    @property
    def id(self) -> str:
        """File, group and name, as the suite spells them."""
        return f"{self.file}/{self.group}/{self.name}"


def suite_directory() -> Path:
    """Where the suite is looked for: CQL_TESTS_DIR, else `shared/cql-tests` beside the repository."""
    return Path(os.environ.get("CQL_TESTS_DIR") or REPOSITORY.parent / "shared" / "cql-tests")


def is_available() -> bool:
    """Whether the suite is on this machine."""
    return (suite_directory() / "cql").is_dir()


def load_cases() -> tuple[Case, ...]:
    """All tests of all files, in the suite's own order; equal names in one group get a number."""
    cases = []
    for path in sorted((suite_directory() / "cql").glob("*.xml")):
        cases.extend(_cases_of(path))
    return tuple(cases)


def _cases_of(path: Path) -> list[Case]:
    cases: list[Case] = []
    seen: dict[tuple[str, str], int] = {}
    for group in ET.parse(path).getroot().iter(f"{_NAMESPACE}group"):
        group_name = group.get("name", "")
        for test in group.iter(f"{_NAMESPACE}test"):
            name = test.get("name", "")
            seen[group_name, name] = seen.get((group_name, name), 0) + 1
            if seen[group_name, name] > 1:
                name = f"{name} ({seen[group_name, name]})"
            expression = test.find(f"{_NAMESPACE}expression")
            assert expression is not None, f"{path.name}: {name} has no expression"
            output = test.find(f"{_NAMESPACE}output")
            invalid = expression.get("invalid", "false") != "false"
            cases.append(
                Case(
                    path.stem,
                    group_name,
                    name,
                    (expression.text or "").strip(),
                    None if output is None else (output.text or "").strip(),
                    invalid or output is None,
                )
            )
    return cases
