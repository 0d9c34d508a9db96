"""`rules mutate`: a change of the rules that no golden case notices is reported with its place."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.authoring.mutate import ENOUGH, reviewed_equivalents, run_mutate, run_mutations, sample_of
from cds_service.authoring.mutation_bench import MutationBench
from cds_service.authoring.mutations import variants
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.settings import default_rules_directory
from tests.authoring.rule_folder import RULES, VERSION, edit

CASES = f"{VERSION}/cases.yaml"
CQL = f"{VERSION}/criteria.cql"
BOOLEAN = "{urn:hl7-org:elm-types:r1}Boolean"
INTEGER = "{urn:hl7-org:elm-types:r1}Integer"
AGE = 'CalculateAgeInYearsAt(Patient.birthDate.value, OrderFacts."Service date")'

BIRTHDAYS = """\
  - name: On the eighteenth birthday the X-ray counts
    today: 2024-05-02
    order: {drug: growmore, written: 2024-05-01, reason: [{icd10: R62.52}]}
    patient: {birth_date: 2006-05-01}
    expect: {outcome: documentation-needed, criteria: {Is under 18 years of age: not met}}
  - name: On the last day before the eighteenth birthday age is enough
    today: 2024-05-02
    order: {drug: growmore, written: 2024-05-01, reason: [{icd10: R62.52}]}
    patient: {birth_date: 2006-05-02}
    expect: {outcome: covered, criteria: {Is under 18 years of age: met}}
  - name: The first day in force
    today: 2024-01-01
    order: {drug: growmore, written: 2024-01-01}
    expect: {outcome: documentation-needed}
  - name: The day before
    today: 2023-12-31
    order: {drug: growmore, written: 2023-12-31}
    expect: {outcome: not-addressed, not_addressed: NOT_IN_FORCE}
  - name: The last day in force
    today: 2024-12-31
    order: {drug: growmore, written: 2024-12-31}
    expect: {outcome: documentation-needed}
