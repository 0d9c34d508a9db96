"""Literals and selectors: values written in the text of a library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.calls import call
from cds_service.cql.compiler.terminology import find_system
from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERAND_NAMES, OPERATORS
from cds_service.cql.operators.bounds import make_interval
from cds_service.cql.values.clinical import Code, Concept
from cds_service.cql.values.numbers import (
    DECIMAL_LIMIT,
    INTEGER_MAX,
    INTEGER_MIN,
    LONG_MAX,
    LONG_MIN,
    Long,
    decimal_scale,
)
from cds_service.cql.values.quantity import Quantity, Ratio
from cds_service.cql.values.temporal import Date, DateTime, Time
from cds_service.cql.values.tuples import CqlTuple

_DECIMAL_PLACES: Final = 8


def _within(low: int, high: int, value: int) -> int:
    if not low <= value <= high:
        raise ValueError("out of range")
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if decimal_scale(value) > _DECIMAL_PLACES or not -DECIMAL_LIMIT < value < DECIMAL_LIMIT:
        raise ValueError("out of range")
    return value


_LITERALS: Final[dict[str, Callable[[str], Any]]] = {
    "System.Boolean": lambda text: {"true": True, "false": False}[text],
    "System.Integer": lambda text: _within(INTEGER_MIN, INTEGER_MAX, int(text)),
    "System.Long": lambda text: Long(_within(LONG_MIN, LONG_MAX, int(text.removesuffix("L")))),
    "System.Decimal": _decimal,
    "System.String": str,
    "System.Date": Date.parse,
    "System.DateTime": DateTime.parse,
    "System.Time": Time.parse,
}


def constant(value: Any) -> Closure:
    """A closure that gives the same immutable value every time."""
    return lambda frame: value


@handles("Literal")
def literal(body: Body, node: Node) -> Closure:
    """A literal of a simple System type."""
    body.allow_only(node, "valueType", "value")
    type_name = types.qualified(node["valueType"])
    read = _LITERALS.get(type_name)
    if read is None:
        body.fail(f"literals of {type_name} are not supported", node)
    try:
        return constant(read(node["value"]))
    except (ValueError, KeyError, InvalidOperation):
        body.fail(f"{node['value']!r} is not a {type_name}", node)


@handles("Negate")
def negate(body: Body, node: Node) -> Closure:
    """The negative of a number; a literal takes its sign along, so the least Integer can be written."""
    body.allow_only(node, "operand")
    operand = node["operand"]
    if operand.get("type") == "Literal":
        text = str(operand["value"])
        return literal(body, {**operand, "value": text[1:] if text.startswith("-") else f"-{text}"})
    return call(body, OPERATORS["Negate"], [body.compile(operand)])


@handles("Date", "DateTime", "Time")
def temporal(body: Body, node: Node) -> Closure:
    """A date or time from its parts; one of literals only is made, and checked, at load."""
    names = OPERAND_NAMES[node["type"]]
    body.allow_only(node, *names)
    parts = [body.compile(node[name]) if name in node else constant(None) for name in names]
    make = call(body, OPERATORS[node["type"]], parts)
    if not all(node[name].get("type") in ("Literal", "Null") for name in names if name in node):
        return make
    if node["type"] == "DateTime" and "timezoneOffset" not in node:
        return make
    try:
        return constant(make([]))
    except CqlRuntimeError as error:
        body.fail(error.message, node)


@handles("Null")
def null(body: Body, node: Node) -> Closure:
    """Null."""
    body.allow_only(node, "valueType")
    return constant(None)


def _quantity(body: Body, node: Node) -> Quantity:
    value = node.get("value")
    if value is None:
        body.fail("a quantity without a value is not supported", node)
    return Quantity(Decimal(str(value)), node.get("unit") or "1")


@handles("Quantity")
def quantity(body: Body, node: Node) -> Closure:
    """A quantity literal."""
    body.allow_only(node, "value", "unit")
    return constant(_quantity(body, node))


@handles("Ratio")
def ratio(body: Body, node: Node) -> Closure:
    """A ratio literal."""
    body.allow_only(node, "numerator", "denominator")
    return constant(Ratio(_quantity(body, node["numerator"]), _quantity(body, node["denominator"])))


@handles("List")
def list_selector(body: Body, node: Node) -> Closure:
    """A list of expressions."""
    body.allow_only(node, "element", "typeSpecifier")
    elements = tuple(body.compile(element) for element in node.get("element") or ())
    return lambda frame: [element(frame) for element in elements]


def _elements(body: Body, node: Node) -> tuple[tuple[str, Closure], ...]:
    return tuple((one["name"], body.compile(one["value"])) for one in node.get("element") or ())


@handles("Tuple")
def tuple_selector(body: Body, node: Node) -> Closure:
    """A tuple of named expressions."""
    body.allow_only(node, "element")
    elements = _elements(body, node)
    return lambda frame: CqlTuple([(name, element(frame)) for name, element in elements])


def _code_instance(**parts: Any) -> Any:
    return Code(parts.get("code"), parts.get("system"), parts.get("version"), parts.get("display"))  # type: ignore[arg-type]


def _concept_instance(**parts: Any) -> Any:
    return Concept(tuple(parts.get("codes") or ()), parts.get("display"))


def _quantity_instance(**parts: Any) -> Any:
    value = parts.get("value")
    return None if value is None else Quantity(value, parts.get("unit") or "1")


def _ratio_instance(**parts: Any) -> Any:
    low, high = parts.get("numerator"), parts.get("denominator")
    return None if low is None or high is None else Ratio(low, high)


_INSTANCES: Final[Mapping[str, Callable[..., Any]]] = {
    "System.Code": _code_instance,
    "System.Concept": _concept_instance,
    "System.Quantity": _quantity_instance,
    "System.Ratio": _ratio_instance,
}


@handles("Instance")
def instance(body: Body, node: Node) -> Closure:
    """An instance of a System class; FHIR classes are not constructed by rules."""
    body.allow_only(node, "classType", "element")
    class_type = types.qualified(node["classType"])
    make = _INSTANCES.get(class_type)
    if make is None:
        body.fail(f"instances of {class_type} are not supported", node)
    elements = _elements(body, node)
    return lambda frame: make(**{name: element(frame) for name, element in elements})


@handles("Code")
def code_selector(body: Body, node: Node) -> Closure:
    """A code written out."""
    body.allow_only(node, "code", "system", "display")
    return constant(_code(body, node))


def _code(body: Body, node: Node) -> Code:
    system = find_system(body.unit, node["system"], node)
    return Code(node["code"], system.id, system.version, node.get("display"))


@handles("Concept")
def concept_selector(body: Body, node: Node) -> Closure:
    """A concept written out."""
    body.allow_only(node, "code", "display")
    return constant(Concept(tuple(_code(body, one) for one in node["code"]), node.get("display")))


@handles("Interval")
def interval_selector(body: Body, node: Node) -> Closure:
    """An interval; bounds in the wrong order are an error when they are evaluated."""
    body.allow_only(
        node, "low", "high", "lowClosed", "highClosed", "lowClosedExpression", "highClosedExpression"
    )
    point_type = types.point_of(body.type_of(node))
    closed = [_closed(body, node, "lowClosed"), _closed(body, node, "highClosed")]
    bounds = [body.compile(node[bound]) if bound in node else constant(None) for bound in ("low", "high")]

    def interval(low: Any, high: Any, low_closed: bool, high_closed: bool) -> Any:
        return make_interval(low, high, low_closed, high_closed, point_type)

    return call(body, interval, [*bounds, *closed])


def _closed(body: Body, node: Node, attribute: str) -> Closure:
    if f"{attribute}Expression" in node:
        expression = body.compile(node[f"{attribute}Expression"])
        return lambda frame: bool(expression(frame))
    return constant(node.get(attribute, True))


@handles("Now")
def now(body: Body, node: Node) -> Closure:
    """The instant of the evaluation."""
    body.allow_only(node)
    return _now


@handles("Today")
def today(body: Body, node: Node) -> Closure:
    """The day of the evaluation, in its time zone."""
    body.allow_only(node)
    return lambda frame: Date.from_python(frame[0].clock)


@handles("TimeOfDay")
def time_of_day(body: Body, node: Node) -> Closure:
    """The time of day of the evaluation."""
    body.allow_only(node)
    return lambda frame: Time.from_python(frame[0].clock)


def _now(frame: Frame) -> Any:
    return frame[0].now


@types_of("Literal")
def _literal_type(body: Body, node: Node) -> str:
    return types.qualified(node["valueType"])


@types_of("Null")
def _null_type(body: Body, node: Node) -> str:
    return "System.Any"


@types_of("Now", "Today", "TimeOfDay", "Quantity", "Ratio", "Code", "Concept", "Date", "DateTime", "Time")
def _fixed_type(body: Body, node: Node) -> str:
    return {"Now": "System.DateTime", "Today": "System.Date", "TimeOfDay": "System.Time"}.get(
        node["type"], f"System.{node['type']}"
    )


@types_of("Instance")
def _instance_type(body: Body, node: Node) -> str:
    return types.qualified(node["classType"])


@types_of("List")
def _list_type(body: Body, node: Node) -> str | None:
    elements = node.get("element") or ()
    first = body.type_of(elements[0]) if elements else None
    return f"List<{first}>" if first is not None else None


@types_of("Interval")
def _interval_type(body: Body, node: Node) -> str | None:
    for bound in ("low", "high"):
        point = body.type_of(node[bound]) if bound in node else None
        if point is not None and point != "System.Any":
            return f"Interval<{point}>"
    return None
