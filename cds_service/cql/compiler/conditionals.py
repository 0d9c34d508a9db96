"""If, Case, Coalesce and Message."""

from __future__ import annotations

from typing import Any

from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.calls import Place
from cds_service.cql.compiler.choices import bare
from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS


@handles("If")
def if_(body: Body, node: Node) -> Closure:
    """If: a condition that is null counts as false."""
    body.allow_only(node, "condition", "then", "else")
    condition, then, otherwise = (body.compile(node[part]) for part in ("condition", "then", "else"))
    return lambda frame: then(frame) if condition(frame) is True else otherwise(frame)


@handles("Case")
def case(body: Body, node: Node) -> Closure:
    """Case with conditions, or with a comparand compared by CQL equality."""
    body.allow_only(node, "comparand", "caseItem", "else")
    items = tuple((body.compile(item["when"]), body.compile(item["then"])) for item in node["caseItem"])
    otherwise = body.compile(node["else"]) if "else" in node else None
    if "comparand" not in node:

        def conditions(frame: Frame) -> Any:
            for when, then in items:
                if when(frame) is True:
                    return then(frame)
            return otherwise(frame) if otherwise is not None else None

        return conditions
    comparand = body.compile(node["comparand"])
    equal = OPERATORS["Equal"]
    fail = Place(body).fail

    def comparison(frame: Frame) -> Any:
        value = bare(comparand(frame))
        for when, then in items:
            candidate = bare(when(frame))
            try:
                matches = equal(value, candidate) is True
            except Exception as error:
                fail(error)
            if matches:
                return then(frame)
        return otherwise(frame) if otherwise is not None else None

    return comparison


@handles("Coalesce")
def coalesce(body: Body, node: Node) -> Closure:
    """The first operand that is not null; with one list operand, its first element that is not null."""
    body.allow_only(node, "operand")
    operands = tuple(body.compile(operand) for operand in node["operand"])
    if len(operands) == 1 and (body.type_of(node["operand"][0]) or "").startswith("List<"):
        items = operands[0]
        return lambda frame: next((item for item in items(frame) or () if item is not None), None)

    def first(frame: Frame) -> Any:
        for operand in operands:
            value = operand(frame)
            if value is not None:
                return value
        return None

    return first


@handles("Message")
def message(body: Body, node: Node) -> Closure:
    """Gives its source; severity Error raises, when the condition is true (CQL 1.5, Message)."""
    body.allow_only(node, "source", "condition", "code", "severity", "message")
    source = body.compile(node["source"])
    parts = {
        name: body.compile(node[name])
        for name in ("condition", "severity", "code", "message")
        if name in node
    }
    condition, severity = parts.get("condition"), parts.get("severity")
    texts = tuple(parts[name] for name in ("code", "message") if name in parts)
    fail = Place(body).fail

    def emit(frame: Frame) -> Any:
        value = source(frame)
        if condition is not None and severity is not None and condition(frame) is True:
            level = severity(frame)
            if isinstance(level, str) and level.lower() == "error":
                words = [str(text) for text in (part(frame) for part in texts) if text is not None]
                fail(CqlRuntimeError(": ".join(words) or "Error"))
        return value

    return emit


@types_of("If")
def _if_type(body: Body, node: Node) -> str | None:
    return body.type_of(node["then"])


@types_of("Case")
def _case_type(body: Body, node: Node) -> str | None:
    return body.type_of(node["caseItem"][0]["then"])


@types_of("Coalesce")
def _coalesce_type(body: Body, node: Node) -> str | None:
    return body.type_of(node["operand"][0])
