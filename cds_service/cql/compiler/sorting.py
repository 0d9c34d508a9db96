"""Sorting: of query results and of lists; nulls come first ascending and last descending (CQL 1.5, sort)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from operator import itemgetter
from typing import Any

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Local, Node, handles, types_of
from cds_service.cql.compiler.calls import Place
from cds_service.cql.compiler.choices import Chosen
from cds_service.cql.compiler.fhir_helpers import system_value
from cds_service.cql.compiler.model_info import fhir_model
from cds_service.cql.compiler.properties import reader_of, reading
from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.comparison import order_for_sort

_ordered = cmp_to_key(order_for_sort)
_first = itemgetter(0)
Sort = Callable[[Frame, list[Any]], list[Any]]

_DIRECTIONS = {"asc": False, "ascending": False, "desc": True, "descending": True}


def compile_sort(body: Body, clause: Node, element_type: str | None) -> Sort:
    """Sorts a list of rows of a static element type by the items of a sort clause."""
    slot = body.new_slot()
    keys: list[tuple[Closure, bool]] = []
    for item in clause["by"]:
        descending = _DIRECTIONS.get(item.get("direction", "asc"))
        if descending is None:
            body.fail(f"sort direction {item['direction']} is not supported", item)
        keys.append((_key(body, item, slot, element_type), descending))
    fail = Place(body).fail

    def sort(frame: Frame, rows: list[Any]) -> list[Any]:
        if len(rows) < 2:
            return rows
        try:
            ordered = list(rows)
            for key, descending in reversed(keys):
                decorated = []
                for row in ordered:
                    frame[slot] = row
                    decorated.append((_ordered(key(frame)), row))
                decorated.sort(key=_first, reverse=descending)
                ordered = [row for _, row in decorated]
            return ordered
        except Exception as error:
            fail(error)

    return sort


def _key(body: Body, item: Node, slot: int, element_type: str | None) -> Closure:
    kind = item.get("type")
    if kind == "ByDirection":
        return _comparable(lambda frame: frame[slot], element_type)
    if kind == "ByColumn":
        read, type_name = reader_of(body, element_type, item["path"])
        return _comparable(lambda frame: read(frame[slot]), type_name)
    if kind == "ByExpression":
        this = Local(slot, element_type)
        with body.names({"$this": this}):
            expression = body.compile(item["expression"])
            return _comparable(expression, body.type_of(item["expression"]))
    return body.fail(f"sort {kind} is not supported", item)


def _comparable(key: Closure, type_name: str | None) -> Closure:
    """FHIR values are compared as the CQL values they stand for."""
    if type_name is None or "FHIR." not in type_name:
        return key
    static = type_name.removeprefix("FHIR.")

    def converted(frame: Frame) -> Any:
        value = key(frame)
        name, value = (value.type, value.value) if value.__class__ is Chosen else (static, value)
        if value is None:
            return None
        if name not in fhir_model():
            raise CqlRuntimeError(f"cannot sort by a {type_name}")
        return system_value(value, name)

    return converted


@handles("IdentifierRef")
def identifier_reference(body: Body, node: Node) -> Closure:
    """A name in a sort expression: a local, else an element of the row."""
    body.allow_only(node, "name")
    local, this = body.local(node["name"]), body.local("$this")
    if local is not None:
        slot = local.slot
        return lambda frame: frame[slot]
    if this is None:
        body.fail(f"{node['name']} is not defined here", node)
    row = this.slot
    read, _ = reader_of(body, this.type, node["name"])
    access = {"type": "Property", "path": node["name"], "scope": "$this"}
    return reading(body, access, lambda frame: frame[row], this.type, read)


@handles("Sort")
def sort_list(body: Body, node: Node) -> Closure:
    """The Sort operator over a list."""
    body.allow_only(node, "source", "by")
    source = body.compile(node["source"])
    sort = compile_sort(body, node, types.element_of(body.type_of(node["source"])))

    def ordered(frame: Frame) -> Any:
        rows = source(frame)
        return None if rows is None else sort(frame, rows)

    return ordered


@types_of("IdentifierRef")
def _identifier_type(body: Body, node: Node) -> str | None:
    local, this = body.local(node["name"]), body.local("$this")
    if local is not None:
        return local.type
    return reader_of(body, this.type, node["name"])[1] if this is not None else None
