"""An ordered quantity against a limit of 36 tablets per 72 hours."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.decisions.quantity import Fit, compare, plain, same_unit
from cds_service.orders.model import OrderedQuantity
from cds_service.policies.model import QuantityLimit

LIMIT = QuantityLimit(Decimal(36), "tablets", 72, "limit")


def ordered(
    amount: str | None = None, unit: str | None = "tablet", hours: str | None = None, rate: str | None = None
) -> OrderedQuantity:
    numbers = (Decimal(text) if text is not None else None for text in (amount, hours, rate))
    amount_, hours_, rate_ = numbers
    return OrderedQuantity(amount_, unit, hours_, rate_)


@pytest.mark.parametrize(
    ("quantity", "fit"),
    [
        (ordered("36", hours="72"), Fit.WITHIN),
        (ordered("37", hours="72"), Fit.OVER),
        (ordered("36"), Fit.WITHIN),
        (ordered("1"), Fit.WITHIN),
        (ordered("37"), Fit.UNKNOWN),
        (ordered("37", hours="0"), Fit.UNKNOWN),
        (ordered("72", hours="144"), Fit.WITHIN),
        (ordered("73", hours="144"), Fit.OVER),
        (ordered("37", hours="24"), Fit.OVER),
        (ordered("37", rate="0.5"), Fit.WITHIN),
        (ordered(rate="0.5"), Fit.WITHIN),
        (ordered(rate="0.51"), Fit.OVER),
        (ordered("36", hours="72", rate="1"), Fit.WITHIN),
        (ordered("40", hours="72", rate="1"), Fit.OVER),
        (ordered("40", hours="24", rate="1"), Fit.OVER),
        (ordered(), Fit.UNKNOWN),
        (ordered("10", unit="mcg"), Fit.UNKNOWN),
        (ordered("10", unit=None), Fit.UNKNOWN),
    ],
)
def test_how_an_order_stands_to_the_limit(quantity: OrderedQuantity, fit: Fit) -> None:
    found, text = compare(quantity, LIMIT)
    assert found is fit
    assert (text is None) is (fit is Fit.WITHIN)


@pytest.mark.parametrize("unit", ["tablets", "Tablet", "{tablet}", "TAB", "tabs"])
def test_the_same_counted_unit_in_other_words(unit: str) -> None:
    assert same_unit(unit, "tablets")


@pytest.mark.parametrize("unit", ["", None, "t", "capsule", "mg", "table spoon"])
def test_another_unit(unit: str | None) -> None:
    assert not same_unit(unit, "tablets")


@pytest.mark.parametrize(
    ("number", "text"), [("36", "36"), ("36.0", "36"), ("3.6E+1", "36"), ("0.5", "0.5"), ("1.005", "1")]
)
def test_numbers_read_like_numbers(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text
