"""Units: UCUM conversion, calendar durations, and what has no relation."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.values import units
from cds_service.cql.values.units import (
    UnitMismatch,
    calendar_unit,
    canonical,
    convert,
    convert_equivalent,
    product_unit,
    quotient_unit,
    same_unit,
)

D = Decimal


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("1", "cm", "m", "0.01"),
        ("1", "mg/dL", "g/L", "0.01"),
        ("178", "[lb_av]", "kg", "80.73944186"),
        ("120", "min", "h", "2"),
        ("1", "h", "min", "60"),
        ("100", "Cel", "[degF]", "212"),
        ("1.5", "10*3/uL", "10*9/L", "1.5"),
        ("5", "kg/m2", "kg/m2", "5"),
        ("5", "not a unit at all", "not a unit at all", "5"),
        ("36", "months", "years", "3"),
        ("5", "{score}", "1", "5"),
        ("5", "{score}", "{points}", "5"),
        ("5000", "mg{total}", "g", "5"),
        ("2", "10*3/{cells}", "10*3", "2"),
        ("2", "year", "month", "24"),
        ("1", "week", "h", "168"),
        ("90", "seconds", "min", "1.5"),
        ("1", "a", "mo", "12"),
        ("4", "m[IU]/L", "u[iU]/mL", "4"),
        ("25", "{score}", "1", "25"),
        ("25", "{tablet}", "{capsule}", "25"),
        ("5", "mg{total}", "mg", "5"),
        ("7", "10*3{cells}/uL", "10*9/L", "7"),
        ("7", "{copies}/mL", "1/mL", "7"),
        ("25", "%", "{score}", "0.25"),
    ],
)
def test_conversion(value: str, source: str, target: str, expected: str) -> None:
    assert convert(D(value), source, target) == D(expected)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param("kg", "m", id="two dimensions"),
        pytest.param("year", "a", id="a calendar year and a year of 365.25 days"),
        pytest.param("month", "d", id="a calendar month and days"),
        pytest.param("{tablet}", "mg", id="a count and a mass"),
        pytest.param("kg/m^2", "kg/m2", id="a unit that is not UCUM"),
        pytest.param("mmol/L", "mg/dL", id="amount of substance and mass"),
        pytest.param("", "mg", id="no unit"),
        pytest.param("m" * 200, "mg", id="a text too long to be a unit"),
        pytest.param("kg(((", "mg", id="a broken text"),
        pytest.param("[IU]", "1", id="an arbitrary unit and none"),
        pytest.param("[IU]/mL", "[CFU]/mL", id="two arbitrary units"),
        pytest.param("{cells}10*3", "1", id="an annotation before its unit"),
        pytest.param("10*9999999", "1", id="a power that would take minutes to calculate"),
        pytest.param("10^-9999999", "1", id="its inverse"),
        pytest.param("cm99", "1", id="a power of a length"),
        pytest.param("Ym99", "ym99", id="a factor beyond any number"),
        pytest.param("pH", "mol/L", id="a logarithmic scale"),
    ],
)
def test_no_conversion(source: str, target: str) -> None:
    with pytest.raises(UnitMismatch):
        convert(D(1), source, target)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("1", "year", "a", "1"),
        ("12", "mo", "year", "1"),
        ("1", "year", "days", "365"),
        ("60", "days", "months", "2"),
        ("1", "month", "d", "30"),
        ("1", "year", "months", "12"),
        ("7", "days", "week", "1"),
    ],
)
def test_conversion_for_equivalence(value: str, source: str, target: str, expected: str) -> None:
    assert convert_equivalent(D(value), source, target) == D(expected)


def test_names_of_durations() -> None:
    assert calendar_unit("d") == calendar_unit("days") == "day"
    assert calendar_unit("a") == "year"
    assert calendar_unit("mg") is None
    assert canonical("weeks") == "wk"
    assert canonical("years") == "year"
    assert same_unit("day", "d")
    assert not same_unit("year", "a")


def test_units_of_products_and_quotients() -> None:
    assert product_unit("cm", "cm") == "cm2"
    assert product_unit("1", "mg") == "mg"
    assert product_unit("mg/mL", "mL") == "(mg/mL).mL"
    assert quotient_unit("mg", "day") == "mg/d"
    assert quotient_unit("mg", "kg.d") == "mg/(kg.d)"
    assert quotient_unit("mg", "mg") == "1"


PAIRS = [("mg", "kg"), ("cm", "m"), ("min", "d"), ("g", "[lb_av]")]


@given(st.decimals(-(10**6), 10**6, places=4), st.sampled_from(PAIRS))
def test_there_and_back_again(value: Decimal, units: tuple[str, str]) -> None:
    source, target = units
    back = convert(convert(value, source, target), target, source)
    assert abs(back - value) <= D("0.00001")


def test_a_relation_that_does_not_exist_is_not_looked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnitMismatch):
        convert(D(1), "kg", "mol/L/h")

    def fail() -> None:
        raise AssertionError("looked for again")

    monkeypatch.setattr(units, "_load_registry", fail)
    with pytest.raises(UnitMismatch):
        convert(D(1), "kg", "mol/L/h")


def test_the_tables_can_be_loaded_ahead() -> None:
    program = (
        "import sys; from cds_service.cql.values.units import preload; preload();print('pint' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "True"


def test_the_tables_are_not_loaded_before_two_units_meet() -> None:
    program = (
        "import sys; from decimal import Decimal as D; from cds_service.cql.operators import OPERATORS as O;"
        "from cds_service.cql.values import Quantity as Q;"
        "assert O['Less'](Q(D(1), 'mg'), Q(D(2), 'mg')) and O['Add'](Q(D(1), 'd'), Q(D(2), 'day'));"
        "print('pint' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "False"
