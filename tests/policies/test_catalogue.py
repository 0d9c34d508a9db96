"""A whole catalogue: what loads, what is refused, and how the refusal says where to look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cds_service.policies.catalogue import Catalogue, CatalogueError
from cds_service.policies.criteria import leaves
from tests.policies.catalogue_folder import RULES, copy_of_rules, edit

NEW = "policies/cigna-1701/2025-06-01"
OLD = "policies/cigna-1701/2024-07-01"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(RULES)


def test_the_shipped_catalogue_holds_both_versions_of_1701(catalogue: Catalogue) -> None:
    found = [(each.policy, each.version) for each in catalogue.versions if each.number == "1701"]
    assert found == [("cigna-1701", "2024-07-01"), ("cigna-1701", "2025-06-01")]
    newest = catalogue.policy_version("cigna-1701", "2025-06-01")
    assert newest is not None
    assert (newest.policy, newest.version) == found[1]
    assert catalogue.policy_version("cigna-1701", "2023-01-01") is None


def test_every_criterion_says_where_it_stands_in_the_document(catalogue: Catalogue) -> None:
    for version in catalogue.versions:
        for statement in version.statements:
            assert [leaf.name for leaf in leaves(statement.criteria) if not leaf.cite] == []


def test_every_value_set_that_rules_use_is_on_file(catalogue: Catalogue) -> None:
    libraries = [version.library for version in catalogue.versions]
    libraries += [included for library in libraries for included in library.includes.values()]
    used = {url for library in libraries for url in library.value_sets.values()}
    assert used
    assert [url for url in used if catalogue.value_sets.lookup(url) is None] == []


def test_equal_files_are_an_equal_version_and_any_change_is_another(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    rules = copy_of_rules(tmp_path)
    assert Catalogue.load(rules).version == catalogue.version
    edit(rules, "catalog/payers.yaml", lambda content: content["payers"][0].update(label="Cigna!"))
    assert Catalogue.load(rules).version != catalogue.version


def _at(*path: str | int) -> Callable[[Any], Any]:
    def walk(content: Any) -> Any:
        for step in path:
            content = content[step]
        return content

    return walk


@pytest.mark.parametrize(
    ("file", "where", "change", "key", "words"),
    [
        (f"{NEW}/policy.yaml", _at(), {"payer": "nobody"}, "payer", "nobody is not in catalog/payers.yaml"),
        (f"{NEW}/policy.yaml", _at(), {"policy": "other"}, "policy", "name of its folder"),
        (f"{NEW}/policy.yaml", _at(), {"title": None}, "title", "is missing"),
        (f"{NEW}/policy.yaml", _at(), {"number": 1701}, "number", "must be a text (in quotes)"),
        (f"{NEW}/policy.yaml", _at(), {"statements": []}, "statements", "is empty"),
        (f"{NEW}/policy.yaml", _at(), {"statements": {}}, "statements", "must be a list"),
        (f"{NEW}/policy.yaml", _at(), {"library": "Other"}, "library", "must be Cigna1701"),
        (
            f"{NEW}/policy.yaml",
            _at("effective"),
            {"from": "2025-07-01"},
            "effective.from",
            "name of its folder",
        ),
        (f"{NEW}/policy.yaml", _at("effective"), {"from": "June"}, "effective.from", "must be a date"),
        (f"{NEW}/policy.yaml", _at("effective"), {"to": "2025-01-01"}, "effective.to", "before `from`"),
        (
            f"{OLD}/policy.yaml",
            _at("effective"),
            {"to": None},
            "effective",
            "overlaps the version of 2024-07-01",
        ),
        (f"{OLD}/policy.yaml", _at("effective"), {"to": "2025-06-01"}, "effective", "overlaps"),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 0),
            {"products": ["xyz"]},
            "statements[0].products",
            "xyz is not in",
        ),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 0),
            {"products": []},
            "statements[0].products",
            "name products",
        ),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 0),
            {"billing_codes": ["J0001"]},
            "statements[0].billing_codes",
            "J0001 is not in the drug list",
        ),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 0),
            {"billing_codes": ["J3490"]},
            "statements[0].billing_codes",
            "unassigned ones name no drug",
        ),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 2),
            {"billing_codes": ["J1745"]},
            "statements[2].billing_codes",
            "beside products",
        ),
        (
            "catalog/drugs/oncology.yaml",
            _at("products", 0),
            {"id": "defitelio"},
            "products[0].id",
            "listed twice",
        ),
        (
            "catalog/drugs/rare-diseases.yaml",
            _at("class_codes", 0),
            {"code": "J9305"},
            "class_codes[0].code",
            "J9305 is listed twice",
        ),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 0),
            {"conclusion": "X"},
            "statements[0].conclusion",
            "not defined",
        ),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 0),
            {"applies": "X"},
            "statements[0].applies",
            "not defined",
        ),
        (f"{NEW}/policy.yaml", _at("statements", 0), {"id": "ketalar"}, "statements", "in both"),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 0),
            {"authorization_months": 0},
            "statements[0].authorization_months",
            "whole number above zero",
        ),
        (
            f"{NEW}/policy.yaml",
            _at("statements", 1, "conditions_not_covered", 0),
            {"value_set": "nope"},
            "statements[1].conditions_not_covered[0].value_set",
            "nope.yaml does not exist",
        ),
        ("catalog/payers.yaml", _at("payers", 0), {"label": ""}, "payers[0].label", "is missing"),
        (
            "catalog/payers.yaml",
            _at("payers", 0),
            {"unlisted_drugs": "x"},
            "payers[0].unlisted_drugs",
            "must be one of",
        ),
        ("catalog/drugs.yaml", _at("products", 1), {"id": "defitelio"}, "products[1].id", "listed twice"),
        (
            "catalog/drugs.yaml",
            _at("products", 1),
            {"names": ["Defitelio"]},
            "products[1].codes",
            "stands for defitelio",
        ),
        (
            "catalog/drugs.yaml",
            _at("products", 0),
            {"not_names": ["Defitelio"]},
            "products[0].not_names",
            "product itself",
        ),
        (
            "catalog/drugs.yaml",
            _at("products", 0, "codes", 0),
            {"system": "x"},
            "products[0].codes[0].system",
            "'x' is not in",
        ),
        (
            "catalog/drugs.yaml",
            _at("products", 0, "codes", 0),
            {"code": 1746532},
            "products[0].codes[0].code",
            "in quotes",
        ),
        (
            "catalog/code_systems.yaml",
            _at("code_systems", 1),
            {"id": "rxnorm"},
            "code_systems[1].id",
            "listed twice",
        ),
        (
            "catalog/settings.yaml",
            _at("order_category"),
            {"outpatient": ["inpatient"]},
            "order_category.outpatient",
            "inpatient too",
        ),
        ("catalog/value_sets/chronic-pain.yaml", _at(), {"id": "pain"}, "id", "name of its file"),
        ("catalog/value_sets/chronic-pain.yaml", _at(), {"codes": []}, "codes", "lists no code"),
        (
            "catalog/value_sets/chronic-pain.yaml",
            _at("codes", 0),
            {"system": "icd9"},
            "codes[0].system",
            "'icd9' is not in",
        ),
    ],
)
def test_a_mistake_is_refused_by_file_and_key(
    tmp_path: Path, file: str, where: Callable[[Any], Any], change: dict[str, Any], key: str, words: str
) -> None:
    rules = copy_of_rules(tmp_path)
    edit(rules, file, lambda content: where(content).update(change))
    with pytest.raises(CatalogueError) as error:
        Catalogue.load(rules)
    blamed = NEW if "overlaps" in words else file
    assert error.value.file.startswith(blamed)
    assert error.value.key == key
    assert words in error.value.message
    assert str(error.value) == f"{error.value.file}: {key}: {error.value.message}"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("catalog/payers.yaml", "payers: [", "is no YAML"),
        ("catalog/payers.yaml", "- a", "must be a mapping"),
        ("catalog/payers.yaml", None, "cannot be read"),
        ("common/Common.elm.json", "{", "is no JSON"),
        ("common/Common.elm.json", "{}", "is no ELM library"),
        ("common/Common.elm.json", None, "never translated"),
        (f"{NEW}/criteria.cql", None, "has no CQL file beside it"),
    ],
)
def test_broken_and_missing_files_are_named(
    tmp_path: Path, file: str, content: str | None, words: str
) -> None:
    rules = copy_of_rules(tmp_path)
    if content is None:
        (rules / file).unlink()
    else:
        (rules / file).write_text(content, encoding="utf-8")
    with pytest.raises(CatalogueError, match=words) as error:
        Catalogue.load(rules)
    assert error.value.file.startswith(file.partition(".")[0])


@pytest.mark.parametrize("source", [f"{NEW}/criteria.cql", "common/Common.cql", "common/OrderFacts.cql"])
def test_rules_that_are_newer_than_their_translation_are_refused(tmp_path: Path, source: str) -> None:
    rules = copy_of_rules(tmp_path)
    with (rules / source).open("a", encoding="utf-8") as file:
        file.write('\ndefine "Something new": true\n')
    with pytest.raises(CatalogueError, match="rules build"):
        Catalogue.load(rules)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="is no folder"):
        Catalogue.load(tmp_path / "nowhere")
