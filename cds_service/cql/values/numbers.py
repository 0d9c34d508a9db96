"""Integer, Long and Decimal: the ranges and the step sizes of CQL 1.5, appendix B (types)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow


class Long(int):
    """A 64-bit integer of CQL; a plain `int` is the 32-bit Integer."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Long({int(self)})"


INTEGER_MIN, INTEGER_MAX = -(2**31), 2**31 - 1
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1

DECIMAL_STEP = Decimal("0.00000001")
DECIMAL_MAX = Decimal("99999999999999999999.99999999")
DECIMAL_MIN = -DECIMAL_MAX

# Results may use all 28 digits before the point; beyond that an operation has no result (public suite).
DECIMAL_LIMIT = Decimal(10) ** 28
DECIMAL_PLACES = -8

# Wide enough for the product of two Decimals before it is rounded to eight places.
ARITHMETIC = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])


def fit_decimal(value: Decimal) -> Decimal | None:
    """Round to eight decimal places, half away from zero; None when the result leaves the Decimal range."""
    if not -DECIMAL_LIMIT <= value <= DECIMAL_LIMIT:
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < DECIMAL_PLACES:
        value = ARITHMETIC.quantize(value, DECIMAL_STEP)
    return value if value else abs(value)


def decimal_text(value: Decimal) -> str:
    """Plain notation without an exponent, as CQL writes Decimals."""
    return format(value, "f")


def decimal_scale(value: Decimal) -> int:
    """The number of digits after the point, trailing zeros included."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
