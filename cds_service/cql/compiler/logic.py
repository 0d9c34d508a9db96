"""Three-valued And, Or, Xor, Implies and Not; an operand that cannot matter any more is not evaluated."""

from __future__ import annotations

from typing import Any

from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles
from cds_service.cql.compiler.calls import call
from cds_service.cql.operators import OPERATORS


def _pair(body: Body, node: Node) -> tuple[Closure, Closure]:
    body.allow_only(node, "operand")
    operands = [body.compile(operand) for operand in node["operand"]]
    if len(operands) != 2:
        body.fail(f"{node['type']} needs two operands", node)
    return operands[0], operands[1]


def _either(left: Closure, right: Closure, decisive: bool) -> Closure:
    """Or (`decisive` is true) and And (false): one decisive operand settles it, null beats the rest."""
    if decisive:

        def or_(frame: Frame) -> Any:
            first = left(frame)
            if first is True:
                return True
            second = right(frame)
            if second is True:
                return True
            return None if first is None or second is None else False

        return or_

    def and_(frame: Frame) -> Any:
        first = left(frame)
        if first is False:
            return False
        second = right(frame)
        if second is False:
            return False
        return None if first is None or second is None else True

    return and_


def _traced(left: Closure, right: Closure, decisive: bool) -> Closure:
    """As `_either`; when the right operand alone decides, the left one's evidence is not behind the value."""

    def either(frame: Frame) -> Any:
        current = frame[0].current
        evidence, values = current.evidence, current.values
        marks = len(evidence), len(values)
        first = left(frame)
        if first is decisive:
            return decisive
        middle = len(evidence), len(values)
        second = right(frame)
        if second is decisive:
            del evidence[marks[0] : middle[0]]
            del values[marks[1] : middle[1]]
            return decisive
        return None if first is None or second is None else not decisive

    return either


@handles("And", "Or")
def and_or(body: Body, node: Node) -> Closure:
    """And, Or."""
    left, right = _pair(body, node)
    make = _traced if body.traced else _either
    return make(left, right, node["type"] == "Or")


@handles("Implies")
def implies(body: Body, node: Node) -> Closure:
    """Implies: not left, or right."""
    left, right = _pair(body, node)
    make = _traced if body.traced else _either
    return make(_not(left), right, True)


@handles("Not")
def not_(body: Body, node: Node) -> Closure:
    """Not."""
    body.allow_only(node, "operand")
    return _not(body.compile(node["operand"]))


def _not(operand: Closure) -> Closure:
    def negated(frame: Frame) -> Any:
        value = operand(frame)
        return None if value is None else not value

    return negated


@handles("Xor")
def xor(body: Body, node: Node) -> Closure:
    """Exclusive or: both operands always matter."""
    return call(body, OPERATORS["Xor"], _pair(body, node))
