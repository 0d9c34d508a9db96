"""Equal, NotEqual and Equivalent (CQL 1.5, reference, comparison operators and clinical operators).

Equality is null when a part that would decide is missing; equivalence is always true or false.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cds_service.cql.operators.arithmetic import divide
from cds_service.cql.operators.bounds import end, start
from cds_service.cql.operators.comparison import (
    PLAIN,
    compare_quantities,
    compare_temporal,
    less,
    shifted_parts,
)
from cds_service.cql.values.clinical import Code, CodeSystemReference, Concept, ValueSetReference
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.numbers import ARITHMETIC, Long
from cds_service.cql.values.quantity import Quantity, Ratio
from cds_service.cql.values.temporal import Date, DateTime, Temporal, Time
from cds_service.cql.values.timezone import default_offset_minutes
from cds_service.cql.values.tuples import CqlTuple
from cds_service.cql.values.uncertain import Uncertain
from cds_service.cql.values.units import UnitMismatch, convert_equivalent

_NUMBERS = frozenset({int, Long, Decimal, float})


def equal(left: Any, right: Any) -> bool | None:
    """left = right: True, False or None."""
    if left is None or right is None:
        return None
    kind, other = type(left), type(right)
    if kind in PLAIN and other in PLAIN:
        return bool(left == right)
    if kind is Uncertain or other is Uncertain:
        return _equal_uncertain(left, right)
    rule = _EQUAL.get(kind)
    if rule is None or _EQUAL.get(other) is not rule:
        return kind is other and left == right
    return rule(left, right)


def not_equal(left: Any, right: Any) -> bool | None:
    """left != right: the opposite of `equal`."""
    result = equal(left, right)
    return None if result is None else not result


def equal_or_both_null(left: Any, right: Any) -> bool | None:
    """As `equal`, but two nulls are equal: how lists, tuples and sets of values look at their elements."""
    if left is None and right is None:
        return True
    return equal(left, right)


def equivalent(left: Any, right: Any) -> bool:
    """left ~ right: True or False, two nulls are equivalent."""
    if left is None or right is None:
        return left is right
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        return _equivalent_numbers(left, right)
    if kind is Concept or other is Concept:
        return _equivalent_concepts(left, right)
    rule = _EQUIVALENT.get(kind)
    if rule is None or _EQUIVALENT.get(other) is not rule:
        return equal(left, right) is True
    return rule(left, right)


def _equal_uncertain(left: Any, right: Any) -> bool | None:
    low, high = (left.low, left.high) if type(left) is Uncertain else (left, left)
    other_low, other_high = (right.low, right.high) if type(right) is Uncertain else (right, right)
    if less(high, other_low) or less(other_high, low):
        return False
    if equal(low, high) and equal(other_low, other_high):
        return equal(low, other_low)
    return None


def _equal_temporal(left: Temporal, right: Temporal) -> bool | None:
    if (type(left) is Time) is not (type(right) is Time):
        return False
    sign = compare_temporal(left, right)
    return None if sign is None else sign == 0


def _equal_quantities(left: Quantity, right: Quantity) -> bool | None:
    sign = compare_quantities(left, right)
    return None if sign is None else sign == 0


def _equal_ratios(left: Ratio, right: Ratio) -> bool | None:
    return _all_true((equal(left.numerator, right.numerator), equal(left.denominator, right.denominator)))


def _equal_intervals(left: Interval, right: Interval) -> bool | None:
    return _all_true((equal(start(left), start(right)), equal(end(left), end(right))))


def _equal_lists(left: list[Any], right: list[Any]) -> bool | None:
    if len(left) != len(right):
        return False
    result: bool | None = True
    for one, two in zip(left, right, strict=True):
        same = equal_or_both_null(one, two)
        if same is False:
            return False
        if same is None:
            result = None
    return result


def _equal_tuples(left: CqlTuple, right: CqlTuple) -> bool | None:
    """The first element, in source order, that is not equal decides (as the public suite has it)."""
    if left.keys() != right.keys():
        return False
    for name, value in left.items():
        same = equal_or_both_null(value, right[name])
        if same is not True:
            return same
    return True


def _equal_codes(left: Code, right: Code) -> bool | None:
    return _equal_elements(left, right, ("code", "system", "version", "display"))


def _equal_concepts(left: Concept, right: Concept) -> bool | None:
    return _all_true(
        (
            _equal_lists(list(left.codes), list(right.codes)),
            equal_or_both_null(left.display, right.display),
        )
    )


def _equal_vocabularies(left: Any, right: Any) -> bool | None:
    return type(left) is type(right) and _equal_elements(left, right, ("id", "version"))


def _equal_elements(left: Any, right: Any, names: tuple[str, ...]) -> bool | None:
    return _all_true(equal_or_both_null(getattr(left, name), getattr(right, name)) for name in names)


def _all_true(results: Any) -> bool | None:
    answer: bool | None = True
    for result in results:
        if result is False:
            return False
        if result is None:
            answer = None
    return answer


def _equivalent_numbers(left: Any, right: Any) -> bool:
    """Equal after rounding to the places of the less precise one, trailing zeros aside."""
    if left == right:
        return True
    one, two = Decimal(left), Decimal(right)
    places = Decimal(1).scaleb(-min(_places(one), _places(two)))
    first = one.quantize(places, ROUND_HALF_UP, ARITHMETIC)
    return first == two.quantize(places, ROUND_HALF_UP, ARITHMETIC)


def _places(number: Decimal) -> int:
    exponent = number.normalize(ARITHMETIC).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _equivalent_strings(left: str, right: str) -> bool:
    """Case and the kind of white space do not matter."""
    return left == right or _folded(left) == _folded(right)


def _folded(text: str) -> str:
    return "".join(" " if character.isspace() else character for character in text).casefold()


def _equivalent_temporal(left: Temporal, right: Temporal) -> bool:
    if (type(left) is Time) is not (type(right) is Time) or len(left.parts) != len(right.parts):
        return False
    if left.offset_minutes == right.offset_minutes:
        return left.parts == right.parts
    return _in_evaluation_zone(left) == _in_evaluation_zone(right)


def _in_evaluation_zone(value: Temporal) -> tuple[int, ...]:
    if value.offset_minutes is None:
        return value.parts
    return shifted_parts(value, default_offset_minutes() - value.offset_minutes)


def _equivalent_quantities(left: Quantity, right: Quantity) -> bool:
    try:
        number = convert_equivalent(right.value, right.unit, left.unit)
    except UnitMismatch:
        return False
    return _equivalent_numbers(left.value, number)


def _equivalent_ratios(left: Ratio, right: Ratio) -> bool:
    """The same relationship, 1:2 and 10:20."""
    one = divide(left.numerator, left.denominator)
    two = divide(right.numerator, right.denominator)
    return one is not None and two is not None and _equivalent_quantities(one, two)


def _equivalent_intervals(left: Interval, right: Interval) -> bool:
    return _equivalent_bounds(start(left), start(right)) and _equivalent_bounds(end(left), end(right))


def _equivalent_bounds(left: Any, right: Any) -> bool:
    unknown = (type(left) is Uncertain, type(right) is Uncertain)
    return all(unknown) or (not any(unknown) and equivalent(left, right))


def _equivalent_lists(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(map(equivalent, left, right))


def _equivalent_tuples(left: CqlTuple, right: CqlTuple) -> bool:
    return left.keys() == right.keys() and all(equivalent(value, right[name]) for name, value in left.items())


def _equivalent_codes(left: Code, right: Code) -> bool:
    """Code and system; version and display do not matter."""
    return left.code == right.code and left.system == right.system


def _equivalent_concepts(left: Any, right: Any) -> bool:
    """Any code in common; a single code counts as a concept of one."""
    codes = _codes_of(left)
    others = _codes_of(right)
    return any(
        one is not None and two is not None and _equivalent_codes(one, two) for one in codes for two in others
    )


def _codes_of(value: Any) -> tuple[Code | None, ...]:
    if isinstance(value, Concept):
        return value.codes
    return (value,) if isinstance(value, Code) else ()


def _equivalent_vocabularies(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left.id == right.id


_EQUAL: dict[type, Callable[[Any, Any], bool | None]] = {
    Date: _equal_temporal,
    DateTime: _equal_temporal,
    Time: _equal_temporal,
    Quantity: _equal_quantities,
    Ratio: _equal_ratios,
    Interval: _equal_intervals,
    list: _equal_lists,
    CqlTuple: _equal_tuples,
    Code: _equal_codes,
    Concept: _equal_concepts,
    ValueSetReference: _equal_vocabularies,
    CodeSystemReference: _equal_vocabularies,
}

_EQUIVALENT: dict[type, Callable[[Any, Any], bool]] = {
    str: _equivalent_strings,
    Date: _equivalent_temporal,
    DateTime: _equivalent_temporal,
    Time: _equivalent_temporal,
    Quantity: _equivalent_quantities,
    Ratio: _equivalent_ratios,
    Interval: _equivalent_intervals,
    list: _equivalent_lists,
    CqlTuple: _equivalent_tuples,
    Code: _equivalent_codes,
    ValueSetReference: _equivalent_vocabularies,
    CodeSystemReference: _equivalent_vocabularies,
}

OPERATORS = {"Equal": equal, "NotEqual": not_equal, "Equivalent": equivalent}
