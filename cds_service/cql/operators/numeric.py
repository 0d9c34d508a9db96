"""Ceiling, Floor, Truncate, Round, Exp, Ln, Log (CQL 1.5, reference, arithmetic operators)."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.values.numbers import ARITHMETIC, INTEGER_MAX, INTEGER_MIN, fit_decimal


def ceiling(value: Any) -> int | None:
    """The least Integer that is not below the value; null out of range."""
    return _integer(value, ROUND_CEILING)


def floor(value: Any) -> int | None:
    """The greatest Integer that is not above the value; null out of range."""
    return _integer(value, ROUND_FLOOR)


def truncate(value: Any) -> int | None:
    """The whole part of the value; null out of range."""
    return _integer(value, ROUND_DOWN)


def round_half_up(value: Any, precision: int | None = None) -> Decimal | None:
    """To `precision` decimal places (0 when null), half away from zero."""
    if value is None:
        return None
    number = Decimal(value)
    places = precision or 0
    if number.is_zero() or not 0 <= places <= 8:
        return fit_decimal(number)
    return fit_decimal(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, ARITHMETIC))


def exponential(value: Any) -> Decimal | None:
    """e to the power of the value. Raises CqlRuntimeError when the result is out of range."""
    if value is None:
        return None
    result = None if value > 1000 else fit_decimal(ARITHMETIC.exp(Decimal(value)))
    if result is None:
        raise CqlRuntimeError("the result of Exp is too large for a Decimal")
    return result


def natural_logarithm(value: Any) -> Decimal | None:
    """Ln: null below zero. Raises CqlRuntimeError for zero."""
    if value is None or value < 0:
        return None
    if value == 0:
        raise CqlRuntimeError("zero has no logarithm")
    return fit_decimal(ARITHMETIC.ln(Decimal(value)))


def logarithm(value: Any, base: Any) -> Decimal | None:
    """The logarithm to a base; null when there is none."""
    if value is None or base is None or value <= 0 or base <= 0 or base == 1:
        return None
    try:
        return fit_decimal(ARITHMETIC.divide(ARITHMETIC.ln(Decimal(value)), ARITHMETIC.ln(Decimal(base))))
    except DecimalException:
        return None


def _integer(value: Any, rounding: str) -> int | None:
    if value is None:
        return None
    whole = int(Decimal(value).to_integral_value(rounding))
    return whole if INTEGER_MIN <= whole <= INTEGER_MAX else None


OPERATORS = {
    "Ceiling": ceiling,
    "Floor": floor,
    "Truncate": truncate,
    "Round": round_half_up,
    "Exp": exponential,
    "Ln": natural_logarithm,
    "Log": logarithm,
}