"""


def run(folder: Path, *policies: str, sample: int | None = None) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = run_mutate(folder, list(policies), out, sample=sample)
    return code, out.getvalue().splitlines()


def test_what_no_case_notices_is_listed_with_file_line_definition_and_change() -> None:
    place = f"NOT CAUGHT {CQL}:33: Is under 18 years of age:"
    assert run(RULES) == (
        1,
        [
            f"{place} < becomes <= in: {AGE} < 18",
            f"{place} 18 becomes 19 in: {AGE} < 18",
            f"{place} 18 becomes 17 in: {AGE} < 18",
            f"NOT CAUGHT {VERSION}/policy.yaml: effective: from 2024-01-01 becomes 2024-01-02",
            f"NOT CAUGHT {VERSION}/policy.yaml: effective: from 2024-01-01 becomes 2023-12-31",
            f"NOT CAUGHT {VERSION}/policy.yaml: effective: to 2024-12-31 becomes 2024-12-30",
            "25 of 31 mutations caught (80.6 %); 0 equivalent, reviewed; 0 do not load",
        ],
    )


def test_cases_on_each_side_of_each_boundary_notice_everything(rules: Path) -> None:
    (rules / CASES).write_text((rules / CASES).read_text("utf-8") + BIRTHDAYS, "utf-8")
    assert run(rules, "acme-7") == (
        0,
        ["31 of 31 mutations caught (100.0 %); 0 equivalent, reviewed; 0 do not load"],
    )


def test_a_change_that_a_person_found_to_change_nothing_is_not_counted(rules: Path) -> None:
    listed = (
        f"equivalent:\n  - file: {CQL}\n    definition: Is under 18 years of age\n"
        f"    change: '18 becomes 19 in: {AGE} < 18'\n    reason: Made up.\n"
        f"  - file: {CQL}\n    definition: Still growing\n    change: 18 becomes 99\n    reason: Made up.\n"
    )
    (rules / "equivalent_mutations.yaml").write_text(listed, "utf-8")
    code, lines = run(rules)
    assert code == 1
    assert not [line for line in lines if "18 becomes 19" in line]
    assert lines[-2:] == [
        f"LISTED IN VAIN equivalent_mutations.yaml: {CQL}: Still growing: 18 becomes 99",
        "25 of 30 mutations caught (83.3 %); 1 equivalent, reviewed; 0 do not load",
    ]


def test_a_sample_is_the_same_for_the_same_seed() -> None:
    bench = MutationBench(RuleFolder.open(RULES))
    mutations = list(bench.mutations())
    chosen = [str(each) for each in sample_of(mutations, 5, 1)]
    assert len(chosen) == 5
    assert chosen == [str(each) for each in sample_of(mutations, 5, 1)]
    assert chosen != [str(each) for each in sample_of(mutations, 5, 2)]
    assert sample_of(mutations, 500, 1) == mutations


def test_the_rules_themselves_stay_as_they_are() -> None:
    folder = RuleFolder.open(RULES)
    bench = MutationBench(folder)
    before = folder.catalogue.versions
    run_mutations(bench, bench.mutations(), frozenset())
    assert folder.catalogue.versions == before
    assert bench.unsound() == []


def test_cases_that_do_not_hold_are_an_error(rules: Path) -> None:
    edit(rules, CASES, "months: 12", "months: 6")
    assert run(rules) == (1, ["ERROR 1 golden cases do not hold: run `cds-service rules test` first"])


def test_an_unknown_policy_is_an_error() -> None:
    assert run(RULES, "acme-8") == (1, ["ERROR no policy 'acme-8' here; there are acme-7/2024-01-01"])


def changes(node: dict[str, object]) -> Iterator[str]:
    for _, words in variants(node, lambda part: str(part.get("words", ""))):
        yield words


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            {"type": "And", "words": "a and b", "operand": [{"words": "a"}, {"words": "b"}]},
            ["and becomes or in: a and b", "dropped from and: a", "dropped from and: b"],
        ),
        (
            {"type": "Or", "words": "x", "operand": [{"type": "Or", "words": "a or b"}, {"words": "c"}]},
            ["or becomes and in: x", "dropped from or: c"],
        ),
        (
            {"type": "SameOrBefore", "words": "x"},
            ["on or before becomes before in: x", "on or before becomes after in: x"],
        ),
        ({"type": "And", "operand": [{"words": "a"}, {"words": "b"}]}, []),
        ({"type": "Not", "words": "not a", "operand": {}}, ["without its not: not a"]),
        ({"type": "Exists", "words": "x", "resultTypeName": BOOLEAN}, ["negated: x"]),
        ({"type": "ExpressionRef", "words": "x", "resultTypeName": INTEGER}, []),
        (
            {"type": "Quantity", "words": "40.0 'kg/m2'", "value": 40.0},
            ["40.0 'kg/m2' becomes 40.1", "40.0 'kg/m2' becomes 39.9"],
        ),
        (
            {"type": "Literal", "words": "18", "valueType": INTEGER, "value": "18"},
            ["18 becomes 19", "18 becomes 17"],
        ),
        ({"type": "Literal", "valueType": BOOLEAN, "value": "true"}, ["true becomes false"]),
        (
            {"type": "As", "resultTypeName": BOOLEAN, "operand": {"type": "Null"}},
            ["unknown becomes true", "unknown becomes false"],
        ),
        (
            {"type": "Case", "caseItem": [{"when": {"words": "a"}}, {"when": {"words": "b"}}]},
            ["dropped: when a", "dropped: when b"],
        ),
    ],
)
def test_the_changes_of_an_expression(node: dict[str, object], expected: list[str]) -> None:
    assert list(changes(node)) == expected


def test_the_golden_cases_of_the_shipped_policies_notice_a_sample_of_changes() -> None:
    directory = default_rules_directory()
    bench = MutationBench(RuleFolder.open(directory))
    chosen = sample_of(list(bench.mutations()), 120, 20250601)
    report = run_mutations(bench, chosen, reviewed_equivalents(directory))
    assert report.percent >= ENOUGH, "\n".join(map(str, report.missed))


def test_shared_definitions_that_are_as_shipped_are_left_alone(rules: Path) -> None:
    folder = RuleFolder.open(rules)
    assert any(each.file == CQL for each in MutationBench(folder).mutations())
    assert any(each.file == CQL for each in MutationBench(folder, shipped=rules).mutations())
    assert not any(each.file == CQL for each in MutationBench(folder, shipped=RULES).mutations())
    edit(rules, CQL, "< 18", "< 18 ")
    assert any(each.file == CQL for each in MutationBench(folder, shipped=RULES).mutations())
