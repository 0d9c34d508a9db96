"""Comparing what is ordered with a quantity limit of a policy."""

from __future__ import annotations

import enum
import re
from decimal import Decimal
from typing import Final

from cds_service.orders.model import OrderedQuantity
from cds_service.policies.model import QuantityLimit

_NOT_LETTERS: Final = re.compile(r"[^a-z%]+")
_SHORTEST_ABBREVIATION: Final = 3


class Fit(enum.Enum):
    """How an ordered quantity stands to a limit."""

    WITHIN = "within the limit"
    OVER = "over the limit"
    UNKNOWN = "cannot be compared with the limit"


def compare(ordered: OrderedQuantity, limit: QuantityLimit) -> tuple[Fit, str | None]:
    """Compare an order with a limit; the text says in words what was compared, or why it cannot be.

    An amount no larger than the limit is within it whatever the time. Else the order is over the limit
    when the dosage allows more per period (or per supply time, if shorter) than the limit, when the whole
    amount is for no longer than the period, or when the amount spread over its supply time is more than
    the limit per period.
    """
    if ordered.amount is None and ordered.maximum_per_hour is None:
        return Fit.UNKNOWN, "the order states no quantity"
    if not same_unit(ordered.unit, limit.unit):
        return Fit.UNKNOWN, f"the order's unit is not {limit.unit}"
    period = Decimal(limit.per_hours)
    if ordered.amount is not None and ordered.amount <= limit.amount:
        return Fit.WITHIN, None
    if ordered.maximum_per_hour is not None:
        hours = min(period, ordered.supply_hours or period)
        if ordered.maximum_per_hour * hours > limit.amount:
            most = plain(ordered.maximum_per_hour * hours)
            return Fit.OVER, f"up to {most} {limit.unit} per {plain(hours)} hours"
    if ordered.amount is None:
        return Fit.WITHIN, None
    if ordered.supply_hours is None or ordered.supply_hours <= 0:
        if ordered.maximum_per_hour is not None:
            return Fit.WITHIN, None
        return Fit.UNKNOWN, f"{plain(ordered.amount)} {limit.unit} for a time that the order does not state"
    per_period = ordered.amount / max(ordered.supply_hours, period) * period
    if per_period > limit.amount:
        return Fit.OVER, f"{plain(ordered.amount)} {limit.unit} for {plain(ordered.supply_hours)} hours"
    return Fit.WITHIN, None


def same_unit(ordered: str | None, limit: str) -> bool:
    """Whether two counted units are the same word: case, plural, UCUM braces and short forms aside."""
    left, right = _unit_word(ordered or ""), _unit_word(limit)
    if left == right:
        return bool(left)
    short, long = sorted((left, right), key=len)
    return len(short) >= _SHORTEST_ABBREVIATION and long.startswith(short)


def plain(number: Decimal) -> str:
    """A number as people write it: no exponent, no trailing zeros, at most two decimals."""
    whole = number == number.to_integral_value()
    text = f"{number.quantize(Decimal(1) if whole else Decimal('0.01')):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unit_word(unit: str) -> str:
    word = _NOT_LETTERS.sub("", unit.lower())
    return word.removesuffix("s") if len(word) > _SHORTEST_ABBREVIATION else word
