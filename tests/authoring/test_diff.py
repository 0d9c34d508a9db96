"""`rules diff`: what changed between two versions, and which golden cases decide differently."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from cds_service.authoring.build import build_rules
from cds_service.authoring.diff import run_diff
from cds_service.settings import default_rules_directory
from tests.authoring.rule_folder import RULES, VERSION, edit

OLD, NEW = "acme-7/2024-01-01", "acme-7/2025-01-01"
NEXT = "policies/acme-7/2025-01-01"


def run(folder: Path, earlier: str = OLD, later: str = NEW) -> tuple[int, list[str]]:
    out = io.StringIO()
    return run_diff(folder, earlier, later, out), out.getvalue().splitlines()


@pytest.fixture
def two_versions(rules: Path) -> Path:
    """The small folder with a second version that takes a later age, no X-ray and fewer months."""
    shutil.copytree(rules / VERSION, rules / NEXT)
    period = "effective: {from: 2025-01-01, to: 2025-12-31}"
    edit(rules, f"{NEXT}/policy.yaml", "effective: {from: 2024-01-01, to: 2024-12-31}", period)
    edit(rules, f"{NEXT}/policy.yaml", "authorization_months: 12", "authorization_months: 6")
    cql = f"{NEXT}/criteria.cql"
    edit(rules, cql, "library Acme7Version20240101", "library Acme7Version20250101")
    edit(rules, cql, "< 18", "< 21")
    edit(rules, cql, '"Is under 18 years of age" or "Growth plates are open"', '"Is under 18 years of age"')
    edit(rules, cql, "What is the patient's date of birth?", "When was the patient born?")
    text = (rules / cql).read_text("utf-8")
    (rules / cql).write_text(text[: text.index("/*\n@cite: Criteria, 2B")], "utf-8")
    (rules / NEXT / "cases.yaml").write_text(
        "cases:\n"
        "  - name: A person of 19 is covered\n"
        "    today: 2025-05-02\n"
        "    order: {drug: growmore, written: 2025-05-01, reason: [{icd10: R62.52}]}\n"
        "    patient: {birth_date: 2006-01-01}\n"
        "    expect: {outcome: covered}\n",
        "utf-8",
    )
    assert build_rules(rules).errors == ()
    return rules


def test_the_policy_its_statements_and_its_criteria_in_words(two_versions: Path) -> None:
    code, lines = run(two_versions)
    assert code == 0
    age = 'CalculateAgeInYearsAt(Patient.birthDate.value, OrderFacts."Service date")'
    assert lines[: lines.index("Value sets")] == [
        "From 7 Growth Promoters (effective 2024-01-01)",
        "to   7 Growth Promoters (effective 2025-01-01)",
        "",
        "Policy",
        "  in force: from 2024-01-01 to 2024-12-31 -> from 2025-01-01 to 2025-12-31",
        "",
        "Statements",
        "  changed: Growmore (growmorine)",
        "    authorization months: 12 -> 6",
        "    criteria:",
        "      ...",
        "         Ordered for short stature",
        "      -  Still growing: ANY OF",
        "      -    Is under 18 years of age",
        "      -    Growth plates are open",
        "      +  Is under 18 years of age",
        "    Is under 18 years of age, question: What is the patient's date of birth? -> "
        "When was the patient born?",
        "    Is under 18 years of age, logic:",
        f"      was {age} < 18",
        f"      now {age} < 21",
        "",
    ]


def test_the_cases_of_both_versions_are_decided_by_each(two_versions: Path) -> None:
    lines = run(two_versions)[1]
    earlier = f"    {OLD}: "
    assert lines[lines.index("Value sets") :] == [
        "Value sets",
        "  none",
        "",
        "Golden cases that decide differently, of 8",
        "  documentation-needed, other questions (2)",
        f"{earlier}Without reason and birth date everything is asked: asked 'Ordered for short stature', "
        "'Is under 18 years of age', 'Growth plates are open'; "
        "now asks 'Ordered for short stature', 'Is under 18 years of age'",
        f"{earlier}After its last day the policy is not in force: asked 'Is under 18 years of age', "
        "'Growth plates are open'; now asks 'Is under 18 years of age'",
        "  covered, other limits (1)",
        f"{earlier}A child with short stature is covered: until 2025-04-30; now until 2024-10-31",
        "  documentation-needed -> not-covered (1)",
        f"{earlier}An adult without an X-ray needs one",
        "  covered -> not-covered (1)",
        f"{earlier}An adult with open growth plates is covered",
        "  documentation-needed -> covered (1)",
        f"    {NEW}: A person of 19 is covered",
    ]


def test_a_version_does_not_differ_from_itself() -> None:
    code, lines = run(RULES, OLD, OLD)
    assert code == 0
    assert [line for line in lines if line.startswith("  ")] == ["  none"] * 4


def test_only_versions_of_one_policy_can_be_compared(two_versions: Path) -> None:
    assert run(two_versions, OLD, "acme-7") == (
        1,
        ["ERROR acme-7 is not one version but several: acme-7/2024-01-01, acme-7/2025-01-01"],
    )
    assert run(two_versions, OLD, "acme-8/2024-01-01")[0] == 1


def test_the_shipped_versions_of_1701() -> None:
    code, lines = run(default_rules_directory(), "cigna-1701/2024-07-01", "cigna-1701/2025-06-01")
    assert code == 0
    assert "  removed: Macrilen (macimorelin) (decided macrilen)" in lines
    assert "    unassigned codes: - C9399" in lines
    assert "  no longer used: Torsades de pointes (1 code: I47.21)" in lines
    assert "    cigna-1701/2025-06-01: Ketalar on the first day of this version is refused" in "\n".join(
        lines
    )


def test_other_words_and_choices_of_questions_are_told(two_versions: Path) -> None:
    path = two_versions / NEXT / "policy.yaml"
    path.write_text(
        path.read_text("utf-8") + "\nquestions:\n"
        "  - criterion: Ordered for short stature\n"
        "    text: What is Growmore ordered for?\n"
        "    choices:\n"
        "      - {code: short, display: Short stature, means: true}\n"
        "      - {code: other, display: Another reason, means: false}\n",
        "utf-8",
    )
    _, lines = run(two_versions)
    asked = "What is Growmore ordered for?; Short stature (yes); Another reason (no)"
    assert f"  question 'Ordered for short stature': none -> {asked}" in lines
