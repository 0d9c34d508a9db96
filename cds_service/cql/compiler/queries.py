"""Queries: sources, lets, with/without, where, then return, aggregate and sort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Local, Node, handles, types_of
from cds_service.cql.compiler.calls import Place
from cds_service.cql.compiler.rows import (
    Lets,
    Rows,
    Source,
    Test,
    listed_rows,
    plain_rows,
    related,
    traced_listed_rows,
    traced_related,
    traced_rows,
    with_origin,
)
from cds_service.cql.compiler.sorting import compile_sort
from cds_service.cql.operators import OPERATORS
from cds_service.cql.values.tuples import CqlTuple

_PAIRS_PER_UNIT: Final = 8


def row_type(type_name: str | None) -> str | None:
    """Type of an alias over a source: the element type of a list, else the type itself."""
    return types.element_of(type_name) if (type_name or "").startswith("List<") else type_name


def _sources(body: Body, node: Node, scope: dict[str, Local]) -> tuple[list[Source], bool]:
    sources: list[Source] = []
    single = True
    for one in node["source"]:
        expression = body.compile(one["expression"])
        type_name = types.result_type(one) or body.type_of(one["expression"])
        slot = body.new_slot()
        scope[one["alias"]] = Local(slot, row_type(type_name))
        is_list = type_name is None or type_name.startswith(("List<", "System.Any"))
        single = single and not is_list
        sources.append(Source(expression, slot, row_type(type_name)))
    return sources, single


def _steps(body: Body, node: Node, scope: dict[str, Local]) -> tuple[Lets, list[Test]]:
    lets: Lets = []
    for let in node.get("let") or ():
        code = body.compile(let["expression"])
        slot = body.new_slot()
        scope[let["identifier"]] = Local(slot, types.result_type(let) or body.type_of(let["expression"]))
        lets.append((slot, code))
    tests: list[Test] = []
    for one in node.get("relationship") or ():
        if one.get("type") not in ("With", "Without"):
            body.fail(f"relationship {one.get('type')} is not supported", node)
        expression = body.compile(one["expression"])
        slot = body.new_slot()
        local = Local(slot, row_type(types.result_type(one) or body.type_of(one["expression"])))
        with body.names({one["alias"]: local}):
            such_that = body.compile(one["suchThat"]) if "suchThat" in one else None
        make = traced_related if body.traced else related
        tests.append(make(Source(expression, slot, local.type), such_that, one["type"] == "With"))
    if "where" in node:
        tests.append(body.compile(node["where"]))
    return lets, tests


@handles("Query")
def query(body: Body, node: Node) -> Closure:
    """A query; over lists it gives a list, over single values a single value or null."""
    body.allow_only(node, "source", "let", "relationship", "where", "return", "aggregate", "sort")
    scope: dict[str, Local] = {}
    with body.names(scope):
        sources, single = _sources(body, node, scope)
        lets, tests = _steps(body, node, scope)
        if "aggregate" in node:
            return _aggregate(body, node, _rows(body, sources, lets, tests), sources, scope)
        value, distinct = _returned(body, node, sources, scope)
        if body.traced and "return" in node:
            value = with_origin(value, [source.slot for source in sources])
        sort = compile_sort(body, node["sort"], _element_type(body, node)) if "sort" in node else None
    if single:
        return _single(_rows(body, sources, lets, tests), value)
    if len(sources) == 1:
        make = traced_listed_rows if body.traced else listed_rows
        listed = make(sources[0], lets, tests, value if "return" in node else None)
    else:
        listed = _several(_rows(body, sources, lets, tests), value)
    steps = [step for step in (_distinct(body) if distinct else None, sort) if step is not None]
    return _followed(listed, steps) if steps else listed


def _rows(body: Body, sources: list[Source], lets: Lets, tests: list[Test]) -> Rows:
    return (traced_rows if body.traced else plain_rows)(sources, lets, tests)


def _several(rows: Rows, value: Closure) -> Closure:
    def several(frame: Frame) -> Any:
        found = rows(frame)
        return None if found is None else [value(frame) for _ in found]

    return several


def _followed(listed: Closure, steps: list[Callable[[Frame, list[Any]], Any]]) -> Closure:
    def followed(frame: Frame) -> Any:
        result = listed(frame)
        if result is not None:
            for step in steps:
                result = step(frame, result)
        return result

    return followed


def _single(rows: Rows, value: Closure) -> Closure:
    def one(frame: Frame) -> Any:
        for _ in rows(frame) or ():
            return value(frame)
        return None

    return one


def _returned(body: Body, node: Node, sources: list[Source], scope: dict[str, Local]) -> tuple[Closure, bool]:
    """What each row gives, and whether equal results count once (CQL: `return` is distinct unless `all`)."""
    if "return" in node:
        clause = node["return"]
        return body.compile(clause["expression"]), bool(clause.get("distinct", True))
    return _row_value(node, sources, scope), False


def _row_value(node: Node, sources: list[Source], scope: dict[str, Local]) -> Closure:
    if len(sources) == 1:
        slot = sources[0].slot
        return lambda frame: frame[slot]
    slots = [(one["alias"], scope[one["alias"]].slot) for one in node["source"]]
    return lambda frame: CqlTuple([(alias, frame[slot]) for alias, slot in slots])


def _distinct(body: Body) -> Callable[[Frame, list[Any]], list[Any]]:
    distinct = OPERATORS["Distinct"]
    fail = Place(body).fail

    def unique(frame: Frame, items: list[Any]) -> Any:
        if len(items) < 2:
            return items
        try:
            frame[0].spend(len(items) * len(items) // _PAIRS_PER_UNIT)
            return distinct(items)
        except Exception as error:
            fail(error)

    return unique


def _aggregate(body: Body, node: Node, rows: Rows, sources: list[Source], scope: dict[str, Local]) -> Closure:
    """Fold the rows: `starting` is the first value of the accumulator, null without it."""
    clause = node["aggregate"]
    starting = body.compile(clause["starting"]) if "starting" in clause else None
    slot = body.new_slot()
    type_name = types.result_type(clause)
    if type_name is None and starting is not None:
        type_name = body.type_of(clause["starting"])
    with body.names({clause["identifier"]: Local(slot, type_name)}):
        step = body.compile(clause["expression"])
    unique = _distinct(body) if clause.get("distinct") else None
    value = _row_value(node, sources, scope)
    slots = [source.slot for source in sources]

    def fold(frame: Frame) -> Any:
        accumulated = None if starting is None else starting(frame)
        found: Iterator[Any] = iter(rows(frame) or ())
        if unique is not None:
            found = _replayed(frame, unique(frame, [value(frame) for _ in found]), slots)
        for _ in found:
            frame[slot] = accumulated
            accumulated = step(frame)
        return accumulated

    return fold


def _replayed(frame: Frame, results: list[Any], slots: list[int]) -> Iterator[Any]:
    for result in results:
        for slot, part in zip(slots, [result] if len(slots) == 1 else result.values(), strict=True):
            frame[slot] = part
        yield result


def _element_type(body: Body, node: Node) -> str | None:
    known = types.result_type(node)
    if known is not None:
        return row_type(known)
    if "return" in node:
        return body.type_of(node["return"]["expression"])
    source = node["source"][0]
    return row_type(types.result_type(source) or body.type_of(source["expression"]))


@types_of("Query")
def _query_type(body: Body, node: Node) -> str | None:
    """Type of a query the translator made itself: a single source, aliases visible to its return."""
    source = node["source"][0]
    type_name = types.result_type(source) or body.type_of(source["expression"])
    element = row_type(type_name)
    if "return" in node:
        with body.names({source["alias"]: Local(0, element)}):
            element = body.type_of(node["return"]["expression"])
    if element is None or not (type_name or "").startswith("List<"):
        return element
    return f"List<{element}>"
