"""The JSON schemas of the catalogue files: the shipped files fit, and a slip of the pen does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import cds_service.policies
from tests.policies.catalogue_folder import RULES

SCHEMAS = Path(cds_service.policies.__file__).with_name("schemas")
FILES = {
    "code_systems": ["catalog/code_systems.yaml"],
    "drugs": [
        "catalog/drugs.yaml",
        *sorted(path.relative_to(RULES).as_posix() for path in RULES.glob("catalog/drugs/*.yaml")),
    ],
    "payers": ["catalog/payers.yaml"],
    "settings": ["catalog/settings.yaml"],
    "unassigned_codes": ["catalog/unassigned_codes.yaml"],
    "policy": sorted(path.relative_to(RULES).as_posix() for path in RULES.glob("policies/*/*/policy.yaml")),
    "value_set": sorted(
        path.relative_to(RULES).as_posix() for path in RULES.glob("catalog/value_sets/*.yaml")
    ),
}
EACH = [pytest.param(kind, name, id=name) for kind, names in FILES.items() for name in names]


def validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def content(name: str) -> Any:
    read = yaml.safe_load((RULES / name).read_text(encoding="utf-8"))
    return json.loads(json.dumps(read, default=str))  # dates as authors write them


def test_every_kind_of_file_has_a_schema() -> None:
    assert {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()} == set(FILES)


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_shipped_files_fit_their_schema(kind: str, name: str) -> None:
    assert [error.message for error in validator(kind).iter_errors(content(name))] == []


@pytest.mark.parametrize(("kind", "name"), EACH)
def test_an_unknown_key_is_a_mistake(kind: str, name: str) -> None:
    misspelt = {**content(name), "statments": []}
    assert not validator(kind).is_valid(misspelt)


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("drugs", "catalog/drugs.yaml", ("products", 0, "codes", 0, "code"), 1746532),
        ("drugs", "catalog/drugs.yaml", ("products", 0, "codes", 0, "kind"), "salt"),
        ("drugs", "catalog/drugs.yaml", ("products", 0, "id"), "Defitelio"),
        ("payers", "catalog/payers.yaml", ("payers", 0, "identifiers", 0, "system"), "*"),
        ("payers", "catalog/payers.yaml", ("payers", 0, "unlisted_drugs"), "covered"),
        ("unassigned_codes", "catalog/unassigned_codes.yaml", ("unassigned_codes", 0, "code"), "j3490"),
        ("value_set", "catalog/value_sets/chronic-pain.yaml", ("codes", 0, "prefix"), "yes"),
        (
            "value_set",
            "catalog/value_sets/chronic-pain.yaml",
            ("codes",),
            [{"system": "snomed", "code": "1", "display": "x", "prefix": True}],
        ),
        ("policy", "policies/cigna-1701/2025-06-01/policy.yaml", ("effective", "from"), "June 2025"),
        (
            "policy",
            "policies/cigna-1701/2025-06-01/policy.yaml",
            ("statements", 0, "unassigned_codes"),
            ["J3490"],
        ),
        (
            "policy",
            "policies/cigna-1701/2025-06-01/policy.yaml",
            ("statements", 0, "authorization_months"),
            0,
        ),
        ("policy", "policies/cigna-1701/2025-06-01/policy.yaml", ("statements",), []),
    ],
)
def test_slips_are_caught(kind: str, name: str, path: tuple[str | int, ...], value: Any) -> None:
    wrong = content(name)
    inner = wrong
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert [list(error.absolute_path)[: len(path)] for error in validator(kind).iter_errors(wrong)] in (
        [list(path)],
        [list(path[:-1])],
    )
