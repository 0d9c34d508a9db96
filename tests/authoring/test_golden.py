"""`rules test`: what does not hold, and what no case shows, are failures that say what differs."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from cds_service.authoring.golden import run_test
from tests.authoring.rule_folder import RULES, VERSION, edit

CASES = f"{VERSION}/cases.yaml"


def run(folder: Path, *policies: str) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = run_test(folder, list(policies), out)
    return code, out.getvalue().splitlines()


def test_all_cases_of_a_sound_folder_hold() -> None:
    assert run(RULES) == (0, ["7 of 7 cases hold; 0 criteria not exercised in every way"])


@pytest.mark.parametrize("named", ["acme-7", "acme-7/2024-01-01", "7"])
def test_policies_can_be_chosen_by_id_version_or_number(named: str) -> None:
    assert run(RULES, named)[0] == 0


def test_an_unknown_policy_is_an_error_that_lists_what_there_is() -> None:
    assert run(RULES, "acme-8") == (1, ["ERROR no policy 'acme-8' here; there are acme-7/2024-01-01"])


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (
            "expect: {outcome: not-covered, criteria: {Ordered for short stature: not met}}",
            "expect: {outcome: covered}",
            "outcome: expected covered, found not-covered",
        ),
        (
            "Is under 18 years of age: met, Growth plates are open: not needed}",
            "Is under 18 years of age: not met}",
            "criterion 'Is under 18 years of age': expected not met, found met",
        ),
        (
            "criteria: {Is under 18 years of age: not met, Growth plates are open: unknown}",
            "criteria: {Is tall: met}",
            "criterion 'Is tall': the decision has no such criterion; it has ['Ordered for short stature', "
            "'Is under 18 years of age', 'Growth plates are open']",
        ),
        (
            "asks: [Growth plates are open]",
            "asks: []",
            "asks: expected [], found ['Growth plates are open']",
        ),
        (
            "asks: [Ordered for short stature, Is under 18 years of age, Growth plates are open]",
            "asks: [Is under 18 years of age, Ordered for short stature, Growth plates are open]",
            "asks: expected ['Is under 18 years of age', 'Ordered for short stature', "
            "'Growth plates are open'], "
            "found ['Ordered for short stature', 'Is under 18 years of age', 'Growth plates are open']",
        ),
        ("months: 12", "months: 6", "limits.months: expected 6, found 12"),
        ("quantity: null", "quantity: 36", "limits.quantity: expected 36, found nothing"),
        ("identified_by: name", "identified_by: nothing", "identified_by: expected nothing, found name"),
        ("version: 2024-01-01", "version: 2023-01-01", "version: expected 2023-01-01, found 2024-01-01"),
        ("NOT_IN_FORCE", "NO_POLICY", "not_addressed: expected NO_POLICY, found NOT_IN_FORCE"),
    ],
)
def test_a_case_that_does_not_hold_says_what_differs(
    rules: Path, old: str, new: str, difference: str
) -> None:
    edit(rules, CASES, old, new)
    code, lines = run(rules)
    assert code == 1
    assert [line for line in lines if line.startswith("FAILED acme-7/2024-01-01: ")] != []
    assert f"    {difference}" in lines


def test_a_reason_that_nobody_gave_is_shown_beside_those_given(rules: Path) -> None:
    edit(rules, CASES, "reason: Any other use of Growmore", "reason: Too expensive")
    code, lines = run(rules)
    assert code == 1
    (told,) = [line for line in lines if line.startswith("    reason: ")]
    assert told.startswith("    reason: expected 'Too expensive' in one of [")
    assert "'Any other use of Growmore is not covered.'" in told


def test_a_criterion_that_no_case_shows_in_one_way_is_a_failure(rules: Path) -> None:
    edit(rules, CASES, "answers: {Growth plates are open: true}", "note: without answers")
    edit(
        rules,
        CASES,
        "expect: {outcome: covered, criteria: {Growth plates are open: met}, identified_by: name}",
        "expect: {outcome: documentation-needed}",
    )
    assert run(rules) == (
        1,
        [
            "NOT EXERCISED acme-7/2024-01-01 growmore: 'Growth plates are open' never met",
            "7 of 7 cases hold; 1 criteria not exercised in every way",
        ],
    )


def test_a_version_without_cases_is_a_failure(rules: Path) -> None:
    (rules / CASES).unlink()
    code, lines = run(rules)
    assert code == 1
    assert lines[0] == "NO CASES acme-7/2024-01-01"
    assert lines[1:4] == [
        f"NOT EXERCISED acme-7/2024-01-01 growmore: {name!r} never met, not met, unknown"
        for name in ("Ordered for short stature", "Is under 18 years of age", "Growth plates are open")
    ]


def test_a_misspelled_key_names_file_case_and_key(rules: Path) -> None:
    edit(rules, CASES, "patient: {birth_date: 2012-05-02}", "patient: {birthdate: 2012-05-02}")
    code, lines = run(rules)
    assert code == 1
    assert lines[0] == (
        f"ERROR {rules / CASES}: case 'A child with short stature is covered': patient: "
        "unknown key 'birthdate'; known are birth_date, gender"
    )


def test_a_drug_nobody_lists_is_an_error_and_the_other_cases_run(rules: Path) -> None:
    edit(rules, CASES, "{text: Growmore 5 mg, written", "{drug: shrinkmore, written")
    code, lines = run(rules)
    assert code == 1
    assert lines[0] == (
        f"ERROR {rules / CASES}: case 'An adult with open growth plates is covered': "
        "order.drug: no product 'shrinkmore' in catalog/drugs.yaml"
    )
    assert lines[-1].startswith("6 of 6 cases hold")


def test_a_folder_that_does_not_load_is_an_error(rules: Path) -> None:
    (rules / "catalog" / "payers.yaml").unlink()
    code, lines = run(rules)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith("ERROR catalog/payers.yaml: ")
