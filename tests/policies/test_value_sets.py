"""Code lists with prefixes, under every spelling of a system."""

from __future__ import annotations

import pytest

from cds_service.fhir.systems import CodeSystem, CodeSystems
from cds_service.policies.value_sets import ValueSet, ValueSets

ICD, SNOMED = "http://hl7.org/fhir/sid/icd-10-cm", "http://snomed.info/sct"
SYSTEMS = CodeSystems(
    [CodeSystem("icd10cm", ICD, ("urn:oid:2.16.840.1.113883.6.90",)), CodeSystem("snomed", SNOMED)]
)
PAIN = ValueSet(
    "pain",
    "Pain",
    "https://cds-service.example/ValueSet/pain",
    "test",
    [(ICD, "G90.5", True), (ICD, "R52", False), (SNOMED, "22253000", False)],
    SYSTEMS,
)


@pytest.mark.parametrize(
    ("code", "system", "expected"),
    [
        ("R52", ICD, True),
        ("r52", ICD, True),
        ("R52", "urn:oid:2.16.840.1.113883.6.90", True),
        ("R52", "https://hl7.org/fhir/sid/icd-10-cm/", True),
        ("G90.5", ICD, True),
        ("G90.521", ICD, True),
        ("G90521", ICD, True),
        ("22253000", SNOMED, True),
        ("R52.1", ICD, False),
        ("R5", ICD, False),
        ("G90", ICD, False),
        ("G90.6", ICD, False),
        ("R52", SNOMED, False),
        ("R52", "http://hl7.org/fhir/sid/icd-10", False),
        ("22253000", ICD, False),
        ("222530001", SNOMED, False),
        ("", ICD, False),
        ("R52", None, True),
        ("G90.511", None, True),
        ("22253000", None, True),
        ("X", None, False),
    ],
)
def test_membership(code: str, system: str | None, expected: bool) -> None:
    assert PAIN.contains(code, system) is expected


def test_what_can_be_listed_is_listed() -> None:
    assert list(PAIN.codes()) == [(ICD, "G90.5"), (ICD, "R52"), (SNOMED, "22253000")]
    assert PAIN.systems == {ICD, SNOMED}


def test_value_sets_are_found_by_url_with_or_without_version() -> None:
    value_sets = ValueSets([PAIN])
    assert value_sets.lookup(PAIN.url) is PAIN
    assert value_sets.lookup(f"{PAIN.url}|2024") is PAIN
    assert value_sets.lookup("https://cds-service.example/ValueSet/other") is None
    assert value_sets.get("pain") is PAIN
