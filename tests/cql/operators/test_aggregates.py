"""Aggregate functions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.cql.operators import OPERATORS
from cds_service.cql.values import Date, Long, Quantity

D = Decimal
on = Date.parse


def decimals(*numbers: str) -> list[Decimal]:
    return [D(number) for number in numbers]


def grams(*numbers: str, unit: str = "g") -> list[Quantity]:
    return [Quantity(D(number), unit) for number in numbers]


ONE_TO_FIVE = decimals("1", "2", "3", "4", "5")

CASES: dict[str, tuple[str, Any, Any]] = {
    "Count leaves nulls out": ("Count", [1, None, 2], 2),
    "Count of null": ("Count", None, 0),
    "Sum": ("Sum", [1, None, 2], 3),
    "Sum of nothing is null": ("Sum", [], None),
    "Sum beyond Integer is null": ("Sum", [2**31 - 1, 1], None),
    "Sum of Longs": ("Sum", [Long(2), Long(3)], Long(5)),
    "Sum of two units": ("Sum", [*grams("1"), *grams("500", unit="mg")], Quantity(D(1500), "mg")),
    "Product": ("Product", [2, 3, 4], 24),
    "Min": ("Min", [5, None, 2], 2),
    "Max of dates": ("Max", [on("2012-10-05"), on("2012-10-06"), on("2012-09-05")], on("2012-10-06")),
    "Max of dates that is open": ("Max", [on("2012"), on("2012-10-06")], None),
    "Max of dates that no vague one can pass": (
        "Max",
        [on("2012"), on("2012-10-06"), on("2013-01-01")],
        on("2013-01-01"),
    ),
    "Max of quantities": ("Max", [*grams("1"), *grams("900", unit="mg")], Quantity(D(1), "g")),
    "Max of nothing": ("Max", [None], None),
    "Avg": ("Avg", decimals("1", "2", "6"), D(3)),
    "Avg of nothing": ("Avg", [], None),
    "Avg of quantities": ("Avg", grams("1", "2"), Quantity(D("1.5"), "g")),
    "Median of an odd number": ("Median", decimals("5", "1", "3"), D(3)),
    "Median of an even number": ("Median", decimals("6", "5", "4", "3", "2", "1"), D("3.5")),
    "Mode": ("Mode", [2, 1, 8, 2, 9, 1, 9, 9], 9),
    "Variance": ("Variance", ONE_TO_FIVE, D("2.5")),
    "Variance of one": ("Variance", decimals("1"), None),
    "PopulationVariance": ("PopulationVariance", ONE_TO_FIVE, D(2)),
    "Variance of quantities": ("PopulationVariance", grams("1", "3"), Quantity(D(1), "g2")),
    "Variance of units that do not fit": ("Variance", [*grams("1"), *grams("1", unit="m")], None),
    "StdDev": ("StdDev", ONE_TO_FIVE, D("1.58113883")),
    "PopulationStdDev": ("PopulationStdDev", ONE_TO_FIVE, D("1.41421356")),
    "StdDev of quantities": ("PopulationStdDev", grams("1", "3"), Quantity(D(1), "g")),
    "StdDev of nothing": ("StdDev", [None], None),
    "GeometricMean": ("GeometricMean", decimals("2", "8"), D(4)),
    "GeometricMean with zero": ("GeometricMean", decimals("2", "0"), D(0)),
    "GeometricMean of a negative number": ("GeometricMean", decimals("2", "-8"), None),
    "AllTrue leaves nulls out": ("AllTrue", [True, None], True),
    "AllTrue with a false": ("AllTrue", [True, False], False),
    "AllTrue of null": ("AllTrue", None, True),
    "AnyTrue": ("AnyTrue", [None, True], True),
    "AnyTrue without a true": ("AnyTrue", [None, False], False),
    "AnyTrue of null": ("AnyTrue", None, False),
}


@pytest.mark.parametrize(("operator", "items", "expected"), CASES.values(), ids=CASES.keys())
def test_aggregates(operator: str, items: Any, expected: Any) -> None:
    result = OPERATORS[operator](items)
    assert (result, type(result)) == (expected, type(expected))
