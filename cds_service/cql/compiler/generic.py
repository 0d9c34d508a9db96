"""Nodes that are an operator over evaluated operands: found in OPERATORS, called with them in ELM order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.calls import Place, call
from cds_service.cql.compiler.choices import bare
from cds_service.cql.compiler.comparisons import COMPARISONS, traced_comparison
from cds_service.cql.compiler.selectors import constant
from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERAND_NAMES, OPERATORS, PRECISION_OPERATORS, TYPE_OPERATORS
from cds_service.cql.operators.lists import length_of_list
from cds_service.cql.values.types import type_name

# Operators whose work grows with the product of their list operands; a unit of the limit pays for so many.
_QUADRATIC: Final = frozenset(
    {
        "Distinct",
        "Union",
        "Intersect",
        "Except",
        "Includes",
        "IncludedIn",
        "ProperIncludes",
        "ProperIncludedIn",
        "Equal",
        "Equivalent",
        "Mode",
    }
)
_PAIRS_PER_UNIT: Final = 8


def operand_nodes(body: Body, node: Node) -> list[Node | None]:
    """The operand expressions of a node in the order its operator takes them."""
    names = OPERAND_NAMES.get(node["type"])
    if names is None:
        operand = node.get("operand", [])
        body.allow_only(node, "operand", *_precision_attribute(node))
        return list(operand) if isinstance(operand, list) else [operand]
    body.allow_only(node, *names, *_precision_attribute(node))
    return [node.get(name) for name in names]


def _precision_attribute(node: Node) -> tuple[str, ...]:
    return ("precision",) if node["type"] in PRECISION_OPERATORS else ()


def operand(body: Body, node: Node | None) -> Closure:
    """Closure of one operand: choice values without their FHIR type, None for an absent one."""
    if node is None:
        return constant(None)
    code = body.compile(node)
    static = body.type_of(node)
    if static is None or any(part in static for part in ("FHIR.", "Choice<", "System.Any")):
        return lambda frame: bare(code(frame))
    return code


def operator_function(body: Body, node: Node) -> Callable[..., Any]:
    """The function of an operator node, its precision and type attributes already given."""
    node_type = node["type"]
    function = OPERATORS.get(node_type)
    if function is None:
        body.fail(f"{node_type} is not supported", node)
    if node_type in PRECISION_OPERATORS:
        precision = node.get("precision")
        if precision is not None or node_type in ("CalculateAgeAt", "DateTimeComponentFrom"):
            return partial(function, precision=None if precision is None else precision.lower())
    return function


def operator(body: Body, node: Node) -> Closure:
    """Any node of OPERATORS that no other module compiles."""
    node_type = node["type"]
    function = operator_function(body, node)
    if node_type in TYPE_OPERATORS:
        attribute = TYPE_OPERATORS[node_type]
        body.allow_only(node, attribute)
        return call(body, function, [constant(node[attribute])])
    nodes = operand_nodes(body, node)
    if node_type == "Length" and _is_list(body, nodes[0]):
        function = length_of_list
    while nodes and nodes[-1] is None:
        nodes.pop()
    operands = [operand(body, one) for one in nodes]
    if node_type in _QUADRATIC and any(_may_be_list(body, one) for one in nodes):
        return _limited(body, function, operands)
    if body.traced and node_type in COMPARISONS and len(operands) == 2:
        return traced_comparison(body, node, function, operands)
    return call(body, function, operands)


def _is_list(body: Body, node: Node | None) -> bool:
    return node is not None and (body.type_of(node) or "").startswith("List<")


@handles("Contains")
def membership(body: Body, node: Node) -> Closure:
    """Membership in a list or interval.

    `{1, 2} includes null` reaches us as Contains with a null element, for which CQL gives another result than
    for `contains`; the two cannot be told apart, so a literal null in a list without one is refused.
    """
    container, element = node["operand"] if node["type"] == "Contains" else reversed(node["operand"])
    items = container.get("element") or []
    if container.get("type") == "List" and items and _is_null(element) and not any(map(_is_null, items)):
        body.fail("contains, in and includes with a literal null cannot be told apart", node)
    return operator(body, node)


def _is_null(node: Node) -> bool:
    while node.get("type") == "As":
        node = node["operand"]
    return node.get("type") == "Null"


@handles("Descendents")
def descendents(body: Body, node: Node) -> Closure:
    """Everything inside a value, at any depth: of lists of simple values; refused for FHIR data."""
    body.allow_only(node, "source")
    static = body.type_of(node["source"]) or "System.Any"
    if "FHIR." in static or "Choice<" in static:
        body.fail("Descendents of FHIR data is not supported", node)
    return call(body, _inside, [body.compile(node["source"])])


def _inside(value: Any) -> list[Any] | None:
    if value is None:
        return None
    if value.__class__ is not list:
        raise CqlRuntimeError("Descendents is supported for lists of simple values only")
    found: list[Any] = []
    for item in value:
        found.append(item)
        if item.__class__ is list:
            found.extend(_inside(item) or [])
        elif item is not None and type_name(item) not in _SIMPLE:
            raise CqlRuntimeError("Descendents is supported for lists of simple values only")
    return found


_SIMPLE: Final = frozenset(
    f"System.{name}"
    for name in ("Boolean", "Integer", "Long", "Decimal", "String", "Date", "DateTime", "Time")
)


def _may_be_list(body: Body, node: Node | None) -> bool:
    static = body.type_of(node) if node is not None else None
    return static is None or static.startswith(("List<", "System.Any"))


def _limited(body: Body, function: Callable[..., Any], operands: list[Closure]) -> Closure:
    """Pay for the pairs a list operator may compare before it starts."""
    fail = Place(body).fail

    def limited(frame: Frame) -> Any:
        values = [one(frame) for one in operands]
        lengths = [len(value) for value in values if value.__class__ is list]
        try:
            if lengths:
                frame[0].spend(lengths[0] * lengths[-1] // _PAIRS_PER_UNIT)
            return function(*values)
        except Exception as error:
            fail(error)

    return limited


@handles("CalculateAge")
def calculate_age(body: Body, node: Node) -> Closure:
    """Age now: the age at the day (or instant) of the evaluation."""
    signature = node.get("signature") or [{}]
    of_instant = signature[0].get("name", "").endswith("}DateTime")
    at = {"type": "Now" if of_instant else "Today"}
    rest = {key: value for key, value in node.items() if key not in ("operand", "type", "signature")}
    return body.compile({**rest, "type": "CalculateAgeAt", "operand": [node["operand"], at]})


@handles("SubsumES", "Subsumes", "SubsumedBy", "Descendants", "Children", "Repeat")
def refused(body: Body, node: Node) -> Closure:
    """Nodes that need a terminology server or an untyped walk over resources."""
    body.fail(f"{node['type']} is not supported by this engine", node)


_RESULTS: Final = {
    **dict.fromkeys(
        (
            "Equal",
            "NotEqual",
            "Equivalent",
            "Less",
            "LessOrEqual",
            "Greater",
            "GreaterOrEqual",
            "And",
            "Or",
            "Not",
            "Xor",
            "Implies",
            "IsNull",
            "IsTrue",
            "IsFalse",
            "Exists",
            "In",
            "Contains",
            "Before",
            "After",
            "SameAs",
            "SameOrBefore",
            "SameOrAfter",
            "InValueSet",
            "AnyInValueSet",
            "ToBoolean",
            "Is",
        ),
        "System.Boolean",
    ),
    **dict.fromkeys(
        (
            "Count",
            "ToInteger",
            "CalculateAge",
            "CalculateAgeAt",
            "DurationBetween",
            "Length",
            "DifferenceBetween",
            "IndexOf",
            "DateTimeComponentFrom",
        ),
        "System.Integer",
    ),
    "ToDecimal": "System.Decimal",
    "ToLong": "System.Long",
    "ToString": "System.String",
    "Concatenate": "System.String",
    "ToDate": "System.Date",
    "DateFrom": "System.Date",
    "ToDateTime": "System.DateTime",
    "ToTime": "System.Time",
    "ToQuantity": "System.Quantity",
    "ToRatio": "System.Ratio",
    "ToConcept": "System.Concept",
}


@types_of(*_RESULTS)
def _result(body: Body, node: Node) -> str:
    return _RESULTS[node["type"]]


@types_of("Start", "End", "PointFrom")
def _bound_type(body: Body, node: Node) -> str | None:
    inner = body.type_of(node["operand"])
    return inner[9:-1] if inner is not None and inner.startswith("Interval<") else None


@types_of("ToList")
def _to_list_type(body: Body, node: Node) -> str | None:
    inner = body.type_of(node["operand"])
    return f"List<{inner}>" if inner is not None else None


@types_of("Flatten")
def _flatten_type(body: Body, node: Node) -> str | None:
    inner = body.type_of(node["operand"])
    return inner[5:-1] if inner is not None and inner.startswith("List<List<") else inner


@types_of("Distinct", "Slice")
def _same_type(body: Body, node: Node) -> str | None:
    return body.type_of(node.get("operand") or node["source"])
