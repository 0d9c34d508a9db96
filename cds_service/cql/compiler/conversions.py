"""Is, As, Convert, CanConvert and ToList: static types meet values at run time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.calls import Place, call
from cds_service.cql.compiler.choices import Chosen, bare
from cds_service.cql.compiler.model_info import fhir_model
from cds_service.cql.compiler.properties import reading, source_of
from cds_service.cql.compiler.readers import alternative_reader
from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.tuples import CqlTuple
from cds_service.cql.values.types import is_type, type_name

Test = Callable[[Any], bool]


def type_test(body: Body, target: str, source_type: str | None) -> Test:
    """A predicate for values of a static source type: is the (non-null) value of type `target`?"""
    choices = types.choices_of(target)
    if choices:
        tests = [type_test(body, choice, source_type) for choice in choices]
        return lambda value: any(test(value) for test in tests)
    if target.startswith("FHIR."):
        return _fhir_test(target[5:], source_type)
    if target.startswith("List<"):
        element = type_test(body, target[5:-1], types.element_of(source_type))
        return lambda value: value.__class__ is list and all(item is None or element(item) for item in value)
    if target.startswith("Interval<"):
        point = type_test(body, target[9:-1], types.point_of(source_type))
        return lambda value: isinstance(value, Interval) and _points(value, point)
    if target == "Tuple":
        return lambda value: isinstance(value, CqlTuple)
    if not target.startswith("System."):
        body.fail(f"type {target} is not supported")
    if source_type is not None and source_type.startswith("FHIR."):
        return lambda value: False
    return lambda value: value.__class__ is not Chosen and is_type(value, types.elm_name(target))


def _points(value: Interval, point: Test) -> bool:
    bounds = [bound for bound in (value.low, value.high) if bound is not None]
    if bounds:
        return all(map(point, bounds))
    return True


def _fhir_test(target: str, source_type: str | None) -> Test:
    model = fhir_model()
    static = source_type[5:] if source_type is not None and source_type.startswith("FHIR.") else None
    always = static is not None and model.is_a(static, target)

    def test(value: Any) -> bool:
        if value.__class__ is Chosen:
            return model.is_a(value.type, target)
        if always:
            return True
        if value.__class__ is dict and "resourceType" in value:
            return model.is_a(str(value["resourceType"]), target)
        if value.__class__ is dict and (static is None or model.is_a(target, static)):
            raise CqlRuntimeError(f"cannot tell whether a {source_type or 'value'} is a FHIR.{target}")
        return False

    return test


def _alternative(body: Body, node: Node, target: str) -> str | None:
    """The FHIR type to read directly when a choice element is narrowed to exactly one of its alternatives."""
    operand = _as_property(body, node["operand"])
    if operand.get("type") != "Property" or "." in operand["path"] or not target.startswith("FHIR."):
        return None
    derived = [
        one
        for one in types.choices_of(body.type_of(operand))
        if one.startswith("FHIR.") and fhir_model().is_a(one[5:], target[5:])
    ]
    source_type = _source_type(body, operand)
    plain = source_type is not None and source_type.startswith("FHIR.")
    return target[5:] if plain and derived == [target] else None


def _as_property(body: Body, node: Node) -> Node:
    """An element named in a sort expression, as the property of the row that it is."""
    if node.get("type") != "IdentifierRef" or body.local("$this") is None or body.local(node["name"]):
        return node
    return {**node, "type": "Property", "path": node["name"], "scope": "$this"}


def _source_type(body: Body, operand: Node) -> str | None:
    if "scope" in operand:
        local = body.local(operand["scope"])
        return local.type if local is not None else None
    return body.type_of(operand["source"])


@handles("Is")
def is_(body: Body, node: Node) -> Closure:
    """Whether a value is of a type; null is of none."""
    body.allow_only(node, "operand", "isType", "isTypeSpecifier")
    target = types.target_type(node, "isType")
    if target is None:
        body.fail("Is without a type", node)
    operand = body.compile(node["operand"])
    test = type_test(body, target, body.type_of(node["operand"]))
    return call(body, lambda value: value is not None and test(value), [operand])


@handles("As")
def as_(body: Body, node: Node) -> Closure:
    """The value when it is of the type, else null, or an error when strict."""
    body.allow_only(node, "operand", "asType", "asTypeSpecifier", "strict")
    target = types.target_type(node, "asType")
    if target is None:
        body.fail("As without a type", node)
    strict = bool(node.get("strict"))
    alternative = None if strict else _alternative(body, node, target)
    if alternative is not None:
        property_node = _as_property(body, node["operand"])
        source, source_type = source_of(body, property_node)
        read = alternative_reader(property_node["path"], alternative)
        return reading(body, property_node, source, source_type, read)
    operand = body.compile(node["operand"])
    source_type = body.type_of(node["operand"])
    if source_type == target:
        return operand
    if types.choices_of(target) and source_type is not None and source_type.startswith("FHIR."):
        return tagged(operand, source_type)
    test = type_test(body, target, source_type)
    keeps_choice = bool(types.choices_of(target))
    fail = Place(body).fail

    def cast(frame: Frame) -> Any:
        value = operand(frame)
        if value is None:
            return None
        try:
            matches = test(value)
        except Exception as error:
            fail(error)
        if matches:
            return value.value if not keeps_choice and value.__class__ is Chosen else value
        if strict:
            fail(CqlRuntimeError(f"a {_kind(value)} cannot be cast to {target}"))
        return None

    return cast


def tagged(operand: Closure, source_type: str) -> Closure:
    """A value of a FHIR type that becomes a choice keeps its type; resources carry theirs already."""
    name = source_type[5:]
    if fhir_model().is_resource(name):
        return operand

    def tag(frame: Frame) -> Any:
        value = operand(frame)
        return None if value is None else Chosen(name, value)

    return tag


def _kind(value: Any) -> str:
    return f"FHIR.{value.type}" if value.__class__ is Chosen else type_name(value)


_CONVERTIBLE: Final = (
    "Boolean",
    "Integer",
    "Long",
    "Decimal",
    "String",
    "Date",
    "DateTime",
    "Time",
    "Quantity",
    "Ratio",
    "Concept",
)


def _converter(body: Body, node: Node, prefix: str) -> Callable[..., Any]:
    target = types.target_type(node, "toType") or ""
    name = target.removeprefix("System.")
    function = OPERATORS.get(f"{prefix}{name}") if name in _CONVERTIBLE else None
    if function is None:
        body.fail(f"conversion to {target} is not supported", node)
    return function


@handles("Convert")
def convert(body: Body, node: Node) -> Closure:
    """Explicit conversion to a System type."""
    body.allow_only(node, "operand", "toType", "toTypeSpecifier")
    operand = body.compile(node["operand"])
    return call(body, _converter(body, node, "To"), [lambda frame: bare(operand(frame))])


@handles("CanConvert")
def can_convert(body: Body, node: Node) -> Closure:
    """Whether an explicit conversion would give a value."""
    body.allow_only(node, "operand", "toType", "toTypeSpecifier")
    operand = body.compile(node["operand"])
    return call(body, _converter(body, node, "ConvertsTo"), [lambda frame: bare(operand(frame))])


@handles("ToList")
def to_list(body: Body, node: Node) -> Closure:
    """A list of the one value; an empty list for null."""
    body.allow_only(node, "operand")
    operand = body.compile(node["operand"])

    def listed(frame: Frame) -> list[Any]:
        value = operand(frame)
        return [] if value is None else [value]

    return listed


@types_of("As")
def _as_type(body: Body, node: Node) -> str | None:
    return types.target_type(node, "asType")


@types_of("Convert")
def _convert_type(body: Body, node: Node) -> str | None:
    return types.target_type(node, "toType")
