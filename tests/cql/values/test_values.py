"""Quantities, intervals, codes and type names as values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.cql.errors import CompileError, CqlError, CqlRuntimeError
from cds_service.cql.values import (
    Code,
    CodeSystemReference,
    Concept,
    CqlTuple,
    Date,
    DateTime,
    Interval,
    Long,
    Quantity,
    Ratio,
    Time,
    Uncertain,
    ValueSetReference,
)
from cds_service.cql.values.types import is_type, system_type, type_name

D = Decimal


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [("5.5 'cm'", "5.5", "cm"), ("-3'mg'", "-3", "mg"), ("18 years", "18", "years"), ("7", "7", "1")],
)
def test_a_quantity_from_text(text: str, value: str, unit: str) -> None:
    assert Quantity.parse(text) == Quantity(D(value), unit)


@pytest.mark.parametrize("text", ["", "cm", "5 mg", "5.", "1e5 'cm'", "5 'cm' more"])
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        Quantity.parse(text)


def test_text_forms() -> None:
    assert str(Quantity(D("0.00000001"), "mg")) == "0.00000001 'mg'"
    assert str(Ratio(Quantity(D(1)), Quantity(D(128)))) == "1 '1':128 '1'"
    assert str(Interval(1, None, True, False)) == "Interval[1, null)"
    assert str(Uncertain(4, 16)) == "between 4 and 16"


def test_values_are_compared_by_content() -> None:
    assert Interval(1, 2) == Interval(1, 2)
    assert Interval(1, 2) != Interval(1, 2, True, False)
    assert {Quantity(D(1), "mg"), Quantity(D("1.0"), "mg")} == {Quantity(D(1), "mg")}
    assert {Interval(1, 2), Interval(1, 2)} == {Interval(1, 2)}
    assert {Ratio(Quantity(D(1)), Quantity(D(2)))} == {Ratio(Quantity(D(1)), Quantity(D(2)))}
    assert {Uncertain(1, 2)} == {Uncertain(1, 2)}


NAMES: dict[str, Any] = {
    "System.Any": None,
    "System.Boolean": True,
    "System.Integer": 1,
    "System.Long": Long(1),
    "System.Decimal": D(1),
    "System.String": "a",
    "System.Date": Date(2014),
    "System.DateTime": DateTime(2014),
    "System.Time": Time(10),
    "System.Quantity": Quantity(D(1)),
    "System.Ratio": Ratio(Quantity(D(1)), Quantity(D(2))),
    "System.Code": Code("a"),
    "System.Concept": Concept((Code("a"),)),
    "System.ValueSet": ValueSetReference("urn:a"),
    "System.CodeSystem": CodeSystemReference("urn:a"),
    "Interval": Interval(1, 2),
    "Tuple": CqlTuple(a=1),
    "List": [1],
}


@pytest.mark.parametrize(("name", "value"), NAMES.items())
def test_names_of_types(name: str, value: Any) -> None:
    assert type_name(value) == name
    assert is_type(value, name) is (value is not None)


def test_an_uncertain_number_is_of_the_type_of_its_ends() -> None:
    assert type_name(Uncertain(1, 2)) == "System.Integer"


def test_is_knows_elm_names_and_the_general_types() -> None:
    assert system_type("{urn:hl7-org:elm-types:r1}Integer") == "System.Integer"
    assert is_type(5, "{urn:hl7-org:elm-types:r1}Integer")
    assert not is_type(True, "{urn:hl7-org:elm-types:r1}Integer")
    assert is_type(5, "{urn:hl7-org:elm-types:r1}Any")
    assert not is_type(None, "{urn:hl7-org:elm-types:r1}Any")
    assert is_type(ValueSetReference("urn:a"), "{urn:hl7-org:elm-types:r1}Vocabulary")
    assert not is_type("urn:a", "{urn:hl7-org:elm-types:r1}Vocabulary")


def test_an_error_says_where_and_keeps_the_place_it_was_given_first() -> None:
    error = CqlRuntimeError("division by zero", definition="Body mass index")
    error.at("Criteria", "Another definition", "12:3-12:40")
    assert isinstance(error, CqlError)
    assert str(error) == ('division by zero (library Criteria, definition "Body mass index", at 12:3-12:40)')
    assert str(CompileError("unknown node")) == "unknown node"
