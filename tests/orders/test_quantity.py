"""Amounts, hours of supply, and how fast the instructions allow the drug to be used."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.orders.model import OrderedQuantity
from cds_service.orders.quantity import hours_of, read_quantity
from tests.orders.examples import order

TABLETS = {"value": 36, "unit": "tablet"}


def dose(value: float = 1, unit: str = "tablet", **repeat: Any) -> dict[str, Any]:
    return {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}]}


def test_nothing_said_nothing_known() -> None:
    assert read_quantity(order()) == OrderedQuantity()


@pytest.mark.parametrize(
    ("dispense", "amount", "hours"),
    [
        ({"quantity": TABLETS, "expectedSupplyDuration": {"value": 3, "unit": "days"}}, 36, 72),
        ({"quantity": TABLETS, "expectedSupplyDuration": {"value": 72, "code": "h"}}, 36, 72),
        (
            {
                "quantity": TABLETS,
                "numberOfRepeatsAllowed": 2,
                "expectedSupplyDuration": {"value": 3, "code": "d"},
            },
            108,
            216,
        ),
        ({"quantity": TABLETS, "numberOfRepeatsAllowed": "2"}, 108, None),
        ({"quantity": TABLETS, "numberOfRepeatsAllowed": -2}, 36, None),
        ({"quantity": {"value": 0, "unit": "tablet"}}, None, None),
        ({"quantity": {"value": "many", "unit": "tablet"}}, None, None),
        ([{"quantity": TABLETS}], 36, None),
        ("36 tablets", None, None),
    ],
)
def test_the_dispense_request(dispense: Any, amount: int | None, hours: int | None) -> None:
    found = read_quantity(order(dispenseRequest=dispense))
    assert (found.amount, found.supply_hours) == (amount, hours)


@pytest.mark.parametrize(
    ("duration", "hours"),
    [
        ({"value": 90, "code": "min"}, "1.5"),
        ({"value": 2, "unit": "weeks", "code": "wk"}, "336"),
        ({"value": 1, "unit": "Month"}, "730.5"),
        ({"value": 1, "code": "a"}, "8766"),
        ({"value": 5, "unit": "tablet"}, None),
        ({"value": -5, "unit": "d"}, None),
        ({"value": 5}, None),
        (None, None),
    ],
)
def test_durations_in_hours(duration: Any, hours: str | None) -> None:
    assert hours_of(duration) == (Decimal(hours) if hours else None)


HOURLY = dose(1, frequency=1, period=1, periodUnit="h")
LIMITED = {
    **dose(1, frequency=24, period=1, periodUnit="d"),
    "maxDosePerPeriod": {
        "numerator": {"value": 12, "unit": "tablet"},
        "denominator": {"value": 24, "unit": "h"},
    },
}
STU3 = {
    "doseQuantity": {"value": 1, "unit": "Tablet"},
    "timing": {"repeat": {"period": 1, "periodUnit": "h"}},
}


@pytest.mark.parametrize(
    ("dosage", "rate"),
    [
        ([HOURLY], "1"),
        (HOURLY, "1"),
        ([dose(2, frequency=4, period=1, periodUnit="d")], str(Decimal(8) / 24)),
        ([dose(1, frequency=1, frequencyMax=3, period=1, periodUnit="h")], "3"),
        ([dose(1, period=2, periodUnit="h")], "0.5"),
        ([HOURLY, dose(2, frequency=1, period=1, periodUnit="h")], "3"),
        ([LIMITED], "0.5"),
        ([STU3], "1"),
        ([dose(1, unit="mg", frequency=1, period=1, periodUnit="h")], None),
        ([HOURLY, {"text": "and as needed"}], None),
        ([dose(1, frequency=1)], None),
        ([dose(1, frequency=0, period=1, periodUnit="h")], None),
        ([dose(1, frequency=1, period=0, periodUnit="h")], None),
    ],
)
def test_the_most_that_the_instructions_allow_per_hour(dosage: Any, rate: str | None) -> None:
    found = read_quantity(order(dosageInstruction=dosage, dispenseRequest={"quantity": TABLETS}))
    assert found.maximum_per_hour == (Decimal(rate) if rate else None)


def test_the_bounds_of_the_dosage_stand_in_for_the_supply_duration() -> None:
    days = {"timing": {"repeat": {"boundsPeriod": {"start": "2025-03-10", "end": "2025-03-12"}}}}
    hours = {"timing": {"repeat": {"boundsDuration": {"value": 72, "code": "h"}}}}
    for dosage in (days, hours):
        assert read_quantity(order(dosageInstruction=[dosage])).supply_hours == 72
    other = {"timing": {"repeat": {"boundsDuration": {"value": 5, "code": "d"}}}}
    assert read_quantity(order(dosageInstruction=[hours, other])).supply_hours is None
