"""Checks of the YAML files by themselves: their schemas (a code without source among them) and their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cds_service.policies
from cds_service.authoring.cases import CASES_SCHEMA
from cds_service.authoring.findings import DRUGS, MORE_DRUGS, REVIEWED, Content, Finding
from cds_service.authoring.yaml_files import dotted, schema_errors

_SCHEMAS = Path(cds_service.policies.__file__).with_name("schemas")

SCHEMAS = {
    "catalog/payers.yaml": _SCHEMAS / "payers.schema.json",
    DRUGS: _SCHEMAS / "drugs.schema.json",
    MORE_DRUGS: _SCHEMAS / "drugs.schema.json",
    "catalog/code_systems.yaml": _SCHEMAS / "code_systems.schema.json",
    "catalog/settings.yaml": _SCHEMAS / "settings.schema.json",
    "catalog/unassigned_codes.yaml": _SCHEMAS / "unassigned_codes.schema.json",
    "catalog/value_sets/*.yaml": _SCHEMAS / "value_set.schema.json",
    "policies/*/*/policy.yaml": _SCHEMAS / "policy.schema.json",
    "policies/*/*/cases.yaml": CASES_SCHEMA,
    REVIEWED: Path(__file__).with_name("equivalent_mutations.schema.json"),
}
"""The schema of each kind of file, by the pattern of its path."""

_LISTS = {
    "catalog/payers.yaml": ("payers", "id"),
    "catalog/code_systems.yaml": ("code_systems", "id"),
    "catalog/unassigned_codes.yaml": ("unassigned_codes", "code"),
}


def check_files(content: Content) -> Iterator[Finding]:
    """All findings that need no other file than the one they are in."""
    yield from content.unreadable
    for name, data in content.files.items():
        yield from _schema(name, data)
    yield from _double_ids(content)


def _schema(name: str, data: Any) -> Iterator[Finding]:
    schema = next((path for pattern, path in SCHEMAS.items() if fnmatch(name, pattern)), None)
    if schema is None:
        yield Finding(name, "", "no file of this name belongs in a rule folder")
        return
    for place, sentence in schema_errors(data, schema):
        yield Finding(name, dotted(place), sentence)


def _double_ids(content: Content) -> Iterator[Finding]:
    for name, (key, identity) in _LISTS.items():
        counts = Counter(str(each[identity]) for each in content.entries(name, key) if identity in each)
        for value, count in counts.items():
            if count > 1:
                yield Finding(name, key, f"{value} is listed {count} times")
    for key, identity in (("products", "id"), ("class_codes", "code")):
        yield from _double_drugs(content, key, identity)


def _double_drugs(content: Content, key: str, identity: str) -> Iterator[Finding]:
    """The files of the drug list are one list."""
    counts: Counter[str] = Counter()
    for name in content.drug_files():
        values = [str(each[identity]) for each in content.entries(name, key) if identity in each]
        counts.update(values)
        for value in dict.fromkeys(values):
            if counts[value] > 1:
                yield Finding(name, key, f"{value} is listed {counts[value]} times")
    urls = Counter(str(data.get("url")) for _, data in content.value_sets())
    for name, data in content.value_sets():
        if data.get("id") != Path(name).stem:
            yield Finding(name, "id", f"must be the name of its file, {Path(name).stem}")
        if urls[str(data.get("url"))] > 1:
            yield Finding(name, "url", f"{data.get('url')} is the URL of another value set too")
        codes = Counter(
            (each.get("system"), str(each.get("code"))) for each in content.entries(name, "codes")
        )
        for (system, code), count in codes.items():
            if count > 1:
                yield Finding(name, "codes", f"{system} {code} is listed {count} times")
