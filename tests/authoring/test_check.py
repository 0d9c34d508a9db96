"""`rules check`: each kind of mistake in a rule folder is found, and named with its place."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from cds_service.authoring.build import build_rules
from cds_service.authoring.check import check_folder, run_check
from tests.authoring.rule_folder import RULES, VERSION, edit

CQL = f"{VERSION}/criteria.cql"
ELM = f"{VERSION}/criteria.elm.json"
POLICY = f"{VERSION}/policy.yaml"
CASES = f"{VERSION}/cases.yaml"
DRUGS = "catalog/drugs.yaml"
PAYERS = "catalog/payers.yaml"
LIBRARY = "Acme7Version20240101"
VALUE_SET = "catalog/value_sets/short-stature.yaml"


def findings(folder: Path) -> list[str]:
    return [str(finding) for finding in check_folder(folder)]


def rebuild(folder: Path) -> None:
    assert build_rules(folder).errors == ()


def test_a_sound_folder_has_no_findings() -> None:
    out = io.StringIO()
    assert run_check(RULES, out) == 0
    assert out.getvalue() == "0 findings\n"


def test_findings_are_printed_one_a_line_and_make_the_command_fail(rules: Path) -> None:
    edit(rules, POLICY, "payer: acme", "payer: other")
    out = io.StringIO()
    assert run_check(rules, out) == 1
    assert out.getvalue() == (f"{POLICY}: payer: no payer 'other' in catalog/payers.yaml\n1 finding\n")


def test_what_is_no_folder_is_a_finding(tmp_path: Path) -> None:
    assert findings(tmp_path / "nothing") == [f"{tmp_path / 'nothing'}: is no folder"]


# ------------------------------------------------------------------------------------------------ schemas


@pytest.mark.parametrize(
    ("file", "old", "new", "finding"),
    [
        (
            POLICY,
            "authorization_months: 12",
            "authorisation_months: 12",
            f"{POLICY}: statements[0]: unknown key 'authorisation_months'; known are ",
        ),
        (POLICY, "title: Growth Promoters\n", "", f"{POLICY}: missing key 'title'"),
        (POLICY, "from: 2024-01-01", "from: yesterday", f"{POLICY}: effective.from: "),
        (CASES, "outcome: not-addressed", "outcome: maybe", f"{CASES}: cases[6].expect.outcome: 'maybe' is "),
        (
            DRUGS,
            ', source: "Acme 7, Drugs"',
            "",
            f"{DRUGS}: products[0].billing_codes[0]: missing key 'source'",
        ),
        (
            DRUGS,
            ", source: made up for the tests",
            "",
            f"{DRUGS}: products[0].codes[0]: missing key 'source'",
        ),
        (VALUE_SET, "source: ICD-10-CM tabular list\n", "", f"{VALUE_SET}: missing key 'source'"),
        (
            "catalog/unassigned_codes.yaml",
            ", source: HCPCS Level II",
            "",
            "catalog/unassigned_codes.yaml: unassigned_codes[0]: missing key 'source'",
        ),
        (
            "catalog/code_systems.yaml",
            "HCPCSReleaseCodeSets, source: CMS",
            "HCPCSReleaseCodeSets",
            "catalog/code_systems.yaml: code_systems[2]: missing key 'source'",
        ),
        (
            "catalog/payers.yaml",
            "    label: Acme Health\n",
            "",
            "catalog/payers.yaml: payers[0]: missing key 'label'",
        ),
    ],
)
def test_a_file_that_breaks_its_schema(rules: Path, file: str, old: str, new: str, finding: str) -> None:
    edit(rules, file, old, new)
    assert [text for text in findings(rules) if text.startswith(finding)] != []


def test_a_file_that_is_no_yaml_names_the_line(rules: Path) -> None:
    edit(rules, POLICY, "payer: acme", "payer: [acme")
    assert [text for text in findings(rules) if text.startswith(f"{POLICY}:")] != []


def test_a_key_that_is_given_twice(rules: Path) -> None:
    edit(rules, POLICY, "payer: acme", "payer: acme\npayer: acme")
    assert f"{POLICY}: the key 'payer' is given twice (line 5)" in findings(rules)


def test_a_file_that_belongs_nowhere(rules: Path) -> None:
    (rules / "catalog" / "druggs.yaml").write_text("products: []\n")
    assert findings(rules) == ["catalog/druggs.yaml: no file of this name belongs in a rule folder"]


# ------------------------------------------------------------------------------- ids and dangling references


def test_an_id_that_is_listed_twice(rules: Path) -> None:
    text = (rules / DRUGS).read_text("utf-8")
    (rules / DRUGS).write_text(text + text.removeprefix("products:\n"), "utf-8")
    assert findings(rules) == [f"{DRUGS}: products: growmore is listed 2 times"]


def test_a_drug_that_is_listed_in_two_files(rules: Path) -> None:
    (rules / "catalog/drugs").mkdir()
    shutil.copy(rules / DRUGS, rules / "catalog/drugs/more.yaml")
    assert findings(rules) == ["catalog/drugs/more.yaml: products: growmore is listed 2 times"]


def test_a_code_that_is_listed_twice_in_a_value_set(rules: Path) -> None:
    line = '  - {system: icd10cm, code: "R62.52", display: Short stature (child)}\n'
    edit(rules, VALUE_SET, line, line + line)
    assert findings(rules) == [f"{VALUE_SET}: codes: icd10cm R62.52 is listed 2 times"]


def test_value_sets_whose_id_or_url_collides(rules: Path) -> None:
    shutil.copy(rules / VALUE_SET, rules / "catalog/value_sets/small.yaml")
    url = "https://cds-service.example/ValueSet/short-stature"
    assert findings(rules) == [
        f"{VALUE_SET}: url: {url} is the URL of another value set too",
        "catalog/value_sets/small.yaml: id: must be the name of its file, small",
        f"catalog/value_sets/small.yaml: url: {url} is the URL of another value set too",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "finding"),
    [
        (
            POLICY,
            "products: [growmore]",
            "products: [growmore, growless]",
            f"{POLICY}: statements[0].products: no product 'growless' in the drug list",
        ),
        (
            POLICY,
            "products: [growmore]",
            "products: [growmore]\n    billing_codes: [J1746]",
            f"{POLICY}: statements[0].billing_codes: J1746 is no assigned code of the drug list",
        ),
        (
            POLICY,
            "products: [growmore]",
            "unassigned_codes: [J3490, J3590]",
            f"{POLICY}: statements[0].unassigned_codes: J3590 is not in catalog/unassigned_codes.yaml",
        ),
        (
            POLICY,
            "cite: Conditions Not Covered}",
            "cite: Conditions Not Covered, value_set: tall-stature}",
            f"{POLICY}: statements[0].conditions_not_covered[0].value_set: "
            "no value set 'tall-stature' in catalog/value_sets",
        ),
        (
            POLICY,
            "conclusion: Growmore is medically necessary",
            "conclusion: Growmore is nice",
            f"{POLICY}: statements[0].conclusion: 'Growmore is nice' is not defined in library {LIBRARY}",
        ),
        (
            POLICY,
            "conclusion: Growmore",
            "applies: Patient is tall\n    conclusion: Growmore",
            f"{POLICY}: statements[0].applies: 'Patient is tall' is not defined in library {LIBRARY}",
        ),
        (
            POLICY,
            "policy: acme-7",
            "policy: acme-8",
            f"{POLICY}: policy: must be the name of its folder, acme-7",
        ),
        (
            VALUE_SET,
            '{system: icd10cm, code: "R62.52"',
            '{system: icd11, code: "R62.52"',
            f"{VALUE_SET}: codes[0].system: no code system 'icd11'",
        ),
        (
            DRUGS,
            "{system: ndc, code",
            "{system: upc, code",
            f"{DRUGS}: products[0].codes[0].system: no code system 'upc'",
        ),
    ],
)
def test_a_name_that_leads_nowhere(rules: Path, file: str, old: str, new: str, finding: str) -> None:
    edit(rules, file, old, new)
    assert finding in findings(rules)


def test_a_value_set_that_only_the_cql_names(rules: Path) -> None:
    (rules / VALUE_SET).unlink()
    url = "https://cds-service.example/ValueSet/short-stature"
    assert f"{CQL}: Short stature: no file in catalog/value_sets has the URL {url}" in findings(rules)


def test_a_library_that_is_missing(rules: Path) -> None:
    (rules / CQL).unlink()
    (rules / ELM).unlink()
    assert f"{POLICY}: library: {ELM} is missing: run `cds-service rules build`" in findings(rules)


# ----------------------------------------------------------------------------------------------- versions


def second_version(rules: Path, start: str, end: str) -> Path:
    folder = rules / "policies/acme-7" / start
    shutil.copytree(rules / VERSION, folder)
    name = folder.relative_to(rules).as_posix()
    period = f"effective: {{from: {start}, to: {end}}}"
    edit(rules, f"{name}/policy.yaml", "effective: {from: 2024-01-01, to: 2024-12-31}", period)
    version = start.replace("-", "")
    edit(rules, f"{name}/criteria.cql", "library Acme7Version20240101", f"library Acme7Version{version}")
    return folder


def test_versions_that_follow_each_other_are_fine(rules: Path) -> None:
    second_version(rules, "2025-01-01", "2025-12-31")
    rebuild(rules)
    assert findings(rules) == []


def test_versions_that_overlap_by_a_day(rules: Path) -> None:
    second_version(rules, "2024-12-31", "2025-12-31")
    rebuild(rules)
    later = "policies/acme-7/2024-12-31/policy.yaml"
    assert findings(rules) == [f"{later}: effective.from: is in force together with {POLICY}"]


def test_two_folders_of_one_version(rules: Path) -> None:
    shutil.copytree(rules / VERSION, rules / "policies/acme-7/2024-02-01")
    found = findings(rules)
    again = "policies/acme-7/2024-02-01/policy.yaml"
    assert f"{again}: effective.from: must be the name of its folder, 2024-02-01" in found
    assert f"{again}: effective.from: is in force together with {POLICY}" in found


def test_a_version_that_ends_before_it_starts(rules: Path) -> None:
    edit(rules, POLICY, "to: 2024-12-31", "to: 2023-12-31")
    assert findings(rules) == [f"{POLICY}: effective.to: is before effective.from"]


def test_a_product_that_two_statements_decide(rules: Path) -> None:
    text = (rules / POLICY).read_text("utf-8")
    statement = text.partition("statements:\n")[2].replace("id: growmore", "id: growmore-again")
    (rules / POLICY).write_text(text + statement, "utf-8")
    assert findings(rules) == [
        f"{POLICY}: statements[1].products: growmore is decided by statement growmore too"
    ]


# -------------------------------------------------------------------------------------------------- rules


def test_a_stale_elm_file(rules: Path) -> None:
    edit(rules, CQL, "< 18", "< 21")
    (found,) = findings(rules)
    assert found.startswith(f"{ELM}: ")
    assert "run `cds-service rules build`" in found


def test_elm_is_stale_when_an_included_library_changed(rules: Path) -> None:
    edit(rules, "common/OrderFacts.cql", "// The facts", "// Facts")
    found = findings(rules)
    assert [text.partition(": ")[0] for text in found] == ["common/OrderFacts.elm.json", ELM]


def test_rules_that_were_never_translated(rules: Path) -> None:
    (rules / ELM).unlink()
    assert findings(rules) == [f"{CQL}: was never translated: run `cds-service rules build`"]


def test_an_elm_file_that_is_no_elm(rules: Path) -> None:
    (rules / ELM).write_text("{}")
    assert findings(rules) == [f"{ELM}: is no ELM library: run `cds-service rules build`"]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            "@cite: Criteria, 2A\n",
            "",
            f"{CQL}: Is under 18 years of age: the criterion has no @cite",
        ),
        (
            "@question: What is the patient's date of birth?\n",
            "",
            f"{CQL}: Is under 18 years of age: the criterion has no @question",
        ),
        (
            "@documentation: The report of the X-ray",
            "@answer: quantity",
            f"{CQL}: Growth plates are open: a question for a quantity needs @unit",
        ),
        (
            "@documentation: The report of the X-ray",
            "@fact: Common.Growth plates",
            f"{CQL}: Growth plates are open: @fact names 'Common.Growth plates', which is not defined",
        ),
        (
            '"Ordered for short stature" and "Still growing"',
            '"Ordered for short stature" and "Is under 18 years of age"',
            f"{CQL}: Growth plates are open: no conclusion of policy.yaml reaches this definition",
        ),
    ],
)
def test_a_criterion_that_nobody_can_read_or_reach(rules: Path, old: str, new: str, finding: str) -> None:
    edit(rules, CQL, old, new)
    rebuild(rules)
    assert finding in findings(rules)


def test_a_conclusion_that_is_a_constant_needs_no_question(rules: Path) -> None:
    edit(
        rules,
        CQL,
        'define "Growmore is medically necessary":\n  "Ordered for short stature" and "Still growing"',
        '/* @cite: Criteria */\ndefine "Growmore is medically necessary":\n  false',
    )
    rebuild(rules)
    assert [text for text in findings(rules) if "Growmore is medically necessary" in text] == []


def test_rules_that_the_engine_refuses(rules: Path) -> None:
    edit(rules, ELM, '"type":"Less"', '"type":"Lesser"')
    (found,) = findings(rules)
    assert found.startswith(f"{ELM}: ")
    assert "Lesser" in found


# -------------------------------------------------------------------------------------------------- cases


def test_a_version_without_golden_cases(rules: Path) -> None:
    (rules / CASES).unlink()
    assert findings(rules) == [f"{CASES}: is missing: a policy version without golden cases is not tested"]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            "answers: {Growth plates are open: true}",
            "answers: {Growth plates are wide: true}",
            "case 'An adult with open growth plates is covered': "
            "answers: no definition 'Growth plates are wide'",
        ),
        (
            "criteria: {Growth plates are open: not met}",
            "criteria: {Is tall: not met}",
            "case 'An adult with closed growth plates is not covered': expect: no criterion 'Is tall'",
        ),
        (
            "{text: Growmore 5 mg, written",
            "{drug: shrinkmore, written",
            "case 'An adult with open growth plates is covered': "
            "order.drug: no product 'shrinkmore' in catalog/drugs.yaml",
        ),
    ],
)
def test_a_case_that_speaks_of_what_is_not_there(rules: Path, old: str, new: str, finding: str) -> None:
    edit(rules, CASES, old, new)
    assert findings(rules) in ([f"{CASES}: {finding}"],)
