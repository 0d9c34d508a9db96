"""The conversions of FHIRHelpers 4.0.1, carried out natively on JSON values that may be invalid.

Rules call FHIRHelpers because the FHIR model info says so; its CQL text, for other engines, is in the rules
folder. Data that cannot be read give null, and the trace says so; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Node
from cds_service.cql.compiler.choices import UNREADABLE, Chosen
from cds_service.cql.compiler.model_info import fhir_model
from cds_service.cql.compiler.readers import to_primitive
from cds_service.cql.reasons import Why
from cds_service.cql.values.clinical import Code, Concept, ValueSetReference
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.quantity import Quantity, Ratio

_UCUM: Final = "http://unitsofmeasure.org"
_CALENDAR_UNITS: Final = {
    "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month",
    "a": "year",
}  # fmt: skip


def _text(source: dict[str, Any], key: str) -> str | None:
    value = source.get(key)
    return value if value.__class__ is str else None


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, or the one object in place of a list."""
    items = value if value.__class__ is list else [value]
    return [item for item in items if item.__class__ is dict]


def to_code(coding: Any) -> Code | None:
    """FHIR Coding -> Code; null without a code."""
    if coding.__class__ is not dict:
        return None
    code = _text(coding, "code")
    if code is None:
        return None
    return Code(code, _text(coding, "system"), _text(coding, "version"), _text(coding, "display"))


def to_concept(concept: Any) -> Concept | None:
    """FHIR CodeableConcept -> Concept; codings without a code are left out."""
    if concept.__class__ is not dict:
        return None
    codes = [to_code(coding) for coding in objects(concept.get("coding"))]
    return Concept(tuple(code for code in codes if code is not None), _text(concept, "text"))


def to_calendar_unit(unit: Any) -> str | None:
    """UCUM time units by their calendar names, other units unchanged."""
    return _CALENDAR_UNITS.get(unit, unit) if unit.__class__ is str else None


def to_quantity(quantity: Any) -> Quantity | None:
    """FHIR Quantity -> Quantity; null with a comparator ("< 5" is no value), without a number, not UCUM."""
    if quantity.__class__ is not dict or quantity.get("comparator") is not None:
        return None
    if quantity.get("system", _UCUM) not in (None, _UCUM):
        return None
    value = to_primitive(quantity.get("value"), "System.Decimal")
    if value is None:
        return None
    unit = _text(quantity, "code") or _text(quantity, "unit") or "1"
    return Quantity(value, _CALENDAR_UNITS.get(unit, unit))


def to_ratio(ratio: Any) -> Ratio | None:
    """FHIR Ratio -> Ratio; null without both parts."""
    if ratio.__class__ is not dict:
        return None
    numerator, denominator = to_quantity(ratio.get("numerator")), to_quantity(ratio.get("denominator"))
    return None if numerator is None or denominator is None else Ratio(numerator, denominator)


def period_to_interval(period: Any) -> Interval | None:
    """FHIR Period -> interval of DateTime: no end means still going on, no start means an unknown start.

    Null when a bound is there but cannot be read.
    """
    if period.__class__ is not dict:
        return None
    bounds = []
    for key in ("start", "end"):
        written = period.get(key)
        bound = to_primitive(written, "System.DateTime")
        if bound is None and written is not None:
            return None
        bounds.append(bound)
    return Interval(bounds[0], bounds[1], bounds[0] is not None, True, "System.DateTime")


def range_to_interval(range_: Any) -> Interval | None:
    """FHIR Range -> interval of Quantity; an absent bound is unknown."""
    if range_.__class__ is not dict:
        return None
    low, high = to_quantity(range_.get("low")), to_quantity(range_.get("high"))
    if low is None and high is None:
        return None
    return Interval(low, high, low is not None, high is not None, "System.Quantity")


def to_value_set(url: Any) -> ValueSetReference | None:
    """Canonical URL -> value set."""
    return ValueSetReference(url) if url.__class__ is str else None


