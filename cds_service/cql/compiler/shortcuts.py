"""Frequent nodes compiled to a closure of their own, with the same result as the operator they stand for."""

from __future__ import annotations

from typing import Any, Final

from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles
from cds_service.cql.compiler.generic import membership as general_membership
from cds_service.cql.compiler.generic import operand, operator

_STRING: Final = "System.String"


@handles("IsNull")
def is_null(body: Body, node: Node) -> Closure:
    """Whether there is no value."""
    body.allow_only(node, "operand")
    code = body.compile(node["operand"])
    return lambda frame: code(frame) is None


@handles("Exists")
def exists(body: Body, node: Node) -> Closure:
    """Whether a list has an element that is not null."""
    body.allow_only(node, "operand")
    code = body.compile(node["operand"])

    def found(frame: Frame) -> bool:
        for item in code(frame) or ():  # noqa: SIM110 - a generator costs more than the loop
            if item is not None:
                return True
        return False

    return found


@handles("Equal")
def equal(body: Body, node: Node) -> Closure:
    """Equality; of two strings without a detour."""
    left, right = node["operand"]
    if body.type_of(left) != _STRING or body.type_of(right) != _STRING:
        return operator(body, node)
    body.allow_only(node, "operand")
    first, second = operand(body, left), operand(body, right)

    def equals(frame: Frame) -> Any:
        one, other = first(frame), second(frame)
        return None if one is None or other is None else one == other

    return equals


@handles("In")
def membership(body: Body, node: Node) -> Closure:
    """Membership; of a string among literals by a set."""
    element, container = node["operand"]
    items = container.get("element") or ()
    literals = (
        container.get("type") == "List" and items and all(one.get("type") == "Literal" for one in items)
    )
    if not literals or "precision" in node or body.type_of(element) != _STRING:
        return general_membership(body, node)
    if any(body.type_of(one) != _STRING for one in items):
        return general_membership(body, node)
    wanted = frozenset(one["value"] for one in items)
    code = operand(body, element)
    return lambda frame: code(frame) in wanted
