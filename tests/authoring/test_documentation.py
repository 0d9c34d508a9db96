"""docs/golden-cases.md names every word that cases.yaml accepts, and its example is a case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from cds_service.authoring.cases import CASES_SCHEMA
from cds_service.authoring.yaml_files import read_yaml, schema_errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "golden-cases.md"


def words(schema: Any) -> Iterator[str]:
    """Every key that the schema allows anywhere."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from words(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from words(value)


def test_every_word_is_explained() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)(?:: true)?`", PAGE.read_text("utf-8")))
    allowed = set(words(json.loads(CASES_SCHEMA.read_text("utf-8"))))
    assert allowed - {"cases"} - named == set()


def test_every_value_of_expect_is_named() -> None:
    text = PAGE.read_text("utf-8")
    expect = json.loads(CASES_SCHEMA.read_text("utf-8"))["$defs"]["expect"]["properties"]
    listed = [*expect["outcome"]["enum"], *expect["not_addressed"]["enum"], *expect["identified_by"]["enum"]]
    assert [value for value in listed if value not in text] == []


def test_the_example_is_a_case(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "cases.yaml"
    file.write_text(example, "utf-8")
    assert len(yaml.safe_load(example)["cases"]) == 1
    assert schema_errors(read_yaml(file), CASES_SCHEMA) == []
