"""Which line of business a coverage belongs to; never a guess."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from cds_service.fhir.systems import CodeSystem, CodeSystems
from cds_service.policies.code_systems import load_code_systems
from cds_service.policies.errors import CatalogueError
from cds_service.policies.files import CatalogueFiles, Entry
from cds_service.policies.payers import load_payers
from cds_service.policies.product_lines import line_of_business, load_product_lines
from tests.fhir.json_values import json_objects
from tests.policies.catalogue_folder import RULES

FILES = CatalogueFiles(RULES)
SYSTEMS = load_code_systems(FILES)
PAYERS = load_payers(FILES, SYSTEMS)
SOPT = "https://nahdo.org/sopt"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def line(payer: str = "excellus", /, **coverage: Any) -> str | None:
    """The line of a shipped payer's coverage; `class_` stands for Coverage.class."""
    resource = {key.rstrip("_"): value for key, value in coverage.items()}
    return line_of_business(resource, PAYERS[payer].product_lines, SYSTEMS)


def typed(code: str, system: str = SOPT, **more: Any) -> dict[str, Any]:
    """A Coverage.type with one coding."""
    return {"coding": [{"system": system, "code": code}], **more}


def classed(kind: str, value: str, name: str | None = None) -> list[dict[str, Any]]:
    """A Coverage.class with one entry."""
    return [{"type": {"coding": [{"code": kind}]}, "value": value, "name": name}]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("512", "commercial"),
        ("52", "commercial"),
        ("211", "medicaid"),
        ("111", "medicare"),
        ("391", "fep"),
        ("14", None),  # Medicare and Medicaid at once
        ("6", None),  # Blue Cross/Blue Shield, any line of it
        ("81", None),
    ],
)
def test_the_type_of_a_coverage_names_its_line(code: str, expected: str | None) -> None:
    assert line(type=typed(code)) == expected


@pytest.mark.parametrize("code", ["PPO", "HMO", "POS", "EHCPOL", "MCPOL"])
def test_a_kind_of_plan_that_several_lines_share_names_none(code: str) -> None:
    assert line(type=typed(code, ACT_CODE)) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FEP Blue Standard", "fep"),
        ("Federal Employee Program - Basic Option", "fep"),
        ("Essential Plan 1", "essential-plan"),
        ("Medicaid Managed Care", "medicaid"),
        ("Medicare Blue Choice (HMO)", "medicare"),
        ("Commercial PPO", "commercial"),
        ("Essential Health Plan", None),
        ("Step Up Plan", None),
        ("FEPP", None),
        ("Dual Medicare and Medicaid", None),
    ],
)
def test_names_count_as_whole_words(name: str, expected: str | None) -> None:
    assert line(class_=classed("plan", "1", name)) == expected
    assert line(class_=classed("group", name)) == expected
    assert line(type={"text": name}) == expected


def test_signs_of_two_lines_are_none() -> None:
    assert line(type=typed("512"), class_=classed("plan", "105", "FEP Blue Standard")) is None


def test_signs_that_agree_are_one() -> None:
    assert line(type=typed("391"), class_=classed("plan", "105", "FEP Blue Standard")) == "fep"


def test_a_class_value_counts_for_its_kind_only() -> None:
    value = "example-group-with-own-policy"
    assert line("bcbs-al", class_=classed("group", value)) == "group-policy"
    assert line("bcbs-al", class_=classed("plan", value)) is None


def test_a_payer_without_lines_has_none() -> None:
    assert line("cigna", type=typed("512")) is None


@given(json_objects())
def test_no_coverage_breaks_it(coverage: dict[str, Any]) -> None:
    assert line(type=coverage.get("type"), class_=coverage) in (None, *_ids())


def _ids() -> list[str]:
    return [each.id for each in PAYERS["excellus"].product_lines]


def load(*lines: dict[str, Any]) -> None:
    """Load product lines as payers.yaml would give them."""
    systems = CodeSystems([CodeSystem("sopt", SOPT)])
    load_product_lines(Entry({"product_lines": list(lines)}, "payers.yaml"), systems)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (({"id": "a", "label": "A"}, {"id": "a", "label": "B"}), "a is listed twice"),
        (
            (
                {"id": "a", "label": "A", "match": {"names": ["FEP"]}},
                {"id": "b", "label": "B", "match": {"names": ["fep"]}},
            ),
            "fep belongs to a too",
        ),
        (
            ({"id": "a", "label": "A", "match": {"coverage_types": [{"system": "x12", "codes": ["1"]}]}},),
            "not in catalog/code_systems.yaml",
        ),
    ],
)
def test_lines_that_cannot_be_told_apart_are_refused(lines: Any, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        load(*lines)
