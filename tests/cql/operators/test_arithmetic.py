"""Arithmetic as CQL 1.5 defines it: null propagates, an overflow has no result."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS
from cds_service.cql.values import Date, DateTime, Long, Quantity, Time, Uncertain

D = Decimal
INTEGER_MAX = 2**31 - 1


def q(number: str, unit: str = "1") -> Quantity:
    return Quantity(D(number), unit)


CASES: dict[str, tuple[str, tuple[Any, ...], Any]] = {
    "1 + 1 is 2": ("Add", (1, 1), 2),
    "1 + null is null": ("Add", (1, None), None),
    "maximum Integer + 1 overflows to null": ("Add", (INTEGER_MAX, 1), None),
    "maximum Integer + 1L is a Long": ("Add", (INTEGER_MAX, Long(1)), Long(INTEGER_MAX + 1)),
    "maximum Long + 1L overflows to null": ("Add", (Long(2**63 - 1), Long(1)), None),
    "0.1 + 0.2 is exactly 0.3": ("Add", (D("0.1"), D("0.2")), D("0.3")),
    "1 'm' + 1 'cm' is in the finer unit": ("Add", (q("1", "m"), q("1", "cm")), q("101", "cm")),
    "1 'cm' + 1 'm' is in the finer unit": ("Add", (q("1", "cm"), q("1", "m")), q("101", "cm")),
    "1 'kg' + 1 'm' is null": ("Add", (q("1", "kg"), q("1", "m")), None),
    "1 day + 1 'd' is 2 days": ("Add", (q("1", "day"), q("1", "d")), q("2", "day")),
    "an uncertain number plus one": ("Add", (Uncertain(16, 44), 1), Uncertain(17, 45)),
    "3 - 5 is -2": ("Subtract", (3, 5), -2),
    "1 'h' - 30 'min' is in minutes": ("Subtract", (q("1", "h"), q("30", "min")), q("30", "min")),
    "uncertain minus uncertain": ("Subtract", (Uncertain(16, 44), Uncertain(4, 16)), Uncertain(0, 40)),
    "2 * 3 is 6": ("Multiply", (2, 3), 6),
    "65536 * 65536 overflows to null": ("Multiply", (65536, 65536), None),
    "a product is rounded to eight places": ("Multiply", (D("0.00001"), D("0.0015")), D("0.00000002")),
    "2 'cm' * 3 'cm' is 6 'cm2'": ("Multiply", (q("2", "cm"), q("3", "cm")), q("6", "cm2")),
    "2 * 3 'mg' is 6 'mg'": ("Multiply", (2, q("3", "mg")), q("6", "mg")),
    "10 / 4 is 2.5": ("Divide", (10, 4), D("2.5")),
    "1 / 3 has eight places": ("Divide", (D(1), D(3)), D("0.33333333")),
    "1 / 0 is null": ("Divide", (1, 0), None),
    "90 'kg' / 1.5 'm2' has the unit of the quotient": (
        "Divide",
        (q("90", "kg"), q("1.5", "m2")),
        q("60", "kg/m2"),
    ),
    "6 'm' / 50 'cm' is a plain number": ("Divide", (q("6", "m"), q("50", "cm")), q("12")),
    "10 'g' / 4 is 2.5 'g'": ("Divide", (q("10", "g"), D(4)), q("2.5", "g")),
    "-10 div 3 cuts towards zero": ("TruncatedDivide", (-10, 3), -3),
    "10.1 div -3.1 cuts towards zero": ("TruncatedDivide", (D("10.1"), D("-3.1")), D(-3)),
    "minimum Integer div -1 overflows to null": ("TruncatedDivide", (-(2**31), -1), None),
    "2 div 0 is null": ("TruncatedDivide", (2, 0), None),
    "10L div 3L is a Long": ("TruncatedDivide", (Long(10), Long(3)), Long(3)),
    "-10 mod 3 has the sign of the dividend": ("Modulo", (-10, 3), -1),
    "3.5 mod 3 is 0.5": ("Modulo", (D("3.5"), D(3)), D("0.5")),
    "10 mod 0 is null": ("Modulo", (10, 0), None),
    "1 'm' mod 30 'cm' is in metres": ("Modulo", (q("1", "m"), q("30", "cm")), q("0.1", "m")),
    "10 'g' div 3 keeps the unit": ("TruncatedDivide", (q("10", "g"), 3), q("3", "g")),
    "10 'g' div 3 'm' is null": ("TruncatedDivide", (q("10", "g"), q("3", "m")), None),
    "9 'mg' / 3 'm' has the unit of the quotient": ("Divide", (q("9", "mg"), q("3", "m")), q("3", "mg/m")),
    "6 'g' / 2 'g' is a plain number": ("Divide", (q("6", "g"), q("2", "g")), q("3")),
    "6 / 2 'h' has the inverse unit": ("Divide", (D(6), q("2", "h")), q("3", "1/h")),
    "5 'm' - 1 's' is null": ("Subtract", (q("5", "m"), q("1", "s")), None),
    "2 * uncertain": ("Multiply", (2, Uncertain(3, 5)), Uncertain(6, 10)),
    "uncertain beyond Integer is null": ("Add", (Uncertain(1, INTEGER_MAX), 1), None),
    "0 ^ 0 is 1": ("Power", (0, 0), 1),
    "0.0 ^ 2.0 is 0": ("Power", (D(0), D(2)), D(0)),
    "minus an uncertain number": ("Negate", (Uncertain(1, 3),), Uncertain(-3, -1)),
    "minus minimum Decimal keeps all digits": (
        "Negate",
        (D("-99999999999999999999.99999999"),),
        D("99999999999999999999.99999999"),
    ),
    "Round of a negative number of places": ("Round", (D("1.23456789"), -1), D("1.23456789")),
    "HighBoundary(-1.587, 8) is nearer to zero": ("HighBoundary", (D("-1.587"), 8), D("-1.58700000")),
    "LowBoundary(1.587, 2) cuts": ("LowBoundary", (D("1.587"), 2), D("1.58")),
    "LowBoundary(1.587, 9) has too many places": ("LowBoundary", (D("1.587"), 9), None),
    "2 ^ 10 is 1024": ("Power", (2, 10), 1024),
    "2 ^ -2 is 0.25": ("Power", (2, -2), D("0.25")),
    "2 ^ 31 overflows to null": ("Power", (2, 31), None),
    "2 ^ 2000000000 overflows to null at once": ("Power", (2, 2_000_000_000), None),
    "-1 ^ 2000000001 is -1": ("Power", (-1, 2_000_000_001), -1),
    "2.0 ^ 0.5 is the root": ("Power", (D("2.0"), D("0.5")), D("1.41421356")),
    "-8.0 ^ 0.5 is null": ("Power", (D("-8.0"), D("0.5")), None),
    "0.0 ^ -1 is null": ("Power", (D(0), D(-1)), None),
    "9.0 ^ 1000000.0 is null": ("Power", (D(9), D(1_000_000)), None),
    "-(5 'mg')": ("Negate", (q("5", "mg"),), q("-5", "mg")),
    "minus minimum Integer overflows to null": ("Negate", (-(2**31),), None),
    "Abs(-7) is 7": ("Abs", (-7,), 7),
    "Abs(-1.5 'g')": ("Abs", (q("-1.5", "g"),), q("1.5", "g")),
    "Abs(null) is null": ("Abs", (None,), None),
    "Ceiling(1.1) is 2": ("Ceiling", (D("1.1"),), 2),
    "Ceiling(2147483647.2) is null": ("Ceiling", (D("2147483647.2"),), None),
    "Floor(-0.1) is -1": ("Floor", (D("-0.1"),), -1),
    "Truncate(-1.9) is -1": ("Truncate", (D("-1.9"),), -1),
    "Round(0.5) is 1": ("Round", (D("0.5"), None), D(1)),
    "Round(-1.5) is -2": ("Round", (D("-1.5"),), D(-2)),
    "Round(3.14159, 2) is 3.14": ("Round", (D("3.14159"), 2), D("3.14")),
    "Round(-0.4) is not a negative zero": ("Round", (D("-0.4"),), D(0)),
    "Exp(1)": ("Exp", (1,), D("2.71828183")),
    "Ln(-1) is null": ("Ln", (-1,), None),
    "Ln(1000)": ("Ln", (1000,), D("6.90775528")),
    "Log(16, 2) is 4": ("Log", (16, 2), D(4)),
    "Log(2, 1) is null": ("Log", (2, 1), None),
    "Precision(1.58700) counts trailing zeros": ("Precision", (D("1.58700"),), 5),
    "Precision(@2014-01)": ("Precision", (Date.parse("2014-01"),), 6),
    "HighBoundary(1.587, 8)": ("HighBoundary", (D("1.587"), 8), D("1.58799999")),
    "LowBoundary(-1.587, 8) is farther from zero": ("LowBoundary", (D("-1.587"), 8), D("-1.58799999")),
    "HighBoundary(@2024-02) is the leap day": (
        "HighBoundary",
        (Date.parse("2024-02"), None),
        Date(2024, 2, 29),
    ),
    "LowBoundary(@T10:30, 9)": ("LowBoundary", (Time.parse("10:30"), 9), Time(10, 30, 0, 0)),
    "successor of 1": ("Successor", (1,), 2),
    "successor of 1.0": ("Successor", (D("1.0"),), D("1.00000001")),
    "successor of @2024-02-28": ("Successor", (Date(2024, 2, 28),), Date(2024, 2, 29)),
    "successor of a month": ("Successor", (Date(2023, 12),), Date(2024, 1)),
    "predecessor of @T12:00": ("Predecessor", (Time(12, 0),), Time(11, 59)),
    "predecessor of 1.0 'cm'": ("Predecessor", (q("1.0", "cm"),), q("0.99999999", "cm")),
    "minimum Integer": ("MinValue", ("{urn:hl7-org:elm-types:r1}Integer",), -(2**31)),
    "maximum DateTime": ("MaxValue", ("System.DateTime",), DateTime(9999, 12, 31, 23, 59, 59, 999)),
}


@pytest.mark.parametrize(("operator", "operands", "expected"), CASES.values(), ids=CASES.keys())
def test_arithmetic(operator: str, operands: tuple[Any, ...], expected: Any) -> None:
    result = OPERATORS[operator](*operands)
    assert (result, type(result)) == (expected, type(expected))


ERRORS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "Exp(1000) is too large": ("Exp", (1000,)),
    "Ln(0) does not exist": ("Ln", (0,)),
    "successor of maximum Integer": ("Successor", (INTEGER_MAX,)),
    "successor of the last moment of the day": ("Successor", (Time(23, 59, 59, 999),)),
    "predecessor of the first day": ("Predecessor", (Date(1, 1, 1),)),
    "minimum Boolean": ("MinValue", ("{urn:hl7-org:elm-types:r1}Boolean",)),
    "an uncertain number div 2": ("TruncatedDivide", (Uncertain(1, 2), 2)),
    "1 + 'true'": ("Add", (1, "true")),
    "Abs of an uncertain number": ("Abs", (Uncertain(-1, 2),)),
    "HighBoundary of a Date to the hour": ("HighBoundary", (Date(2024), 10)),
    "successor of a text": ("Successor", ("a",)),
    "successor of maximum Decimal": ("Successor", (D("99999999999999999999.99999999"),)),
    "a date plus a number": ("Add", (Date(2024), 1)),
}


@pytest.mark.parametrize(("operator", "operands"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_at_run_time(operator: str, operands: tuple[Any, ...]) -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS[operator](*operands)


integers = st.integers(-(2**31), 2**31 - 1)


@given(integers, integers.filter(bool))
def test_div_and_mod_put_the_dividend_together_again(left: int, right: int) -> None:
    quotient, rest = OPERATORS["TruncatedDivide"](left, right), OPERATORS["Modulo"](left, right)
    if quotient is not None:
        assert quotient * right + rest == left
        assert abs(rest) < abs(right)


@given(integers)
def test_predecessor_undoes_successor(number: int) -> None:
    if number < INTEGER_MAX:
        assert OPERATORS["Predecessor"](OPERATORS["Successor"](number)) == number
