"""Add, Subtract, Multiply, Divide, TruncatedDivide, Modulo, Power, Negate, Abs
(CQL 1.5, reference, arithmetic operators).

Any null operand gives null, and so does a result outside the range of its type or a division by zero.
Operands of one operation are of one kind, or Integer, Long and Decimal mixed: the wider kind is the result.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal, DecimalException
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.dates import add_duration
from cds_service.cql.values.numbers import (
    ARITHMETIC,
    INTEGER_MAX,
    INTEGER_MIN,
    LONG_MAX,
    LONG_MIN,
    Long,
    fit_decimal,
)
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Temporal
from cds_service.cql.values.uncertain import Uncertain, uncertain
from cds_service.cql.values.units import UnitMismatch, convert, product_unit, quotient_unit, same_unit

# Beyond this no power of a whole number but 0, 1 and -1 is in range.
_LARGEST_EXPONENT = 128
_ONE = Decimal(1)


def add(left: Any, right: Any) -> Any:
    """left + right; a date or time plus a duration."""
    if left is None or right is None:
        return None
    if type(left) is int and type(right) is int:
        total = left + right
        return total if INTEGER_MIN <= total <= INTEGER_MAX else None
    if isinstance(left, Temporal):
        return add_duration(left, _duration(right), 1)
    return _calculate(left, right, ARITHMETIC.add, int.__add__, _sum)


def subtract(left: Any, right: Any) -> Any:
    """left - right; a date or time minus a duration."""
    if left is None or right is None:
        return None
    if type(left) is int and type(right) is int:
        difference = left - right
        return difference if INTEGER_MIN <= difference <= INTEGER_MAX else None
    if isinstance(left, Temporal):
        return add_duration(left, _duration(right), -1)
    return _calculate(left, right, ARITHMETIC.subtract, int.__sub__, _difference)


def multiply(left: Any, right: Any) -> Any:
    """left * right; the units of quantities are multiplied as well."""
    if left is None or right is None:
        return None
    if type(left) is Quantity or type(right) is Quantity:
        return _quantity(multiply(_number(left), _number(right)), product_unit(_unit(left), _unit(right)))
    return _calculate(left, right, ARITHMETIC.multiply, int.__mul__, None)


def divide(left: Any, right: Any) -> Any:
    """left / right, always a Decimal or a Quantity, to eight places."""
    if left is None or right is None:
        return None
    if type(left) is Quantity or type(right) is Quantity:
        return _divide_quantities(left, right)
    _refuse_uncertain(left, right)
    divisor = Decimal(right)
    return None if divisor == 0 else fit_decimal(ARITHMETIC.divide(Decimal(left), divisor))


def truncated_divide(left: Any, right: Any) -> Any:
    """left div right: the whole part of the quotient, cut towards zero."""
    if left is None or right is None:
        return None
    if type(left) is Quantity:
        return _same_unit_operation(left, right, truncated_divide)
    _refuse_uncertain(left, right)
    if right == 0:
        return None
    if type(left) is Decimal or type(right) is Decimal:
        quotient = ARITHMETIC.divide(Decimal(left), Decimal(right))
        return fit_decimal(quotient.to_integral_value(ROUND_DOWN))
    whole = abs(int(left)) // abs(int(right))
    return _whole(whole if (left < 0) is (right < 0) else -whole, left, right)


def modulo(left: Any, right: Any) -> Any:
    """left mod right: what the truncated division leaves, with the sign of the left operand."""
    if left is None or right is None:
        return None
    if type(left) is Quantity:
        return _same_unit_operation(left, right, modulo)
    _refuse_uncertain(left, right)
    if right == 0:
        return None
    if type(left) is Decimal or type(right) is Decimal:
        return fit_decimal(ARITHMETIC.remainder(Decimal(left), Decimal(right)))
    rest = abs(int(left)) % abs(int(right))
    return _whole(rest if left >= 0 else -rest, left, right)


def power(base: Any, exponent: Any) -> Any:
    """base raised to exponent: a Decimal for a Decimal operand or a negative exponent."""
    if base is None or exponent is None:
        return None
    _refuse_uncertain(base, exponent)
    if type(base) is not Decimal and type(exponent) is not Decimal and exponent >= 0:
        if exponent > _LARGEST_EXPONENT and base not in (0, 1, -1):
            return None
        reduced = int(exponent) if exponent <= _LARGEST_EXPONENT else 2 - int(exponent) % 2
        return _whole(int(base) ** reduced, base, exponent)
    if base == 0:
        return (_ONE if exponent == 0 else Decimal(0)) if exponent >= 0 else None
    try:
        return fit_decimal(ARITHMETIC.power(Decimal(base), Decimal(exponent)))
    except (DecimalException, OverflowError):
        return None


def negate(value: Any) -> Any:
    """-value."""
    if value is None:
        return None
    if type(value) is Quantity:
        return Quantity(negate(value.value), value.unit)
    if type(value) is Decimal:
        return value.copy_negate() if value else value
    if type(value) is Uncertain:
        return Uncertain(negate(value.high), negate(value.low))
    return _whole(-int(value), value, value)


def absolute(value: Any) -> Any:
    """The value without its sign."""
    if type(value) is Uncertain:
        raise CqlRuntimeError("the absolute of an uncertain value is not defined")
    if type(value) is Quantity:
        return Quantity(value.value.copy_abs(), value.unit)
    return value if value is None or value >= 0 else negate(value)


def _calculate(
    left: Any,
    right: Any,
    decimals: Callable[[Decimal, Decimal], Decimal],
    integers: Callable[[int, int], int],
    quantities: Callable[[Quantity, Quantity], Quantity | None] | None,
) -> Any:
    kind, other = type(left), type(right)
    if kind is Decimal and other is Decimal:
        return fit_decimal(decimals(left, right))
    if kind is Uncertain or other is Uncertain:
        return _calculate_uncertain(left, right, decimals, integers, quantities)
    if kind is Decimal or other is Decimal:
        return fit_decimal(decimals(Decimal(left), Decimal(right)))
    if quantities is not None and kind is Quantity and other is Quantity:
        return quantities(left, right)
    if isinstance(left, int) and isinstance(right, int):
        return _whole(integers(int(left), int(right)), left, right)
    raise CqlRuntimeError(f"{kind.__name__} and {other.__name__} cannot be calculated with")


def _calculate_uncertain(left: Any, right: Any, *operations: Any) -> Any:
    """The least and the greatest result over the ends of both operands."""
    results = [_calculate(one, two, *operations) for one in _ends(left) for two in _ends(right)]
    return None if None in results else uncertain(min(results), max(results))


def _ends(value: Any) -> tuple[Any, ...]:
    return (value.low, value.high) if type(value) is Uncertain else (value,)


def _refuse_uncertain(*values: Any) -> None:
    for value in values:
        if type(value) is Uncertain:
            raise CqlRuntimeError(f"a value {value} cannot be divided or raised to a power")


def _whole(result: int, left: Any, right: Any) -> int | None:
    """An Integer, or a Long when an operand is one; None out of range."""
    if type(left) is Long or type(right) is Long:
        return Long(result) if LONG_MIN <= result <= LONG_MAX else None
    return result if INTEGER_MIN <= result <= INTEGER_MAX else None


def _duration(value: Any) -> Quantity:
    if type(value) is not Quantity:
        raise CqlRuntimeError("only a duration can be added to a date or time")
    return value


def _number(value: Any) -> Any:
    return value.value if type(value) is Quantity else value


def _unit(value: Any) -> str:
    return value.unit if type(value) is Quantity else "1"


def _quantity(number: Decimal | None, unit: str) -> Quantity | None:
    return None if number is None else Quantity(Decimal(number), unit)


def _common_unit(left: Quantity, right: Quantity) -> tuple[Decimal, Decimal, str] | None:
    """Both numbers in the finer unit of the two; None when the units have no fixed relation."""
    if same_unit(left.unit, right.unit):
        return left.value, right.value, left.unit
    try:
        if convert(_ONE, left.unit, right.unit) > 1:
            return convert(left.value, left.unit, right.unit), right.value, right.unit
        return left.value, convert(right.value, right.unit, left.unit), left.unit
    except UnitMismatch:
        return None


def _sum(left: Quantity, right: Quantity) -> Quantity | None:
    common = _common_unit(left, right)
    if common is None:
        return None
    one, two, unit = common
    return _quantity(fit_decimal(ARITHMETIC.add(one, two)), unit)


def _difference(left: Quantity, right: Quantity) -> Quantity | None:
    return _sum(left, Quantity(right.value.copy_negate(), right.unit))


def _divide_quantities(left: Any, right: Any) -> Quantity | None:
    unit, divisor = _unit(left), _unit(right)
    if unit != "1" and divisor != "1" and not same_unit(unit, divisor):
        try:
            left = Quantity(convert(left.value, unit, divisor), divisor)
            unit = divisor
        except UnitMismatch:
            return _quantity(divide(_number(left), _number(right)), quotient_unit(unit, divisor))
    elif unit != "1" and divisor != "1":
        unit = divisor
    return _quantity(divide(_number(left), _number(right)), quotient_unit(unit, divisor))


def _same_unit_operation(left: Quantity, right: Any, operation: Callable[[Any, Any], Any]) -> Quantity | None:
    """An operation on the numbers of two quantities, in the unit of the left one."""
    if type(right) is not Quantity:
        return _quantity(operation(left.value, right), left.unit)
    try:
        return _quantity(operation(left.value, convert(right.value, right.unit, left.unit)), left.unit)
    except UnitMismatch:
        return None


OPERATORS = {
    "Add": add,
    "Subtract": subtract,
    "Multiply": multiply,
    "Divide": divide,
    "TruncatedDivide": truncated_divide,
    "Modulo": modulo,
    "Power": power,
    "Negate": negate,
    "Abs": absolute,
}