_CLASSES: Final[dict[str, tuple[Callable[[Any], Any], str]]] = {
    "Coding": (to_code, "System.Code"),
    "CodeableConcept": (to_concept, "System.Concept"),
    "Quantity": (to_quantity, "System.Quantity"),
    "Ratio": (to_ratio, "System.Ratio"),
    "Period": (period_to_interval, "Interval<System.DateTime>"),
    "Range": (range_to_interval, "Interval<System.Quantity>"),
}
# A primitive of these types is its JSON value; readers let no other through but UNREADABLE.
_AS_READ: Final = frozenset({"System.String", "System.Boolean"})
_FUNCTIONS: Final = {
    "ToString": "System.String", "ToBoolean": "System.Boolean", "ToInteger": "System.Integer",
    "ToDecimal": "System.Decimal", "ToDate": "System.Date", "ToDateTime": "System.DateTime",
    "ToTime": "System.Time", "ToQuantity": "System.Quantity", "ToCode": "System.Code",
    "ToConcept": "System.Concept", "ToRatio": "System.Ratio", "ToInterval": "",
}  # fmt: skip


def converter(type_name: str) -> tuple[Callable[[Any], Any], str] | None:
    """Conversion of a FHIR class and the CQL type it gives; None for classes without one."""
    for base in fhir_model().bases(type_name):
        if base in _CLASSES:
            return _CLASSES[base]
    system_type = fhir_model().primitive(type_name)
    if system_type is None:
        return None
    return (lambda value: to_primitive(value, system_type)), system_type


def system_value(value: Any, type_name: str) -> Any:
    """The CQL value of a FHIR value of a named class; the value itself for classes without a conversion."""
    found = converter(type_name)
    return value if found is None else found[0](value)


def _resolve(node: Node, operand_type: str | None) -> tuple[Callable[[Any], Any], str] | None:
    """Conversion that a FHIRHelpers call means, None when there is none of that name for that type."""
    name = node["name"]
    if name == "ToCalendarUnit":
        return to_calendar_unit, "System.String"
    if name == "ToValueSet":
        return to_value_set, "System.ValueSet"
    given = node.get("signature") or []
    static = types.specified(given[0]) if given else operand_type
    wanted = _FUNCTIONS.get(name)
    if wanted is None or static is None or not static.startswith("FHIR."):
        return None
    found = converter(static[5:])
    if found is None or (
        found[1] != wanted and not (name == "ToInterval" and found[1].startswith("Interval<"))
    ):
        return None
    return found


def native_type(body: Body, node: Node) -> str | None:
    """Result type of a FHIRHelpers call."""
    operands = node.get("operand") or []
    found = _resolve(node, body.type_of(operands[0]) if operands else None)
    return found[1] if found is not None else None


def native_call(body: Body, node: Node) -> Closure:
    """A call of a FHIRHelpers function; unknown functions and types fail the compilation."""
    operands = node.get("operand") or []
    operand_type = body.type_of(operands[0]) if len(operands) == 1 else None
    found = _resolve(node, operand_type)
    if found is None or len(operands) != 1:
        body.fail(f"FHIRHelpers.{node['name']}({operand_type or 'unknown'}) is not supported", node)
    convert = found[0]
    operand = body.compile(operands[0])
    static = (operand_type or "").startswith("FHIR.")
    if static and found[1] in _AS_READ and node["name"] in ("ToString", "ToBoolean"):
        return lambda frame: None if (value := operand(frame)) is UNREADABLE else value
    if operand_type is None or operand_type.startswith("Choice<"):
        choice = operand

        def operand(frame: Frame) -> Any:
            value = choice(frame)
            return value.value if value.__class__ is Chosen else value

    if not body.traced:

        def plain(frame: Frame) -> Any:
            value = operand(frame)
            return None if value is None else convert(value)

        return plain
    subject = _subject(operands[0])

    def traced(frame: Frame) -> Any:
        value = operand(frame)
        if value is None:
            return None
        result = convert(value)
        if result is None and value is not UNREADABLE:
            frame[0].current.notes.append((Why.INVALID, subject, value))
        return result

    return traced


def _subject(node: Node) -> str:
    """What is being converted, in words: the element it comes from."""
    while node.get("type") in ("As", "Property"):
        if node["type"] == "Property":
            return str(node["path"])
        node = node["operand"]
    return "an element"
