"""Lenient reads of single elements."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from cds_service.fhir import reads
from cds_service.fhir.codes import Coding
from cds_service.fhir.systems import CodeSystem, CodeSystems
from tests.fhir.json_values import json_values

LOINC = "http://loinc.org"
SYSTEMS = CodeSystems([CodeSystem("loinc", LOINC, ("urn:oid:2.16.840.1.113883.6.1",))])
BMI = {"system": LOINC, "code": "39156-5", "display": "Body mass index"}
EXPECTED = (Coding(LOINC, "39156-5", "Body mass index"),)


@pytest.mark.parametrize(
    "value",
    [
        {"coding": [BMI]},
        {"coding": BMI},
        [{"coding": [BMI]}],
        [{"coding": [None, "x", 7, BMI, BMI]}],
        BMI,
        [BMI],
        {"coding": [{**BMI, "system": "urn:oid:2.16.840.1.113883.6.1"}]},
        {"coding": [{**BMI, "system": "https://loinc.org/"}]},
        {"coding": [{**BMI, "system": "http://LOINC.org|2.78"}]},
        {"coding": [{**BMI, "code": " 39156-5 "}]},
    ],
)
def test_codings_in_any_packing(value: Any) -> None:
    assert reads.codings(value, SYSTEMS) == EXPECTED


@pytest.mark.parametrize(
    "value", [None, "BMI", 7, [], {}, [[]], {"coding": []}, {"coding": [{}]}, {"coding": [{"code": ""}]},
              {"coding": [{"code": None}]}, {"coding": [{"code": ["a"]}]}, {"coding": [{"code": "x" * 500}]}]
)  # fmt: skip
def test_no_coding_where_there_is_no_code(value: Any) -> None:
    assert reads.codings(value, SYSTEMS) == ()


def test_codes_that_came_as_numbers_are_read() -> None:
    assert reads.codings({"coding": [{"system": "urn:x", "code": 6130}]}, SYSTEMS) == (
        Coding("urn:x", "6130", None),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"text": "Ketamine"}, ("Ketamine",)),
        (
            {"text": "Ketamine", "coding": [{"display": "ketamine"}, {"display": "Ketamine"}]},
            ("Ketamine", "ketamine"),
        ),
        ("Ketamine", ("Ketamine",)),
        ([{"text": "a"}, "b", None, 7], ("a", "b")),
        ({"text": ["a"]}, ()),
        ({"text": "  "}, ()),
        (None, ()),
    ],
)
def test_texts(value: Any, expected: tuple[str, ...]) -> None:
    assert reads.texts(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("active", ("active",)),
        ({"coding": [{"code": "Resolved"}]}, ("resolved",)),
        ({"coding": {"code": "resolved"}}, ("resolved",)),
        ([{"code": "IMP"}], ("imp",)),
        (None, ()),
        ({"text": "resolved"}, ()),
    ],
)
def test_codes_of_a_code_element_in_any_packing(value: Any, expected: tuple[str, ...]) -> None:
    assert reads.codes(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-06-01", date(2024, 6, 1)),
        ("2024-06-01T23:59:00-05:00", date(2024, 6, 1)),
        (" 2024-06-01 ", date(2024, 6, 1)),
        ("0002-06-01", date(2, 6, 1)),
        ("2024-06", None),
        ("2024", None),
        ("2024-02-30", None),
        ("2024-06-011", None),
        ("Invalid date", None),
        ("20240601", None),
        (20240601, None),
        (None, None),
        (["2024-06-01"], None),
    ],
)
def test_whole_days(value: Any, expected: date | None) -> None:
    assert reads.full_date(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, Decimal(3)),
        (0.1, Decimal("0.1")),
        ("2.50", Decimal("2.50")),
        (-1, Decimal(-1)),
        (True, None),
        ("3 tablets", None),
        (float("nan"), None),
        (float("inf"), None),
        (10**400, None),
        ("1e400", None),
        ("1e-400", None),
        ("9" * 60, None),
        (None, None),
        ([3], None),
    ],
)
def test_numbers_are_exact_and_bounded(value: Any, expected: Decimal | None) -> None:
    assert reads.number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"value": 40, "unit": "kilograms", "system": "http://unitsofmeasure.org", "code": "kg"}, (40, "kg")),
        ({"value": 40, "code": "kg"}, (40, "kg")),
        ({"value": 2, "unit": "tablet", "system": "urn:local", "code": "T1"}, (2, "tablet")),
        ({"value": 2, "system": "urn:local", "code": "T1"}, (2, "T1")),
        ({"value": 2}, (2, None)),
        ({"value": 2, "unit": 7}, (2, None)),
        ({"value": 40, "comparator": "<", "unit": "kg"}, None),
        ({"unit": "kg"}, None),
        ("40 kg", None),
        (None, None),
    ],
)
def test_quantities(value: Any, expected: tuple[Decimal, str | None] | None) -> None:
    assert reads.amount(value) == expected


@given(json_values())
def test_no_value_breaks_a_read(value: Any) -> None:
    assert all(isinstance(coding, Coding) and coding.code for coding in reads.codings(value, SYSTEMS))
    assert all(reads.texts(value))
    assert all(code == code.lower() for code in reads.codes(value))
    assert isinstance(reads.full_date(value), date | None)
    assert isinstance(reads.number(value), Decimal | None)
    assert len(reads.period(value)) == 2
    assert reads.amount(value) is None or isinstance(value, dict)
