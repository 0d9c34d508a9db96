"""The code lists of the rule folder: sourced, used, free of repetition and of contradiction."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[2] / "cql_like_rules"
SETS: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text("utf-8"))
    for path in sorted((RULES / "catalog" / "value_sets").glob("*.yaml"))
}
USED = {
    match
    for path in RULES.rglob("*.cql")
    for match in re.findall(r"https://cds-service\.example/ValueSet/([a-z0-9-]+)", path.read_text("utf-8"))
}
USED |= {
    str(condition["value_set"])
    for path in RULES.rglob("policy.yaml")
    for statement in yaml.safe_load(path.read_text("utf-8"))["statements"]
    for condition in statement.get("conditions_not_covered", ())
    if "value_set" in condition
}

# Lists that one order must not be in at once, because a policy draws opposite conclusions from them.
OPPOSITES = [
    ("acute-pain", "chronic-pain"),
    ("acute-pain", "complex-regional-pain-syndrome"),
    ("adult-growth-hormone-deficiency", "growth-hormone-secretagogue-other-uses"),
    ("supervised-healthcare-setting", "home-setting"),
    ("critical-care-setting", "not-a-critical-care-setting"),
    ("bipolar-disorder", "major-depressive-disorder"),
    ("tilt-table-test", "electrophysiologic-testing"),
    ("intravenous-administration", "other-route"),
    ("psychiatric-disorder", "psychiatric-use-possible"),
    ("psychiatric-disorder", "visit-reason"),
    *(
        (other_use, pain)
        for other_use in (
            "acute-pain",
            "cardiac-arrhythmia",
            "psychiatric-disorder",
            "cancer-or-palliative-care",
        )
        for pain in (
            "chronic-pain",
            "complex-regional-pain-syndrome",
            "neuropathic-pain",
            "fibromyalgia",
            "chronic-headache",
        )
        if (other_use, pain)
        not in (("acute-pain", "chronic-pain"), ("acute-pain", "complex-regional-pain-syndrome"))
    ),
]


def _codes(name: str) -> list[tuple[str, str, bool]]:
    return [(each["system"], each["code"], each.get("prefix", False)) for each in SETS[name]["codes"]]


def _covers(one: tuple[str, str, bool], other: tuple[str, str, bool]) -> bool:
    """Whether everything that `other` stands for is also meant by `one`."""
    same = one[:2] == other[:2] and (one[2] or not other[2])
    return same or (one[2] and one[0] == other[0] and other[1].startswith(one[1]))


@pytest.mark.parametrize("name", SETS)
def test_a_value_set_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    content = SETS[name]
    assert content["id"] == name
    assert content["url"] == f"https://cds-service.example/ValueSet/{name}"
    assert content["title"]
    assert content["source"]
    for code in content["codes"]:
        assert isinstance(code["code"], str), f"{code['code']} must be quoted"
        assert code["display"]


@pytest.mark.parametrize("name", SETS)
def test_codes_of_systems_that_cannot_be_listed_here_have_a_source_each(name: str) -> None:
    codes = [code for code in SETS[name]["codes"] if code["system"] in ("snomed", "cpt")]
    assert [code["code"] for code in codes if not code.get("source")] == []


@pytest.mark.parametrize("name", SETS)
def test_no_code_is_listed_twice_or_below_a_listed_prefix(name: str) -> None:
    codes = _codes(name)
    repeated = [
        (other, one)
        for position, one in enumerate(codes)
        for other in codes[:position] + codes[position + 1 :]
        if _covers(one, other)
    ]
    assert repeated == []


def test_every_list_that_a_rule_names_is_on_file_and_every_list_on_file_is_named() -> None:
    assert set(SETS) == USED


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_lists_with_opposite_meanings_share_no_code(one: str, other: str) -> None:
    shared = [(a, b) for a in _codes(one) for b in _codes(other) if _covers(a, b) or _covers(b, a)]
    assert shared == []


def test_only_icd_10_cm_codes_stand_for_what_is_below_them() -> None:
    """SNOMED CT and CPT codes have no meaningful prefixes."""
    systems = {system for name in SETS for system, _, prefix in _codes(name) if prefix}
    assert systems == {"icd10cm"}
