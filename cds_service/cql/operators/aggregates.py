"""Aggregate functions (CQL 1.5, reference): nulls are left out, the result is null when none is left."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cmp_to_key, reduce
from typing import Any

from cds_service.cql.operators.arithmetic import add, divide, multiply
from cds_service.cql.operators.comparison import less, less_or_equal, order_for_sort
from cds_service.cql.operators.equality import equal
from cds_service.cql.values.numbers import ARITHMETIC, fit_decimal
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.units import UnitMismatch, convert


def count(items: list[Any] | None) -> int:
    """The number of elements that are not null."""
    return len(_known(items))


def total(items: list[Any] | None) -> Any:
    """The sum."""
    known = _known(items)
    return reduce(add, known) if known else None


def product(items: list[Any] | None) -> Any:
    """The product."""
    known = _known(items)
    return reduce(multiply, known) if known else None


def minimum(items: list[Any] | None) -> Any:
    """The least element; null when imprecise dates leave it open."""
    return _extreme(items, lambda one, two: less(two, one), lambda one, two: less_or_equal(two, one))


def maximum(items: list[Any] | None) -> Any:
    """The greatest element; null when imprecise dates leave it open."""
    return _extreme(items, less, less_or_equal)


def average(items: list[Any] | None) -> Any:
    """The arithmetic mean."""
    known = _known(items)
    return divide(total(known), Decimal(len(known))) if known else None


def median(items: list[Any] | None) -> Any:
    """The middle element in order, or the mean of the two in the middle."""
    known = sorted(_known(items), key=cmp_to_key(order_for_sort))
    if not known:
        return None
    middle, odd = divmod(len(known), 2)
    return known[middle] if odd else divide(add(known[middle - 1], known[middle]), Decimal(2))


def mode(items: list[Any] | None) -> Any:
    """The most frequent element, the first of several."""
    best, best_count = None, 0
    known = _known(items)
    for item in known:
        occurrences = sum(1 for other in known if equal(item, other))
        if occurrences > best_count:
            best, best_count = item, occurrences
    return best


def variance(items: list[Any] | None) -> Any:
    """The variance of a sample; null for a single element."""
    return _spread(items, lambda squares, number: squares / (number - 1) if number > 1 else None, 2)


def population_variance(items: list[Any] | None) -> Any:
    """The variance of a whole population."""
    return _spread(items, lambda squares, number: squares / number, 2)


def standard_deviation(items: list[Any] | None) -> Any:
    """The standard deviation of a sample; null for a single element."""
    return _spread(
        items, lambda squares, number: ARITHMETIC.sqrt(squares / (number - 1)) if number > 1 else None, 1
    )


def population_standard_deviation(items: list[Any] | None) -> Any:
    """The standard deviation of a whole population."""
    return _spread(items, lambda squares, number: ARITHMETIC.sqrt(squares / number), 1)


def geometric_mean(items: list[Any] | None) -> Any:
    """The n-th root of the product of n elements."""
    known = [Decimal(item) for item in _known(items)]
    if not known or any(item < 0 for item in known):
        return None
    if any(item == 0 for item in known):
        return Decimal(0)
    logarithms = sum(map(ARITHMETIC.ln, known), Decimal(0))
    return fit_decimal(ARITHMETIC.exp(logarithms / len(known)))


def all_true(items: list[bool | None] | None) -> bool:
    """Whether no element is false; true for null."""
    return items is None or all(item is not False for item in items)


def any_true(items: list[bool | None] | None) -> bool:
    """Whether an element is true; false for null."""
    return items is not None and any(item is True for item in items)


def _known(items: list[Any] | None) -> list[Any]:
    return [] if items is None else [item for item in items if item is not None]


def _extreme(
    items: list[Any] | None,
    below: Callable[[Any, Any], bool | None],
    not_above: Callable[[Any, Any], bool | None],
) -> Any:
    known = _known(items)
    if not known:
        return None
    best = known[0]
    open_question = False
    for item in known[1:]:
        higher = below(best, item)
        if higher:
            best = item
        elif higher is None:
            open_question = True
    if open_question and not all(item is best or not_above(item, best) for item in known):
        return None
    return best


def _spread(
    items: list[Any] | None, from_squares: Callable[[Decimal, Decimal], Decimal | None], dimension: int
) -> Any:
    """A measure made of the sum of squared distances from the mean, in the unit of the first element."""
    known = _known(items)
    if not known:
        return None
    unit = known[0].unit if type(known[0]) is Quantity else None
    try:
        numbers = [convert(item.value, item.unit, unit) if unit else Decimal(item) for item in known]
    except UnitMismatch:
        return None
    size = Decimal(len(numbers))
    mean = ARITHMETIC.divide(sum(numbers, Decimal(0)), size)
    squares = sum((ARITHMETIC.power(number - mean, 2) for number in numbers), Decimal(0))
    result = from_squares(squares, size)
    number = None if result is None else fit_decimal(result)
    if unit is None or number is None:
        return number
    return Quantity(
        number, multiply(Quantity(number, unit), Quantity(number, unit)).unit if dimension == 2 else unit
    )


OPERATORS: dict[str, Callable[..., Any]] = {
    "Count": count,
    "Sum": total,
    "Product": product,
    "Min": minimum,
    "Max": maximum,
    "Avg": average,
    "Median": median,
    "Mode": mode,
    "Variance": variance,
    "PopulationVariance": population_variance,
    "StdDev": standard_deviation,
    "PopulationStdDev": population_standard_deviation,
    "GeometricMean": geometric_mean,
    "AllTrue": all_true,
    "AnyTrue": any_true,
}
