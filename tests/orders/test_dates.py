"""The date of service and where it comes from."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds_service.orders.dates import read_service_date
from cds_service.orders.model import ServiceDateBasis
from tests.orders.examples import TODAY, order

TIMING, VALIDITY = ServiceDateBasis.DOSAGE_TIMING, ServiceDateBasis.DISPENSE_VALIDITY
WRITTEN, CALL = ServiceDateBasis.AUTHORED_ON, ServiceDateBasis.DAY_OF_CALL


def start(value: Any) -> dict[str, Any]:
    return {"timing": {"repeat": {"boundsPeriod": {"start": value}}}}


@pytest.mark.parametrize(
    ("elements", "expected", "basis"),
    [
        ({"dosageInstruction": [start("2025-06-01")], "authoredOn": "2025-05-31"}, date(2025, 6, 1), TIMING),
        ({"dosageInstruction": start("2025-06-01")}, date(2025, 6, 1), TIMING),
        ({"dosageInstruction": [start("2025-06-02"), start("2025-06-01")]}, date(2025, 6, 1), TIMING),
        ({"dosageInstruction": [{"timing": {"event": ["2025-06-03T08:00:00Z"]}}]}, date(2025, 6, 3), TIMING),
        ({"dispenseRequest": {"validityPeriod": {"start": "2025-06-01"}}}, date(2025, 6, 1), VALIDITY),
        ({"authoredOn": "2025-05-31T23:30:00-05:00"}, date(2025, 5, 31), WRITTEN),
        ({}, TODAY, CALL),
    ],
)
def test_the_first_element_that_says_it(
    elements: dict[str, Any], expected: date, basis: ServiceDateBasis
) -> None:
    found, notes = read_service_date(order(**elements), TODAY)
    assert (found.date, found.basis, notes) == (expected, basis, ())


@pytest.mark.parametrize(
    "nonsense", ["Invalid date", "0002-06-01", "0202-06-01", "2925-06-01", "2025-06", "", 7, {}]
)
def test_nonsense_is_passed_over_and_noted(nonsense: Any) -> None:
    resource = order(dosageInstruction=[start(nonsense)], authoredOn="2025-05-31")
    found, notes = read_service_date(resource, TODAY)
    assert (found.date, found.basis) == (date(2025, 5, 31), WRITTEN)
    assert len(notes) == 1
    assert notes[0].startswith("dosageInstruction.timing holds")


def test_nonsense_everywhere_leaves_the_day_of_the_call() -> None:
    found, notes = read_service_date(order(authoredOn="yesterday"), TODAY)
    assert (found.date, found.basis) == (TODAY, CALL)
    assert notes == ("authoredOn holds 'yesterday', which is no usable date, and was ignored.",)
