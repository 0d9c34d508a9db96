"""Small changes to one CQL expression, each of which some golden case should notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

Node = dict[str, Any]
Variant = tuple[Node, str]
"""What stands in for an expression, and what happened, in words."""
Words = Callable[[Node], str]
"""The source text of a node."""

_ELM = "{urn:hl7-org:elm-types:r1}"
_BOOLEAN = f"{_ELM}Boolean"
# What each comparison becomes: first its boundary moved, then turned round.
_COMPARISONS = {
    "Less": ("LessOrEqual", "GreaterOrEqual"),
    "LessOrEqual": ("Less", "Greater"),
    "Greater": ("GreaterOrEqual", "LessOrEqual"),
    "GreaterOrEqual": ("Greater", "Less"),
    "Before": ("SameOrBefore", "SameOrAfter"),
    "SameOrBefore": ("Before", "After"),
    "After": ("SameOrAfter", "SameOrBefore"),
    "SameOrAfter": ("After", "Before"),
    "Max": ("Min",),
    "Min": ("Max",),
}
_SIGNS = {
    "Less": "<",
    "LessOrEqual": "<=",
    "Greater": ">",
    "GreaterOrEqual": ">=",
    "Before": "before",
    "SameOrBefore": "on or before",
    "After": "after",
    "SameOrAfter": "on or after",
}
VALUES = ("Literal", "Quantity", "As")
"""Nodes whose changes read alike wherever they stand: they need the words around them."""

_CONDITIONS = frozenset(
    {
        "InValueSet",
        "AnyInValueSet",
        "Exists",
        "IsNull",
        "IsTrue",
        "IsFalse",
        "Is",
        "In",
        "Contains",
        "Equal",
        "Equivalent",
        "ExpressionRef",
        "FunctionRef",
        "ParameterRef",
        "OperandRef",
        "StartsWith",
    }
)


def variants(node: Node, words: Words) -> Iterator[Variant]:
    """The changes of one expression node (not of what is inside it).

    Logic without words is the translator's own (a retrieve by a choice of elements): nobody wrote it.
    """
    if (node.get("type") in ("And", "Or") or node.get("type") in _CONDITIONS) and not words(node):
        return iter(())
    return _variants(node, words)


def _variants(node: Node, words: Words) -> Iterator[Variant]:
    kind = node.get("type")
    if kind in ("And", "Or"):
        yield from _connective(node, words)
    elif kind in _COMPARISONS:
        for other in _COMPARISONS[kind]:
            was, becomes = _SIGNS.get(kind, kind), _SIGNS.get(other, other)
            yield {**node, "type": other}, f"{was} becomes {becomes} in: {words(node)}"
    elif kind == "Not":
        yield node["operand"], f"without its not: {words(node)}"
    elif kind in _CONDITIONS and node.get("resultTypeName") == _BOOLEAN:
        yield _negated(node), f"negated: {words(node)}"
    elif kind == "Case" and len(node["caseItem"]) > 1:
        for number, item in enumerate(node["caseItem"]):
            rest = node["caseItem"][:number] + node["caseItem"][number + 1 :]
            yield {**node, "caseItem": rest}, f"dropped: when {words(item['when'])}"
    elif kind == "As" and node.get("operand", {}).get("type") == "Null" and _is_boolean(node):
        for value in ("true", "false"):
            yield _literal(value), f"unknown becomes {value}"
    elif kind == "Quantity":
        yield from _number(node, words)
    elif kind == "Literal":
        yield from _literals(node, words)


def context(above: Sequence[Node], words: Words) -> str:
    """Where a number or a plain true or false stands: the comparison or the branch around it, in words.

    `above` are the nodes around it, innermost first.
    """
    for node in above:
        kind = node.get("type")
        if kind in _COMPARISONS or kind == "Equal":
            return f" in: {words(node)}"
        if "when" in node and "then" in node:
            return f" in: when {words(node['when'])}"
        if kind == "If":
            return f" in: if {words(node['condition'])}"
    return ""


def _connective(node: Node, words: Words) -> Iterator[Variant]:
    kind = node["type"]
    other = "Or" if kind == "And" else "And"
    yield {**node, "type": other}, f"{kind.lower()} becomes {other.lower()} in: {words(node)}"
    left, right = node["operand"]
    for gone, stays in ((left, right), (right, left)):
        if gone.get("type") != kind:  # "a and b and c" drops one at a time
            yield stays, f"dropped from {kind.lower()}: {words(gone)}"


def _literals(node: Node, words: Words) -> Iterator[Variant]:
    kind = str(node.get("valueType", "")).removeprefix(_ELM)
    if kind == "Boolean":
        other = "false" if node["value"] == "true" else "true"
        yield {**node, "value": other}, f"{node['value']} becomes {other}"
    elif kind in ("Integer", "Decimal", "Long"):
        yield from _number(node, words)


def _number(node: Node, words: Words) -> Iterator[Variant]:
    """One step up and one down, at the precision in which the number is written."""
    text = words(node) or str(node["value"])
    written = re.match(r"-?\d+(?:\.(\d+))?", text)
    digits = len(written.group(1) or "") if written else 0
    step = Decimal(1).scaleb(-digits)
    for change in (step, -step):
        value = Decimal(str(node["value"])) + change
        kept: Any = str(value) if isinstance(node["value"], str) else _plain(value)
        yield {**node, "value": kept}, f"{text} becomes {value}"


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _negated(node: Node) -> Node:
    return {"type": "Not", "resultTypeName": _BOOLEAN, "operand": node, "locator": node.get("locator", "")}


def _literal(value: str) -> Node:
    return {"type": "Literal", "resultTypeName": _BOOLEAN, "valueType": _BOOLEAN, "value": value}


def _is_boolean(node: Node) -> bool:
    named = node.get("asType") or node.get("asTypeSpecifier", {}).get("name") or node.get("resultTypeName")
    return bool(named == _BOOLEAN)
