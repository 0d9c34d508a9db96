"""`rules table`: the page that leads from a section of a document to its criterion and golden cases."""

from __future__ import annotations

from pathlib import Path

from cds_service.authoring.table import coverage_table
from cds_service.cli import main
from cds_service.settings import default_rules_directory
from tests.authoring.rule_folder import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies.md"


def test_each_criterion_stands_with_its_section_and_its_cases() -> None:
    lines = coverage_table(RULES).splitlines()
    assert "## 7 Growth Promoters (effective 2024-01-01)" in lines
    assert "Criteria. Golden cases: 2 covered, 2 documentation-needed, 2 not-covered." in lines
    (row,) = [line for line in lines if "| Growth plates are open |" in line]
    assert row == (
        "| Criteria, 2B | Growth plates are open | An adult with open growth plates is covered | "
        "An adult with closed growth plates is not covered | An adult without an X-ray needs one; "
        "Without reason and birth date everything is asked |"
    )


def test_many_cases_are_counted() -> None:
    (row,) = [line for line in coverage_table(RULES).splitlines() if "| Ordered for short stature |" in line]
    assert "A child with short stature is covered; An adult without an X-ray needs one; 2 more |" in row


def test_the_command_writes_and_checks(tmp_path: Path, rules: Path) -> None:
    page = tmp_path / "policies.md"
    arguments = ["rules", "table", "--directory", str(rules)]
    assert main([*arguments, "--check", str(page)]) == 1
    assert main([*arguments, "--write", str(page)]) == 0
    assert main([*arguments, "--check", str(page)]) == 0


def test_the_page_of_the_shipped_policies_is_current() -> None:
    current = PAGE.read_text("utf-8") == coverage_table(default_rules_directory())
    assert current, "run cds-service rules table --write docs/policies.md"
