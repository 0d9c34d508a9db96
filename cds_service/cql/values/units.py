"""Units of measure: UCUM through `ucumvert` and pint, calendar durations as CQL 1.5 defines them.

Loading the UCUM tables takes about a second and 30 MB, so it happens when two different units first
meet; the conversion between two units is then remembered. Equal units never come here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from threading import Lock
from typing import Any

from cds_service.cql.values.numbers import ARITHMETIC

# A unit is text from a chart: no real one is longer, or has such an exponent or number in it, and the
# parser would calculate it.
LONGEST_UNIT = 80
_ABSURD_NUMBER = re.compile(r"[A-Za-z*^\])}][+-]?\d{3}|\d{7}")

# UCUM section 6: text in curly braces says what is counted and has no meaning; alone it is the unit 1.
_ANNOTATION_OF_UNIT = re.compile(r"(?<=[^./(])\{[^{}]*\}")
_ANNOTATION = re.compile(r"\{[^{}]*\}(?![A-Za-z0-9\[{])")

# UCUM section 3.2: arbitrary units ([IU], [CFU], ...) compare with nothing but themselves.
_ARBITRARY = re.compile(r"\[(?:[A-Za-z0-9']*U|[CTE]+ID_50|IR|Lf)\]")

_ZERO, _ONE, _TWELVE = Decimal(0), Decimal(1), Decimal(12)

_lock = Lock()
_registry: Any = None

# Calendar durations up to the week are definite and equal their UCUM units; months and years are not
# (CQL 1.5, author's guide, quantities: calendar durations and definite-time durations).
_DEFINITE = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
_CALENDAR_TO_UCUM = {"year": "a", "month": "mo", **_DEFINITE}
_UCUM_TO_CALENDAR = {ucum: name for name, ucum in _CALENDAR_TO_UCUM.items()}
_SINGULAR = {name + plural: name for name in _CALENDAR_TO_UCUM for plural in ("", "s")}
_LONG_UCUM = frozenset({"a", "mo"})
_DAYS_IN_CALENDAR = {"year": Decimal(365), "month": Decimal(30)}


class UnitMismatch(ValueError):  # noqa: N818 - the name of the interface
    """Two units that cannot be converted into each other, or a text that is no unit."""


class _Conversion:
    """value * factor / divisor + offset: the offset is for temperatures.

    Factor and divisor, so that both directions of a round relation (60 minutes, 12 months) are exact.
    """

    __slots__ = ("divisor", "factor", "offset")

    def __init__(self, factor: Decimal, divisor: Decimal = _ONE, offset: Decimal = _ZERO) -> None:
        self.factor = factor
        self.divisor = divisor
        self.offset = offset

    def __call__(self, value: Decimal) -> Decimal:
        scaled = ARITHMETIC.divide(ARITHMETIC.multiply(value, self.factor), self.divisor)
        return ARITHMETIC.add(scaled, self.offset) if self.offset else scaled


def convert(value: Decimal, source: str, target: str) -> Decimal:
    """`value` of `source` units in `target` units.

    Raises UnitMismatch when the dimensions differ, when a unit is unknown, and between calendar years or
    months and definite durations.
    """
    if source == target:
        return value
    conversion = _conversion(source, target)
    if conversion is None:
        raise UnitMismatch(f"'{source[:LONGEST_UNIT]}' cannot be converted to '{target[:LONGEST_UNIT]}'")
    return conversion(value)


def convert_equivalent(value: Decimal, source: str, target: str) -> Decimal:
    """As `convert`, for equivalence: a calendar year is also 'a' or 365 days, a month 'mo' or 30 days."""
    if source == target:
        return value
    left, right = _SINGULAR.get(source), _SINGULAR.get(target)
    if left is not None and target in _LONG_UCUM:
        return convert(value, _CALENDAR_TO_UCUM[left], target)
    if right is not None and source in _LONG_UCUM:
        return convert(value, source, _CALENDAR_TO_UCUM[right])
    if left in _DAYS_IN_CALENDAR and right not in _DAYS_IN_CALENDAR:
        return convert(value * _DAYS_IN_CALENDAR[left or ""], "d", target)
    if right in _DAYS_IN_CALENDAR and left not in _DAYS_IN_CALENDAR:
        return convert(value, source, "d") / _DAYS_IN_CALENDAR[right or ""]
    return convert(value, source, target)


def same_unit(left: str, right: str) -> bool:
    """Whether two unit texts say the same without any conversion: "day", "days" and 'd'."""
    return left == right or canonical(left) == canonical(right)


def canonical(unit: str) -> str:
    """The singular of calendar years and months, the UCUM unit of shorter calendar durations."""
    singular = _SINGULAR.get(unit)
    return unit if singular is None else _DEFINITE.get(singular, singular)


def without_annotations(unit: str) -> str:
    """'{score}' -> '1', 'mg{total}' -> 'mg', '10*3/{cells}' -> '10*3/1'."""
    return _ANNOTATION.sub("1", _ANNOTATION_OF_UNIT.sub("", unit)) if "{" in unit else unit


def calendar_unit(unit: str) -> str | None:
    """The calendar duration ("year" ... "millisecond") that a unit names in date arithmetic, or None."""
    return _SINGULAR.get(unit) or _UCUM_TO_CALENDAR.get(unit)


@lru_cache(maxsize=2048)
def _conversion(source: str, target: str) -> _Conversion | None:
    """The relation of two units, None when there is none: that is remembered as well."""
    left, right = canonical(source), canonical(target)
    if left == right:
        return _Conversion(_ONE)
    if left in _DAYS_IN_CALENDAR or right in _DAYS_IN_CALENDAR:
        if left in _DAYS_IN_CALENDAR and right in _DAYS_IN_CALENDAR:
            return _Conversion(_TWELVE) if left == "year" else _Conversion(_ONE, _TWELVE)
        return None
    for unit in (left, right):
        if len(unit) > LONGEST_UNIT or _ABSURD_NUMBER.search(unit):
            return None
    left, right = without_annotations(left), without_annotations(right)
    if left == right:
        return _Conversion(_ONE)
    if _arbitrary_units(left) != _arbitrary_units(right):
        return None
    with _lock:
        return _ucum_conversion(left, right)


def _arbitrary_units(unit: str) -> list[str]:
    return sorted(name.replace("i", "I") for name in _ARBITRARY.findall(unit))


def _ucum_conversion(source: str, target: str) -> _Conversion | None:
    registry = _load_registry()
    try:
        left, right = registry.from_ucum(source), registry.from_ucum(target)
        at_0, at_1, at_2 = (
            registry.Quantity(number * left.magnitude, left.units).to(right.units).magnitude / right.magnitude
            for number in (0.0, 1.0, 2.0)
        )
    except Exception:  # the parser and pint raise many kinds, all meaning the same here
        return None
    factor = at_1 - at_0
    if not isfinite(factor) or factor == 0 or abs(at_2 - at_1 - factor) > 1e-9 * abs(factor):
        return None
    multiplier, divisor = _decimal(factor), _decimal(1 / factor)
    if len(multiplier.as_tuple().digits) <= len(divisor.as_tuple().digits):
        return _Conversion(multiplier, offset=_decimal(at_0))
    return _Conversion(_ONE, divisor, _decimal(at_0))


def _decimal(number: float) -> Decimal:
    """Without the last, noisy digits of binary arithmetic."""
    return Decimal(f"{number:.13g}")


def _load_registry() -> Any:
    global _registry
    if _registry is None:
        from ucumvert import PintUcumRegistry  # type: ignore[import-untyped]

        _registry = PintUcumRegistry()
    return _registry


def product_unit(left: str, right: str) -> str:
    """The unit of a product: 'cm' and 'cm' give 'cm2', 'g' and 'm' give 'g.m'."""
    if left == "1" or right == "1":
        return right if left == "1" else left
    if left == right and left.isalpha():
        return f"{left}2"
    return f"{_factor_of(left)}.{_factor_of(right)}"


def quotient_unit(left: str, right: str) -> str:
    """The unit of a quotient: 'g' and 'mL' give 'g/mL', equal units cancel out."""
    if left == right:
        return "1"
    return left if right == "1" else f"{_factor_of(left)}/{_factor_of(right)}"


def _factor_of(unit: str) -> str:
    plain = canonical(unit)
    ucum = _CALENDAR_TO_UCUM.get(plain, plain)
    return f"({ucum})" if "/" in ucum or "." in ucum else ucum


def preload() -> None:
    """Load the UCUM tables now, so that the first conversion of a request does not wait a second for them."""
    with _lock:
        _load_registry()
