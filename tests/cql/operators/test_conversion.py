"""Conversion between types: a value, or null for what cannot be converted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.cql.operators import OPERATORS
from cds_service.cql.values import Code, Concept, Date, DateTime, Interval, Long, Quantity, Ratio, Time

D = Decimal
CODE = Code("8480-6", "http://loinc.org", display="Systolic")


def q(number: str, unit: str = "1") -> Quantity:
    return Quantity(D(number), unit)


CASES: dict[str, tuple[str, Any, Any]] = {
    "'NO' to Boolean": ("ToBoolean", "NO", False),
    "'t' to Boolean": ("ToBoolean", "t", True),
    "'maybe' to Boolean": ("ToBoolean", "maybe", None),
    "1 to Boolean": ("ToBoolean", 1, True),
    "2 to Boolean": ("ToBoolean", 2, None),
    "'-25' to Integer": ("ToInteger", "-25", -25),
    "'2147483648' to Integer": ("ToInteger", "2147483648", None),
    "'foo' to Integer": ("ToInteger", "foo", None),
    "true to Integer": ("ToInteger", True, 1),
    "a Long to Integer": ("ToInteger", Long(5), 5),
    "'5' to Long": ("ToLong", "5", Long(5)),
    "5 to Long": ("ToLong", 5, Long(5)),
    "'+25.5' to Decimal": ("ToDecimal", "+25.5", D("25.5")),
    "'1e5' to Decimal": ("ToDecimal", "1e5", None),
    "5 to Decimal": ("ToDecimal", 5, D(5)),
    "a JSON number to Decimal": ("ToDecimal", 0.1, D("0.1")),
    "18.55 to String": ("ToString", D("18.55"), "18.55"),
    "0.00000001 to String has no exponent": ("ToString", D("0.00000001"), "0.00000001"),
    "true to String": ("ToString", True, "true"),
    "-5 to String": ("ToString", -5, "-5"),
    "5.5 'cm' to String": ("ToString", q("5.5", "cm"), "5.5 'cm'"),
    "a Ratio to String": ("ToString", Ratio(q("1"), q("128")), "1 '1':128 '1'"),
    "a day to String": ("ToString", DateTime(2000, 1, 1), "2000-01-01"),
    "a moment to String": (
        "ToString",
        DateTime(2000, 1, 1, 8, 25, 25, 300, D(-7)),
        "2000-01-01T08:25:25.300-07:00",
    ),
    "a time to String": ("ToString", Time(9, 30, 1, 3), "09:30:01.003"),
    "'2014-01' to Date": ("ToDate", "2014-01", Date(2014, 1)),
    "'2014-01-05T10:00Z' to Date": ("ToDate", "2014-01-05T10:00Z", Date(2014, 1, 5)),
    "'2014/01/01' to Date": ("ToDate", "2014/01/01", None),
    "a DateTime to Date": ("ToDate", DateTime(2014, 1, 5, 10), Date(2014, 1, 5)),
    "'2014-01-01T12:05' to DateTime": ("ToDateTime", "2014-01-01T12:05", DateTime(2014, 1, 1, 12, 5)),
    "'2014-02-30' to DateTime": ("ToDateTime", "2014-02-30", None),
    "a Date to DateTime leaves the time unknown": ("ToDateTime", Date(2014, 1, 5), DateTime(2014, 1, 5)),
    "'T14:30:00.0+05:30' to Time": ("ToTime", "T14:30:00.0+05:30", Time(14, 30, 0, 0)),
    "'14-30' to Time": ("ToTime", "14-30", None),
    "a DateTime to Time": ("ToTime", DateTime(2014, 1, 5, 10, 30), Time(10, 30)),
    "\"5.5 'cm'\" to Quantity": ("ToQuantity", "5.5 'cm'", q("5.5", "cm")),
    "'3 days' to Quantity": ("ToQuantity", "3 days", q("3", "days")),
    "'3 mg' to Quantity needs quotes": ("ToQuantity", "3 mg", None),
    "7 to Quantity": ("ToQuantity", 7, q("7")),
    "1:4 to Quantity": ("ToQuantity", Ratio(q("1"), q("4")), q("0.25")),
    "\"1 'mg':2 'mL'\" to Ratio": ("ToRatio", "1 'mg':2 'mL'", Ratio(q("1", "mg"), q("2", "mL"))),
    "'1' to Ratio": ("ToRatio", "1", None),
    "a Code to Concept": ("ToConcept", CODE, Concept((CODE,), "Systolic")),
    "Codes to Concept": ("ToConcept", [CODE], Concept((CODE,))),
    "a point to Interval": ("ToInterval", 5, Interval(5, 5)),
}


@pytest.mark.parametrize(("operator", "value", "expected"), CASES.values(), ids=CASES.keys())
def test_conversion(operator: str, value: Any, expected: Any) -> None:
    result = OPERATORS[operator](value)
    assert (result, type(result)) == (expected, type(expected))


SIMPLE = ["Boolean", "Integer", "Long", "Decimal", "Date", "DateTime", "Time", "Quantity", "Ratio"]


@pytest.mark.parametrize("kind", [*SIMPLE, "String", "Concept", "Interval"])
def test_null_becomes_null(kind: str) -> None:
    assert OPERATORS[f"To{kind}"](None) is None


@pytest.mark.parametrize("kind", SIMPLE)
def test_converts_to_asks_whether_there_is_a_value(kind: str) -> None:
    assert OPERATORS[f"ConvertsTo{kind}"]("neither here nor there") is False
    assert OPERATORS[f"ConvertsTo{kind}"](None) is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Boolean", "yes"),
        ("Integer", "5"),
        ("Long", "5"),
        ("Decimal", "5.0"),
        ("Date", "2014"),
        ("DateTime", "2014-01-01"),
        ("Time", "10:30"),
        ("Quantity", "5 'mg'"),
        ("Ratio", "1:2"),
        ("String", "any"),
    ],
)
def test_converts_to_is_true_for_well_formed_text(kind: str, text: str) -> None:
    assert OPERATORS[f"ConvertsTo{kind}"](text) is True


def test_quantities_in_another_unit() -> None:
    assert OPERATORS["ConvertQuantity"](q("5", "mg"), "g") == q("0.005", "g")
    assert OPERATORS["ConvertQuantity"](q("5", "mg"), "m") is None
    assert OPERATORS["CanConvertQuantity"](q("5", "mg"), "g") is True
    assert OPERATORS["CanConvertQuantity"](q("5", "mg"), "m") is False
    assert OPERATORS["CanConvertQuantity"](None, "m") is None
