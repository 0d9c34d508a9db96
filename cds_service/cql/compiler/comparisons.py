"""Comparisons in the traced variant: they keep the values compared and say why nothing came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from cds_service.cql.compiler.body import Body, Closure, Frame, Node
from cds_service.cql.compiler.calls import Place
from cds_service.cql.reasons import Why

COMPARISONS: Final = frozenset(
    {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Before", "After", "SameAs", "SameOrBefore",
     "SameOrAfter", "In", "IncludedIn", "Overlaps", "Includes", "Contains"}
)  # fmt: skip
# Types people want to see compared; codes and texts of every row would drown them.
_TOLD: Final = frozenset(
    {"System.Integer", "System.Long", "System.Decimal", "System.Quantity", "System.Date", "System.DateTime"}
)
_UNTOLD_NODES: Final = frozenset({"Literal", "Quantity", "ParameterRef", "Now", "Today", "Date", "DateTime"})
_AGES: Final = frozenset({"CalculateAge", "CalculateAgeAt"})


def _told(body: Body, node: Node) -> str | None:
    """How to word a compared operand ("{}" with its unit), or None when it is not worth telling."""
    while node.get("type") in ("ToDecimal", "ToDateTime", "ToQuantity", "ToDate", "ToConcept"):
        node = node["operand"]
    if node.get("type") in _UNTOLD_NODES or body.type_of(node) not in _TOLD:
        return None
    if node["type"] in _AGES:
        return f"age {{}} {str(node.get('precision', 'Year')).lower()}s"
    return "{}"


def traced_comparison(
    body: Body, node: Node, function: Callable[..., Any], operands: Sequence[Closure]
) -> Closure:
    """A binary comparison that records its values and, where two known values give null, says so."""
    left, right = operands
    left_word, right_word = (_told(body, one) for one in node["operand"])
    fail = Place(body).fail
    if left_word is None and right_word is None:

        def untold(frame: Frame) -> Any:
            first = left(frame)
            second = right(frame)
            try:
                result = function(first, second)
            except Exception as error:
                fail(error)
            if result is None and first is not None and second is not None:
                frame[0].current.notes.append((Why.UNDECIDED, first, second))
            return result

        return untold

    def compare(frame: Frame) -> Any:
        record = frame[0].current
        evidence = record.evidence
        start = len(evidence)
        first = left(frame)
        middle = len(evidence)
        second = right(frame)
        if left_word is not None and first is not None:
            record.values.append((first, evidence[start:middle], left_word))
        if right_word is not None and second is not None:
            record.values.append((second, evidence[middle:], right_word))
        try:
            result = function(first, second)
        except Exception as error:
            fail(error)
        if result is None and first is not None and second is not None:
            record.notes.append((Why.UNDECIDED, first, second))
        return result

    return compare
