"""List nodes with expressions of their own, and those that pick one element."""

from __future__ import annotations

from typing import Any

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Local, Node, handles, types_of
from cds_service.cql.compiler.calls import call
from cds_service.cql.compiler.generic import operand_nodes
from cds_service.cql.compiler.sorting import compile_sort
from cds_service.cql.operators import OPERATORS
from cds_service.cql.values.tuples import CqlTuple


def _picked(body: Body, code: Closure) -> Closure:
    """In the traced variant, of all evidence for a list only the resource picked from it stays."""
    if not body.traced:
        return code

    def traced(frame: Frame) -> Any:
        evidence = frame[0].current.evidence
        start = len(evidence)
        value = code(frame)
        if value.__class__ is dict and "resourceType" in value:
            del evidence[start:]
            evidence.append(value)
        return value

    return traced


@handles("SingletonFrom", "Indexer")
def pick(body: Body, node: Node) -> Closure:
    """The only element, or one by index."""
    operands = [body.compile(one) for one in operand_nodes(body, node) if one is not None]
    return _picked(body, call(body, OPERATORS[node["type"]], operands))


@handles("First", "Last")
def first_or_last(body: Body, node: Node) -> Closure:
    """The first or last element, null of an empty list."""
    body.allow_only(node, "source", "orderBy")
    source = body.compile(node["source"])
    if node.get("orderBy"):
        ordering = {"by": node["orderBy"]}
        sort = compile_sort(body, ordering, types.element_of(body.type_of(node["source"])))
        unsorted = source

        def ordered(frame: Frame) -> Any:
            rows = unsorted(frame)
            return None if rows is None else sort(frame, rows)

        source = ordered
    index = 0 if node["type"] == "First" else -1

    def pick_end(frame: Frame) -> Any:
        items = source(frame)
        return items[index] if items else None

    return _picked(body, pick_end)


def _scoped(body: Body, node: Node, expression: str) -> tuple[Closure, Closure, int]:
    """Source, inner expression and slot of a node that visits the elements of a list under a scope name."""
    source = body.compile(node["source"])
    local = Local(body.new_slot(), types.element_of(body.type_of(node["source"])))
    with body.names({node.get("scope", "$this"): local, "$this": local}):
        return source, body.compile(node[expression]), local.slot


@handles("Filter")
def filter_list(body: Body, node: Node) -> Closure:
    """The elements for which a condition is true."""
    body.allow_only(node, "source", "condition", "scope")
    return _visiting(_scoped(body, node, "condition"), keep=True)


@handles("ForEach")
def for_each(body: Body, node: Node) -> Closure:
    """An expression for each element."""
    body.allow_only(node, "source", "element", "scope")
    return _visiting(_scoped(body, node, "element"), keep=False)


def _visiting(parts: tuple[Closure, Closure, int], *, keep: bool) -> Closure:
    source, expression, slot = parts

    def visit(frame: Frame) -> Any:
        items = source(frame)
        if items is None:
            return None
        frame[0].spend(len(items))
        result = []
        for item in items:
            frame[slot] = item
            value = expression(frame)
            if not keep:
                result.append(value)
            elif value is True:
                result.append(item)
        return result

    return visit


@handles("Times")
def times(body: Body, node: Node) -> Closure:
    """Every pair of the tuples of two lists, as one tuple."""
    body.allow_only(node, "operand")
    left, right = (body.compile(operand) for operand in node["operand"])

    def product(frame: Frame) -> Any:
        first, second = left(frame), right(frame)
        if first is None or second is None:
            return None
        frame[0].spend(len(first) * len(second))
        return [CqlTuple({**one, **other}) for one in first for other in second]

    return product


@types_of("First", "Last", "SingletonFrom", "Indexer")
def _element_type(body: Body, node: Node) -> str | None:
    source = node.get("source") or node["operand"]
    return types.element_of(body.type_of(source[0] if isinstance(source, list) else source))


@types_of("Filter")
def _filtered_type(body: Body, node: Node) -> str | None:
    return body.type_of(node["source"])
