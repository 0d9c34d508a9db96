"""Expand (CQL 1.5, reference, interval operators).

An interval expands into points, a list of intervals into intervals, `per` apart. Bounds are cut down to the
precision of `per`; what is left at the end and shorter than `per` is dropped, and so is an interval whose
bounds are less precise than `per`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_FLOOR, Decimal
from itertools import chain
from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.bounds import end, start
from cds_service.cql.operators.comparison import less, less_or_equal
from cds_service.cql.operators.dates import add_units
from cds_service.cql.operators.lists import LONGEST_LIST
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.numbers import ARITHMETIC, Long, decimal_scale
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import LENGTHS, Temporal, Time
from cds_service.cql.values.uncertain import Uncertain
from cds_service.cql.values.units import UnitMismatch, calendar_unit, convert

_Step = tuple[Any, Any]


def expand(source: Any, per: Quantity | None = None) -> list[Any] | None:
    """The points of an interval, or the intervals of a list of them, of the size `per`.

    Without `per`, one unit of the coarsest precision of the bounds. Raises CqlRuntimeError for a result of
    more than 100,000 elements.
    """
    if source is None:
        return None
    if type(source) is Interval:
        return [first for first, _ in _limited(_steps(source, per or _unit_of([source])))]
    known = [interval for interval in source if interval is not None]
    size = per or _unit_of(known)
    pieces = _limited(chain.from_iterable(_steps(interval, size) for interval in known))
    return list(dict.fromkeys(Interval(first, last) for first, last in pieces))


def _unit_of(intervals: list[Interval]) -> Quantity:
    """One unit of the coarsest precision among the bounds."""
    points = [point for interval in intervals for point in (start(interval), end(interval))]
    temporal = [point for point in points if isinstance(point, Temporal)]
    if temporal:
        return Quantity(Decimal(1), min(temporal, key=lambda point: len(point.parts)).precision)
    numbers = [point.value if type(point) is Quantity else point for point in points]
    scales = [decimal_scale(number) for number in numbers if type(number) is Decimal]
    return Quantity(Decimal(1).scaleb(-min(scales, default=0)))


def _steps(interval: Interval, per: Quantity) -> Iterator[_Step]:
    """The first and last point of each piece."""
    low, high = start(interval), end(interval)
    if low is None or high is None or type(low) is Uncertain or type(high) is Uncertain:
        return iter(())
    if per.value <= 0:
        raise CqlRuntimeError("expand needs a size above zero")
    return _periods(low, high, per) if isinstance(low, Temporal) else _numbers(low, high, per)


def _limited(pieces: Iterator[_Step]) -> Iterator[_Step]:
    for number, piece in enumerate(pieces):
        if number >= LONGEST_LIST:
            raise CqlRuntimeError(f"expand gives more than {LONGEST_LIST} elements")
        yield piece


def _periods(low: Temporal, high: Temporal, per: Quantity) -> Iterator[_Step]:
    unit, amount = calendar_unit(per.unit), int(per.value)
    if unit is None:
        raise CqlRuntimeError(f"'{per.unit}' is not a unit of time")
    if unit == "week":
        unit, amount = "day", amount * 7
    length = LENGTHS[unit] - (3 if type(low) is Time else 0)
    if min(len(low.parts), len(high.parts)) < length or length < 1:
        return
    first, limit = low.truncate(length), high.truncate(length)
    try:
        while True:
            last = add_units(first, amount - 1, unit)
            if less(last, first) or not less_or_equal(last, limit):
                return
            yield first, last
            following = add_units(last, 1, unit)
            if not less(first, following):
                return  # past midnight
            first = following
    except CqlRuntimeError:
        return  # past the last year


def _numbers(low: Any, high: Any, per: Quantity) -> Iterator[_Step]:
    if type(low) is Quantity:
        size = _in_unit(per, low.unit)
        high_value = _in_unit(high, low.unit)
        for first, last in _decimals(low.value, high_value, size):
            yield Quantity(first, low.unit), Quantity(last, low.unit)
        return
    size, scale = per.value, decimal_scale(per.value.normalize())
    if type(low) is Decimal:
        yield from _decimals(low, high, size)
    elif scale == 0:
        kind: type[int] = Long if type(low) is Long else int
        for number in range(low, high - int(size) + 2, int(size)):
            yield kind(number), kind(number + int(size) - 1)
    else:
        whole_last = Decimal(int(high)) + 1 - Decimal(1).scaleb(-scale)
        yield from _decimals(Decimal(int(low)), whole_last, size)


def _decimals(low: Decimal, high: Decimal, size: Decimal) -> Iterator[_Step]:
    unit = Decimal(1).scaleb(-decimal_scale(size))
    first = low.quantize(unit, ROUND_FLOOR, ARITHMETIC)
    limit = high.quantize(unit, ROUND_FLOOR, ARITHMETIC)
    while first + size - unit <= limit:
        yield first, first + size - unit
        first += size


def _in_unit(quantity: Quantity, unit: str) -> Decimal:
    if quantity.unit in ("1", unit):
        return quantity.value
    try:
        return convert(quantity.value, quantity.unit, unit)
    except UnitMismatch as problem:
        raise CqlRuntimeError(str(problem)) from problem


OPERATORS = {"Expand": expand}
