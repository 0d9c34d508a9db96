"""Order and equality with everything that can leave them undecided."""

from __future__ import annotations

from decimal import Decimal
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS
from cds_service.cql.operators.comparison import order_for_sort
from cds_service.cql.values import (
    Code,
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

D = Decimal
at = DateTime.parse
on = Date.parse


def q(number: str, unit: str = "1") -> Quantity:
    return Quantity(D(number), unit)


ORDER: dict[str, tuple[str, Any, Any, bool | None]] = {
    "1 < 2": ("Less", 1, 2, True),
    "1 < 1.5 mixes Integer and Decimal": ("Less", 1, D("1.5"), True),
    "2L > 1": ("Greater", Long(2), 1, True),
    "'Jack' < 'Jill'": ("Less", "Jack", "Jill", True),
    "1 < null is null": ("Less", 1, None, None),
    "40 'kg/m2' <= 40.0 'kg/m2'": ("LessOrEqual", q("40", "kg/m2"), q("40.0", "kg/m2"), True),
    "1 'm' > 10 'cm' converts": ("Greater", q("1", "m"), q("10", "cm"), True),
    "1 'm' > 1 'kg' is null": ("Greater", q("1", "m"), q("1", "kg"), None),
    "1 'm' > 1 '{no unit}' is null": ("Greater", q("1", "m"), q("1", "{no unit}"), None),
    "18 years > 17 years": ("Greater", q("18", "years"), q("17", "year"), True),
    "1 year > 11 months": ("Greater", q("1", "year"), q("11", "months"), True),
    "1 year > 10 days is null: years have no fixed length": ("Greater", q("1", "year"), q("10", "d"), None),
    "2 weeks > 13 'd'": ("Greater", q("2", "weeks"), q("13", "d"), True),
    "2013 < 2014-02-15": ("Less", at("2013"), at("2014-02-15"), True),
    "2014 < 2014-02-15 is null": ("Less", at("2014"), at("2014-02-15"), None),
    "2014 >= 2014-02-15 is null": ("GreaterOrEqual", at("2014"), at("2014-02-15"), None),
    "2014-02-15 <= 2014-02-15": ("LessOrEqual", at("2014-02-15"), at("2014-02-15"), True),
    "10:00+02:00 < 09:00Z after normalisation": (
        "Less",
        at("2014-01-01T10:00:00+02:00"),
        at("2014-01-01T09:00:00Z"),
        True,
    ),
    "@T10:00 < @T10:00:30 is null": ("Less", Time(10, 0), Time(10, 0, 30), None),
    "between 4 and 16 > 3": ("Greater", Uncertain(4, 16), 3, True),
    "between 4 and 16 > 5 is null": ("Greater", Uncertain(4, 16), 5, None),
    "between 4 and 16 <= 16": ("LessOrEqual", Uncertain(4, 16), 16, True),
    "between 4 and 16 < 4": ("Less", Uncertain(4, 16), 4, False),
}


@pytest.mark.parametrize(("operator", "left", "right", "expected"), ORDER.values(), ids=ORDER.keys())
def test_order(operator: str, left: Any, right: Any, expected: bool | None) -> None:
    assert OPERATORS[operator](left, right) is expected


def test_a_date_and_a_time_of_day_have_no_order() -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS["Less"](on("2024-01-01"), Time(1))


def test_a_string_and_a_number_have_no_order() -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS["Less"]("1", 2)


def person(**elements: Any) -> CqlTuple:
    return CqlTuple(elements)


FLU = Code("J10", "urn:icd", display="Influenza")

# left, right, =, ~
EQUALITY: dict[str, tuple[Any, Any, bool | None, bool]] = {
    "null and null": (None, None, None, True),
    "1 and null": (1, None, None, False),
    "1 and 1": (1, 1, True, True),
    "true and 1 are of different types": (True, 1, False, False),
    "1.0 and 1.00": (D("1.0"), D("1.00"), True, True),
    "1.5 and 1.55 differ at the lesser precision": (D("1.5"), D("1.55"), False, False),
    "1.001 and 1.000: trailing zeros give no precision": (D("1.001"), D("1.000"), False, True),
    "'Abel' and 'abel'": ("Abel", "abel", False, True),
    "a tab and a blank": ("a\tb", "a b", False, True),
    "1 'cm' and 0.01 'm'": (q("1", "cm"), q("0.01", "m"), True, True),
    "60 'min' and 1 'h'": (q("60", "min"), q("1", "h"), True, True),
    "1 'cm' and 1 's'": (q("1", "cm"), q("1", "s"), None, False),
    "1 week and 7 days": (q("1", "week"), q("7", "days"), True, True),
    "12 months and 1 year": (q("12", "months"), q("1", "year"), True, True),
    "1 month and 1 'mo'": (q("1", "month"), q("1", "mo"), None, True),
    "1 'a' and 1 year": (q("1", "a"), q("1", "year"), None, True),
    "1 year and 365 days": (q("1", "year"), q("365", "days"), None, True),
    "30 days and 1 month": (q("30", "days"), q("1", "month"), None, True),
    "1:2 and 10:20 are one relation": (
        Ratio(q("1"), q("2")),
        Ratio(q("10"), q("20")),
        False,
        True,
    ),
    "2014-01 and 2014-01": (on("2014-01"), on("2014-01"), True, True),
    "2014 and 2014-01": (on("2014"), on("2014-01"), None, False),
    "2013 and 2014-01": (on("2013"), on("2014-01"), False, False),
    "one moment in two time zones": (at("2014-01-01T01:00+01:00"), at("2014-01-01T00:00Z"), True, True),
    "a date and a time of day": (on("2014-01-01"), Time(1), False, False),
    "{1, 2} and {1, 2}": ([1, 2], [1, 2], True, True),
    "{1, 2} and {2, 1}": ([1, 2], [2, 1], False, False),
    "{null} and {null}": ([None], [None], True, True),
    "{1, null} and {1, 2}": ([1, None], [1, 2], None, False),
    "{1, null} and {2, 2}": ([1, None], [2, 2], False, False),
    "{} and {}": ([], [], True, True),
    "{1} and {'1'}": ([1], ["1"], False, False),
    "tuples alike": (person(id=1, name="John"), person(id=1, name="John"), True, True),
    "tuples with a null on one side": (person(id=1, name="John"), person(id=1, name=None), None, False),
    "tuples with a null on both sides": (person(id=1, name=None), person(id=1, name=None), True, True),
    "tuples that differ before a null": (person(id=2, name=None), person(id=1, name="John"), False, False),
    "tuples with other elements": (person(id=1), person(name="John"), False, False),
    "a code and itself": (FLU, FLU, True, True),
    "codes that differ in display": (FLU, Code("J10", "urn:icd", display="Flu"), False, True),
    "codes of two systems": (FLU, Code("J10", "urn:other", display="Influenza"), False, False),
    "concepts with a code in common": (
        Concept((FLU, Code("1", "a")), "flu"),
        Concept((Code("J10", "urn:icd"),), "flu"),
        False,
        True,
    ),
    "a concept and its code": (Concept((FLU,)), FLU, False, True),
    "value sets by canonical": (ValueSetReference("urn:v"), ValueSetReference("urn:v"), True, True),
    "[1, 10] and [1, 10]": (Interval(1, 10), Interval(1, 10), True, True),
    "[1, 10] and [1, 11)": (Interval(1, 10), Interval(1, 11, high_closed=False), True, True),
    "[1, 10] and [1, null)": (Interval(1, 10), Interval(1, None, high_closed=False), None, False),
    "[5, null) and [5, null)": (
        Interval(5, None, high_closed=False),
        Interval(5, None, high_closed=False),
        None,
        True,
    ),
    "[1, null] is [1, maximum]": (Interval(1, None), Interval(1, 2**31 - 1), True, True),
    "between 1 and 3, and 5": (Uncertain(1, 3), 5, False, False),
    "between 1 and 3, and 2": (Uncertain(1, 3), 2, None, False),
    "a resource and itself": ({"resourceType": "Patient"}, {"resourceType": "Patient"}, True, True),
}


@pytest.mark.parametrize(("left", "right", "equal", "equivalent"), EQUALITY.values(), ids=EQUALITY.keys())
def test_equality_and_equivalence(left: Any, right: Any, equal: bool | None, equivalent: bool) -> None:
    opposite = None if equal is None else not equal
    assert OPERATORS["Equal"](left, right) is equal
    assert OPERATORS["Equal"](right, left) is equal
    assert OPERATORS["NotEqual"](left, right) is opposite
    assert OPERATORS["Equivalent"](left, right) is equivalent
    assert OPERATORS["Equivalent"](right, left) is equivalent


def test_sorting_puts_null_first_and_the_less_precise_date_before_the_finer_one() -> None:
    moments = [at("2012-10-05T10"), at("2012-01-01"), None, at("2012-01-01T12"), at("2012-10-05")]
    assert sorted(moments, key=cmp_to_key(order_for_sort)) == [
        None,
        at("2012-01-01"),
        at("2012-01-01T12"),
        at("2012-10-05"),
        at("2012-10-05T10"),
    ]


whole_dates = st.dates().map(Date.from_python)
partial_dates = st.builds(lambda date, length: date.truncate(length), whole_dates, st.integers(1, 3))


@given(partial_dates, partial_dates)
def test_two_dates_are_ordered_as_every_day_they_may_stand_for(left: Date, right: Date) -> None:
    first, last = left.lowest().to_python(), left.highest().to_python()
    other_first, other_last = right.lowest().to_python(), right.highest().to_python()
    answer = OPERATORS["Less"](left, right)
    if last < other_first:
        assert answer is True
    elif len(left.parts) != len(right.parts) and first <= other_last:
        assert answer is None
    else:
        assert answer is (left.parts < right.parts)


@given(partial_dates, partial_dates)
def test_exactly_one_of_less_equal_greater_holds_or_all_are_undecided(left: Date, right: Date) -> None:
    answers = [OPERATORS[name](left, right) for name in ("Less", "Equal", "Greater")]
    assert answers == [None, None, None] or sorted(answers) == [False, False, True]
