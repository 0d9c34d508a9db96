"""Property access: elements of FHIR data by the FHIR model, parts of System values, elements of tuples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.choices import UNREADABLE, Chosen
from cds_service.cql.compiler.model_info import fhir_model
from cds_service.cql.compiler.readers import Reader, choice_key, element_reader, value_reader
from cds_service.cql.reasons import Why

# Elements of System classes (CQL 1.5, appendix B): attribute of our value, and its type.
_SYSTEM_ELEMENTS: Final[dict[str, dict[str, tuple[Callable[[Any], Any], str]]]] = {
    "System.Quantity": {
        "value": (lambda one: one.value, "System.Decimal"),
        "unit": (lambda one: one.unit, "System.String"),
    },
    "System.Ratio": {
        "numerator": (lambda one: one.numerator, "System.Quantity"),
        "denominator": (lambda one: one.denominator, "System.Quantity"),
    },
    "System.Code": {
        "code": (lambda one: one.code, "System.String"),
        "system": (lambda one: one.system, "System.String"),
        "version": (lambda one: one.version, "System.String"),
        "display": (lambda one: one.display, "System.String"),
    },
    "System.Concept": {
        "codes": (lambda one: list(one.codes), "List<System.Code>"),
        "display": (lambda one: one.display, "System.String"),
    },
    "System.ValueSet": {
        "id": (lambda one: one.id, "System.String"),
        "version": (lambda one: one.version, "System.String"),
        "name": (lambda one: one.name, "System.String"),
    },
}
_INTERVAL_ELEMENTS: Final[dict[str, Callable[[Any], Any]]] = {
    "low": lambda one: one.low,
    "high": lambda one: one.high,
    "lowClosed": lambda one: one.low_closed,
    "highClosed": lambda one: one.high_closed,
}
_NOTHING: Final = "System.Any"


def reader_of(body: Body, source_type: str | None, path: str) -> tuple[Reader, str | None]:
    """Reader of a dotted path and the type of what it reads; fails the compilation for unknown elements."""
    read: Reader | None = None
    current = source_type
    for part in path.split("."):
        step, current = _step(body, current, part)
        read = step if read is None else _then(read, step)
    assert read is not None
    return read, current


def _then(first: Reader, second: Reader) -> Reader:
    return lambda source: second(first(source))


def _step(body: Body, source_type: str | None, element: str) -> tuple[Reader, str | None]:
    if source_type is None:
        body.fail(f"the type that {element} is read from is not known")
    alternatives = types.choices_of(source_type)
    if alternatives:
        return _choice_step(body, alternatives, element)
    if source_type.startswith("FHIR."):
        return _fhir_step(body, source_type[5:], element)
    if source_type == "Tuple":
        return (lambda source: None if source is None else source.get(element)), None
    if source_type.startswith("Interval<"):
        found = _INTERVAL_ELEMENTS.get(element)
        if found is not None:
            point = types.point_of(source_type) if element in ("low", "high") else "System.Boolean"
            return _guarded(found), point
    system = _SYSTEM_ELEMENTS.get(source_type, {}).get(element)
    if system is not None:
        return _guarded(system[0]), system[1]
    return body.fail(f"{source_type} has no element {element} that this engine can read")


def _guarded(read: Reader) -> Reader:
    return lambda source: None if source is None else read(source)


def _fhir_step(body: Body, class_name: str, element: str) -> tuple[Reader, str | None]:
    model = fhir_model()
    primitive = model.primitive(class_name)
    if primitive is not None:
        if element == "value":
            return value_reader(primitive), primitive
        body.fail(f"{element} of the primitive FHIR.{class_name} is not supported")
    type_name = model.element(class_name, element)
    if type_name is None:
        return _explicit_choice(body, class_name, element)
    return element_reader(element, type_name), static_type(type_name)


def _explicit_choice(body: Body, class_name: str, element: str) -> tuple[Reader, str | None]:
    """An alternative named by its JSON key, as retrieves do: `medicationCodeableConcept`."""
    model = fhir_model()
    for end in range(len(element) - 1, 0, -1):
        for alternative in (model.element(class_name, element[:end]) or "").split("|"):
            if alternative and choice_key(element[:end], alternative) == element:
                return element_reader(element, alternative), static_type(alternative)
    return body.fail(f"FHIR.{class_name} has no element {element}")


def static_type(model_type: str) -> str:
    """Static type of a model type: "[]Coding" -> "List<FHIR.Coding>"."""
    if model_type.startswith("[]"):
        return f"List<{static_type(model_type[2:])}>"
    if "|" in model_type:
        return "Choice<" + "|".join(sorted(map(static_type, model_type.split("|")))) + ">"
    return model_type if model_type.startswith("System.") else f"FHIR.{model_type}"


def _choice_step(body: Body, alternatives: tuple[str, ...], element: str) -> tuple[Reader, str | None]:
    """An element of a choice: read from whichever alternative is there, null where it has no such element."""
    readers: dict[str, Reader] = {}
    found: set[str] = set()
    for alternative in alternatives:
        name = alternative.removeprefix("FHIR.")
        has_element = (
            (fhir_model().primitive(name) is not None and element == "value")
            or (fhir_model().primitive(name) is None and fhir_model().element(name, element) is not None)
            if alternative.startswith("FHIR.")
            else element in _SYSTEM_ELEMENTS.get(alternative, {})
        )
        if has_element:
            readers[name], type_name = _step(body, alternative, element)
            found.add(type_name or _NOTHING)
    if not readers:
        body.fail(f"no alternative of {', '.join(alternatives)} has an element {element}")

    def read(source: Any) -> Any:
        if source.__class__ is not Chosen:
            return None
        reader = readers.get(source.type)
        return reader(source.value) if reader is not None else None

    return read, found.pop() if len(found) == 1 else "Choice<" + "|".join(sorted(found)) + ">"


def source_of(body: Body, node: Node) -> tuple[Closure, str | None]:
    """Closure and static type of what a Property node reads from: an alias (`scope`) or an expression."""
    if "scope" in node:
        local = body.local(node["scope"])
        if local is None:
            body.fail(f"{node['scope']} is not defined here", node)
        slot = local.slot
        return (lambda frame: frame[slot]), local.type
    return body.compile(node["source"]), body.type_of(node["source"])


def is_patient(body: Body, node: Node) -> bool:
    """Whether a Property reads straight from the patient in context."""
    from cds_service.cql.compiler.references import find_definition

    source = node.get("source", {})
    return source.get("type") == "ExpressionRef" and find_definition(body, source).is_context


@handles("Property")
def property_(body: Body, node: Node) -> Closure:
    """One element, or a dotted path of them."""
    body.allow_only(node, "path", "scope", "source")
    source, source_type = source_of(body, node)
    read, _ = reader_of(body, source_type, node["path"])
    return reading(body, node, source, source_type, read)


def reading(body: Body, node: Node, source: Closure, source_type: str | None, read: Reader) -> Closure:
    """A closure that reads from its source; the traced one notes missing elements and use of the patient."""
    local = body.local(node["scope"]) if "scope" in node else None
    slot = local.slot if local is not None else 0
    if not body.traced:
        return (lambda frame: read(frame[slot])) if slot else lambda frame: read(source(frame))
    patient = is_patient(body, node)
    path = node["path"].removesuffix(".value")
    subject = (source_type or "").removeprefix("FHIR.")

    def traced(frame: Frame) -> Any:
        owner = frame[slot] if slot else source(frame)
        value = read(owner)
        if value is not None and value is not UNREADABLE and not patient:
            return value
        record = frame[0].current
        if patient and owner is not None:
            record.evidence.append(owner)
        if value is UNREADABLE:
            record.notes.append((Why.INVALID, path, owner.get(path) if owner.__class__ is dict else None))
        elif value is None:
            if owner is None:
                if patient:
                    record.notes.append((Why.NO_RESOURCE, "Patient", None))
            elif owner.__class__ is dict and "resourceType" in owner:
                record.notes.append((Why.NO_ELEMENT, owner, path))
            else:
                record.notes.append((Why.NO_ELEMENT, subject, path))
        return value

    return traced


@types_of("Property")
def _property_type(body: Body, node: Node) -> str | None:
    if "scope" in node:
        local = body.local(node["scope"])
        source_type = local.type if local is not None else None
    else:
        source_type = body.type_of(node["source"])
    return reader_of(body, source_type, node["path"])[1] if source_type is not None else None
