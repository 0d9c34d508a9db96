"""`rules check`: rules that take silence for a fact, decide nothing, or say two things at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.authoring.build import build_rules
from cds_service.authoring.check import check_folder
from cds_service.authoring.expansions import write_expansions
from tests.authoring.rule_folder import VERSION, edit

CQL = f"{VERSION}/criteria.cql"
POLICY = f"{VERSION}/policy.yaml"
VALUE_SET = "catalog/value_sets/short-stature.yaml"
LEAF = 'define "Growth plates are open":\n  null as Boolean'
TRUE_BY_ABSENCE = (
    f"{CQL}: Growth plates are open: is true by absence (not exists): missing data would count as met; "
    "make it unknown unless the chart says so"
)
FALSE_BY_ABSENCE = (
    f'{CQL}: Growth plates are open: is false by absence (exists alone): use Common."Known if found", '
    "so that a silent chart leaves it unknown"
)


def findings(folder: Path) -> list[str]:
    assert build_rules(folder).errors == ()
    return [str(finding) for finding in check_folder(folder)]


@pytest.mark.parametrize(
    ("logic", "expected"),
    [
        ("not exists [Condition]", [TRUE_BY_ABSENCE]),
        ("if not exists [Condition] then true else null as Boolean", [TRUE_BY_ABSENCE]),
        ("exists [Condition]", [FALSE_BY_ABSENCE]),
        ("exists [Condition] or exists [Observation]", [FALSE_BY_ABSENCE]),
        ('exists "Problems"\ndefine "Problems":\n  [Condition]', [FALSE_BY_ABSENCE]),
        ("if exists [Condition] then true else null as Boolean", []),
        ('not exists OrderFacts."Indication codes"', []),
    ],
)
def test_a_criterion_that_takes_silence_for_a_fact(rules: Path, logic: str, expected: list[str]) -> None:
    edit(rules, CQL, LEAF, f'define "Growth plates are open":\n  {logic}')
    assert findings(rules) == expected


def test_a_criterion_that_changes_nothing(rules: Path) -> None:
    edit(
        rules,
        CQL,
        '"Is under 18 years of age" or "Growth plates are open"',
        '"Is under 18 years of age" or ("Is under 18 years of age" and "Growth plates are open")',
    )
    assert findings(rules) == [
        f"{CQL}: Growth plates are open: changes nothing in growmore, whatever the other criteria are"
    ]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("{amount: 36, unit: tablets, per_hours: 72, cite: Limit}", []),
        (
            "{amount: 30, unit: tablets, per_hours: 72, cite: Limit}",
            ["is 30 tablets here and 36 in 'Growth plates are open'"],
        ),
        (
            "{amount: 36, unit: tablets, per_hours: 24, cite: Limit}",
            ["is per 24 hours here and per 72 in 'Growth plates are open'"],
        ),
    ],
)
def test_a_limit_that_policy_and_criteria_state_differently(
    rules: Path, limit: str, expected: list[str]
) -> None:
    edit(rules, POLICY, "    billing_code: J3490", f"    billing_code: J3490\n    quantity_limit: {limit}")
    logic = "  Abs(36 '{tablets}') <= 36 '{tablets}' and Abs(72 hours) <= 72 hours"
    edit(rules, CQL, LEAF, f'define "Growth plates are open":\n{logic}')
    assert findings(rules) == [f"{POLICY}: growmore.quantity_limit: {each}" for each in expected]


def test_a_code_that_stands_below_a_prefix_of_its_own_list(rules: Path) -> None:
    line = '  - {system: icd10cm, code: "R62.52", display: Short stature (child)}\n'
    edit(rules, VALUE_SET, line, line + '  - {system: icd10cm, code: "E34.39", display: Other}\n')
    assert findings(rules) == [f"{VALUE_SET}: codes: icd10cm E34.39 stands below the prefix E34.3 already"]


def test_a_code_that_is_covered_and_not_covered(rules: Path) -> None:
    (rules / "catalog/value_sets/tall-stature.yaml").write_text(
        "id: tall-stature\ntitle: Tall stature\nurl: https://cds-service.example/ValueSet/tall-stature\n"
        "source: made up for the tests\n"
        'codes:\n  - {system: icd10cm, code: "E34", prefix: true, display: Other endocrine disorders}\n',
        "utf-8",
    )
    edit(
        rules,
        POLICY,
        "cite: Conditions Not Covered}",
        "cite: Conditions Not Covered, value_set: tall-stature}",
    )
    assert write_expansions(rules)
    assert findings(rules) == [
        f"{VALUE_SET}: codes: icd10cm E34.3 is 'Constitutional tall stature' too, "
        "which statement growmore of acme-7/2024-01-01 names as not covered"
    ]


def test_a_case_that_no_client_could_send(rules: Path) -> None:
    edit(rules, f"{VERSION}/cases.yaml", "birth_date: 2012-05-02", 'birth_date: "2012-05-32"')
    (found,) = [str(finding) for finding in check_folder(rules)]
    assert found.startswith(
        f"{VERSION}/cases.yaml: case 'A child with short stature is covered': "
        "no valid FHIR: Patient.birthDate"
    )


def test_an_encounter_without_a_class_says_that_it_is_absent(rules: Path) -> None:
    edit(
        rules,
        f"{VERSION}/cases.yaml",
        "    patient: {birth_date: 2012-05-02}",
        "    encounter: {start: 2024-05-01}\n    patient: {birth_date: 2012-05-02}",
    )
    assert check_folder(rules) == []
