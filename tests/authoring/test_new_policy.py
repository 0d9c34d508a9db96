"""`rules start` and `rules new`: the skeleton of a policy passes build, check, test and mutate as it is."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest

from cds_service.authoring.build import build_rules
from cds_service.authoring.check import check_folder
from cds_service.authoring.golden import run_golden
from cds_service.authoring.mutate import run_mutate
from cds_service.authoring.new_policy import NewPolicy, run_new, run_start
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.cli import main
from cds_service.settings import default_rules_directory


@pytest.fixture
def own_rules(tmp_path: Path) -> Path:
    """A rule folder as `rules start` makes it."""
    folder = tmp_path / "my-rules"
    assert run_start(folder, default_rules_directory(), io.StringIO()) == 0
    return folder


def new(folder: Path, wanted: NewPolicy) -> tuple[int, list[str]]:
    out = io.StringIO()
    return run_new(folder, wanted, out), out.getvalue().splitlines()


@pytest.mark.parametrize("start", [date(2025, 1, 1), date(2024, 3, 1), None])
def test_the_skeleton_passes_every_command(own_rules: Path, start: date | None) -> None:
    version = str(start or "undated")
    code, lines = new(own_rules, NewPolicy("acme-12", "cigna", start))
    folder = own_rules / "policies" / "acme-12" / version
    assert code == 0
    assert lines[:3] == [
        f"{folder / name}: written" for name in ("policy.yaml", "criteria.cql", "cases.yaml")
    ]
    assert build_rules(own_rules).errors == ()
    assert check_folder(own_rules) == []
    assert run_golden(RuleFolder.open(own_rules)).ok
    assert run_mutate(own_rules, [], io.StringIO()) == 0


def test_a_policy_may_start_on_a_leap_day(own_rules: Path) -> None:
    assert new(own_rules, NewPolicy("acme-12", "cigna", date(2024, 2, 29)))[0] == 0
    assert build_rules(own_rules).errors == ()
    assert run_golden(RuleFolder.open(own_rules)).ok


def test_a_folder_that_has_a_catalogue_is_left_alone(own_rules: Path) -> None:
    out = io.StringIO()
    assert run_start(own_rules, default_rules_directory(), out) == 1
    assert out.getvalue() == f"ERROR {own_rules / 'catalog'} is there already\n"


def test_a_version_that_is_there_is_not_overwritten(own_rules: Path) -> None:
    wanted = NewPolicy("acme-12", "cigna", date(2025, 1, 1))
    new(own_rules, wanted)
    assert new(own_rules, wanted) == (
        1,
        [f"ERROR {own_rules / 'policies/acme-12/2025-01-01'} is there already"],
    )


def test_an_earlier_version_has_to_end_first(own_rules: Path) -> None:
    new(own_rules, NewPolicy("acme-12", "cigna", date(2025, 1, 1)))
    later = NewPolicy("acme-12", "cigna", date(2026, 1, 1))
    policy = own_rules / "policies/acme-12/2025-01-01/policy.yaml"
    assert new(own_rules, later) == (
        1,
        [
            "ERROR policies/acme-12/2025-01-01/policy.yaml is in force at that time; "
            "let it end on 2025-12-31 (effective.to)"
        ],
    )
    policy.write_text(policy.read_text("utf-8").replace("to: null", "to: 2025-12-31"), "utf-8")
    assert new(own_rules, later)[0] == 0
    assert build_rules(own_rules).errors == ()
    assert check_folder(own_rules) == []
    assert run_golden(RuleFolder.open(own_rules)).ok


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (
            NewPolicy("acme-12", "acme", date(2025, 1, 1)),
            "no payer 'acme' in catalog/payers.yaml",
        ),
        (
            NewPolicy("Acme 12", "cigna", date(2025, 1, 1)),
            "'Acme 12': an id has lower-case letters, digits and hyphens",
        ),
        (
            NewPolicy("acme-12", "cigna", date(2025, 1, 1), product="sleepwell"),
            "no product 'sleepwell' in catalog/drugs.yaml: add it there first",
        ),
    ],
)
def test_what_is_not_in_the_catalogue_is_said(own_rules: Path, wanted: NewPolicy, error: str) -> None:
    code, (line,) = new(own_rules, wanted)
    assert code == 1
    assert line.startswith(f"ERROR {error}")


def test_the_command_line_takes_number_title_and_product(own_rules: Path) -> None:
    arguments = ["rules", "new", "acme-12", "--payer", "cigna", "--from", "undated", "--directory"]
    named = ["--number", "12b", "--title", "Bone: Marrow", "--product", "macrilen"]
    assert main([*arguments, str(own_rules), *named]) == 0
    text = (own_rules / "policies/acme-12/undated/policy.yaml").read_text("utf-8")
    assert 'number: "12b"\ntitle: "Bone: Marrow"\n' in text
    assert "products: [macrilen]" in text
