"""Value sets: defined by codes and prefixes, expanded to what a release of the code system lists."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from cds_service.authoring.expansions import has_code_list, prefixes, render_expansions, uncovered
from cds_service.dtr.value_sets import (
    NotExpandableError,
    expand,
    packaged,
    value_set_canonical,
    value_set_resource,
    value_set_version,
)
from cds_service.dtr.versions import DTR_2_0
from cds_service.fhir.systems import CodeSystem, CodeSystems
from cds_service.policies.value_sets import EXPANSIONS, Member, ValueSet, ValueSets
from tests.dtr.shipped import NOW, RULES, Json, catalogue

ROOT = "https://cds-service.example/ValueSet/"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
IDENTITIES = [each.id for each in catalogue().value_sets]


def value_set(identity: str) -> ValueSet:
    found = catalogue().value_sets.get(identity)
    assert found is not None
    return found


def expanded(identity: str, text: str | None = None, offset: int = 0, count: int | None = None) -> Json:
    found = expand(catalogue().value_sets, ROOT + identity, NOW, text, offset, count)
    assert found is not None
    return found


def codes(resource: Json) -> list[str]:
    return [each["code"] for each in resource["expansion"].get("contains", ())]


@pytest.mark.parametrize("identity", IDENTITIES)
def test_every_list_is_a_valid_value_set(identity: str) -> None:
    models = importlib.import_module("fhir.resources.R4B")
    resource = value_set_resource(value_set(identity))
    models.get_fhir_model_class("ValueSet").model_validate(resource)
    assert resource["url"] == ROOT + identity


@pytest.mark.parametrize("identity", IDENTITIES)
def test_the_expansion_holds_what_the_rules_take_for_members(identity: str) -> None:
    list_ = value_set(identity)
    found = {(each["system"], each["code"]) for each in expanded(identity)["expansion"]["contains"]}
    assert found
    for system, code in found:
        assert list_.contains(code, system)
    exact = {(each.system, each.code) for each in list_.members if not each.prefix}
    assert exact <= found


@pytest.mark.parametrize("identity", IDENTITIES)
def test_nothing_the_code_system_lists_below_a_prefix_is_missing(identity: str) -> None:
    listed = json.loads((RULES / EXPANSIONS).read_text("utf-8"))["codes"]
    list_ = value_set(identity)
    found = {each["code"] for each in expanded(identity)["expansion"]["contains"] if each["system"] == ICD}
    assert {code for code in listed if list_.contains(code, ICD)} <= found


def test_a_prefix_is_defined_by_a_filter_and_expanded_to_its_codes() -> None:
    definition = value_set_resource(value_set("heart-block"))["compose"]["include"]
    filtered = [each for each in definition if "filter" in each]
    assert filtered == [
        {"system": ICD, "filter": [{"property": "code", "op": "regex", "value": r"I44\.3.*"}]},
    ]
    assert {"I44.3", "I44.30", "I44.39"} <= set(codes(expanded("heart-block")))


def test_a_definition_says_where_its_codes_come_from() -> None:
    assert "release April 2026" in value_set_resource(value_set("heart-block"))["description"]
    assert "release" not in value_set_resource(value_set("critical-care-setting"))["description"]


def test_other_content_is_another_version() -> None:
    one = value_set("heart-block")
    more = [*one.members, Member(ICD, "I45.6")]
    other = ValueSet(one.id, one.title, one.url, one.source, more, SYSTEMS)
    assert value_set_version(one) != value_set_version(other)
    assert value_set_canonical(one) == f"{one.url}|{value_set_version(one)}"


SYSTEMS = CodeSystems([CodeSystem("icd10cm", ICD)])


@pytest.mark.requirement("dtr-2.2.0@oper-5")
def test_expansion_is_as_of_now() -> None:
    assert expanded("heart-block")["expansion"]["timestamp"] == "2026-03-14T15:09:26+00:00"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("i44.1", ["I44.1"]),
        ("ATRIOVENTRICULAR second", ["I44.1"]),
        ("nothing of the kind", []),
    ],
)
def test_a_filter_looks_at_code_and_words(text: str, found: list[str]) -> None:
    resource = expanded("heart-block", text)
    assert codes(resource) == found
    assert resource["expansion"]["total"] == len(found)


def test_pages_of_an_expansion_tell_the_whole_number() -> None:
    every = codes(expanded("psychiatric-disorder"))
    page = expanded("psychiatric-disorder", offset=10, count=5)
    assert codes(page) == every[10:15]
    assert (page["expansion"]["total"], page["expansion"]["offset"]) == (len(every), 10)


def test_a_version_that_is_not_on_file_is_not_expanded() -> None:
    known = value_set_canonical(value_set("heart-block"))
    assert expand(catalogue().value_sets, known, NOW) is not None
    assert expand(catalogue().value_sets, f"{ROOT}heart-block|0", NOW) is None
    assert expand(catalogue().value_sets, f"{ROOT}nothing", NOW) is None


def test_a_prefix_that_nobody_expanded_is_never_half_an_expansion() -> None:
    """A foreign engine would take an incomplete list for the whole, and answer wrongly."""
    members = [Member(ICD, "E66", True), Member(ICD, "Z68.41")]
    unknown = ValueSet("obesity", "Obesity", ROOT + "obesity", "-", members, SYSTEMS)
    assert "expansion" not in packaged(unknown, DTR_2_0, NOW)
    with pytest.raises(NotExpandableError, match="obesity"):
        expand(ValueSets([unknown]), unknown.url, NOW)


# ----------------------------------------------------------------------------------------- kept up to date


def test_the_expansions_on_file_cover_every_prefix() -> None:
    assert uncovered(RULES) == []


@pytest.mark.skipif(not has_code_list(), reason="the package simple-icd-10-cm is not installed")
def test_the_expansions_on_file_are_what_the_code_list_says() -> None:
    on_file = (RULES / EXPANSIONS).read_text("utf-8")
    assert render_expansions(prefixes(RULES)) == on_file, "run `cds-service rules build`"


def test_a_new_prefix_has_to_be_expanded(tmp_path: Path) -> None:
    folder = tmp_path / "catalog" / "value_sets"
    folder.mkdir(parents=True)
    (folder / "x.yaml").write_text(
        'codes:\n  - {system: icd10cm, code: "E66", prefix: true, display: Obesity}\n', "utf-8"
    )
    assert uncovered(tmp_path) == ["E66"]
