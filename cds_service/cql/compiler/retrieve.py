"""Retrieve: resources of a type, by code or value set, by date."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.calls import Place
from cds_service.cql.compiler.choices import Chosen
from cds_service.cql.compiler.fhir_helpers import converter, objects, system_value
from cds_service.cql.compiler.model_info import fhir_model
from cds_service.cql.compiler.properties import reader_of
from cds_service.cql.compiler.readers import Reader
from cds_service.cql.compiler.state import State
from cds_service.cql.compiler.terminology import code_set, find_value_set
from cds_service.cql.operators import OPERATORS
from cds_service.cql.reasons import Why
from cds_service.cql.values.clinical import Code, Concept, ValueSetReference
from cds_service.cql.values.interval import Interval

Test = Callable[[Any], bool]
Filter = Callable[[list[Any]], list[Any]]
MakeFilter = Callable[[Frame], Filter]  # once per retrieve


@handles("Retrieve")
def retrieve(body: Body, node: Node) -> Closure:
    """Resources of one type that pass the code and date filters, in the order of the data source."""
    body.allow_only(
        node, "dataType", "templateId", "codeProperty", "codeComparator", "codes", "dateProperty", "dateRange"
    )
    data_type = types.qualified(node["dataType"])
    resource_type = data_type.removeprefix("FHIR.")
    if not data_type.startswith("FHIR.") or not fhir_model().is_resource(resource_type):
        body.fail(f"retrieving {data_type} is not supported", node)
    if body.unfiltered:
        body.fail("retrieves outside the Patient context are not supported", node)
    filters: list[MakeFilter] = []
    if "codes" in node:
        filters.append(_code_filter(body, node, data_type))
    if "dateRange" in node:
        filters.append(_date_filter(body, node, data_type))
    fail = Place(body).fail

    def found(frame: Frame) -> list[Any]:
        try:
            resources = _resources(frame[0], resource_type)
            for make in filters:
                resources = make(frame)(resources)
            return resources
        except Exception as error:
            fail(error)

    return _traced(found, resource_type, _purpose(node)) if body.traced else found


def _resources(state: State, resource_type: str) -> list[Any]:
    if resource_type == "Patient":
        return [] if state.patient is None else [state.patient]
    resources = list(state.data.resources(resource_type))
    state.spend(len(resources))
    return resources


def _traced(found: Closure, resource_type: str, purpose: str | None) -> Closure:
    def traced(frame: Frame) -> Any:
        state = frame[0]
        record = state.current
        resources = found(frame)
        if resource_type != "Patient" and not state.data.availability(resource_type).is_known:
            record.unavailable.append(resource_type)
            record.notes.append((Why.UNAVAILABLE, resource_type, None))
        elif not resources:
            record.notes.append((Why.NO_RESOURCE, resource_type, purpose))
        record.evidence.extend(resources)
        return resources

    return traced


def _purpose(node: Node) -> str | None:
    """What the retrieve looks for, by the name of its value set or code."""
    codes = node.get("codes") or {}
    while codes and "name" not in codes:
        codes = codes.get("operand") or codes.get("source") or {}
        codes = codes if isinstance(codes, dict) else {}
    name = codes.get("name")
    return f'"{name}"' if name else None


def _code_filter(body: Body, node: Node, data_type: str) -> MakeFilter:
    path = node.get("codeProperty")
    if not path:
        body.fail("a retrieve by code needs a code path", node)
    if node.get("codeComparator", "in") not in ("in", "~", "="):
        body.fail(f"retrieve with {node['codeComparator']} is not supported", node)
    read, static = reader_of(body, data_type, path)
    codes = node["codes"]
    if codes.get("type") == "ValueSetRef":
        reference = find_value_set(body, codes)
        return lambda frame: _each(_in_code_set(read, code_set(frame[0], reference)))
    wanted = body.compile(codes)

    # A concept under a plain key can be told apart before it is read in all its possible shapes.
    key = path if static == "FHIR.CodeableConcept" and "." not in path else None

    def listed(frame: Frame) -> Filter:
        value = wanted(frame)
        if isinstance(value, ValueSetReference):
            return _each(_in_code_set(read, code_set(frame[0], value)))
        pairs = {(code.code, code.system) for code in _flat(value)}
        plain = {code for code, _ in pairs}

        def test(resource: Any) -> bool:
            return any(
                (code, system) in pairs
                if system is not None or (code, None) in pairs
                else is_code and code in plain
                for code, system, is_code in codings(read(resource))
            )

        return _each(test) if key is None else lambda resources: _of_codes(resources, key, plain, test)

    return listed


def _each(test: Test) -> Filter:
    return lambda resources: [one for one in resources if test(one)]


def _of_codes(resources: list[Any], key: str, codes: set[str], test: Test) -> list[Any]:
    """The resources that pass the test; most concepts are told apart by their codes alone."""
    found = []
    for resource in resources:
        try:
            concept = resource[key]
            for coding in concept["coding"]:
                if coding["code"] in codes or "coding" in coding:
                    break
            else:
                if "code" not in concept:
                    continue
        except (KeyError, TypeError):
            pass  # no usual CodeableConcept
        if test(resource):
            found.append(resource)
    return found


def _in_code_set(read: Reader, content: Any) -> Test:
    contains = content.contains
    return lambda resource: any(contains(code, system) for code, system, _ in codings(read(resource)))


def _flat(value: Any) -> Iterator[Code]:
    """The codes of a code, a concept or (nested) lists of them."""
    if isinstance(value, Code):
        yield value
    elif isinstance(value, Concept):
        yield from (code for code in value.codes if code is not None)
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item)


def codings(value: Any) -> Iterator[tuple[str, str | None, bool]]:
    """(code, system, whether it is a bare FHIR code) of a CodeableConcept, Coding, code or list of them."""
    if value.__class__ is Chosen:
        value = value.value
    if value.__class__ is list:
        for item in value:
            yield from codings(item)
    elif value.__class__ is str:
        yield value, None, True
    elif value.__class__ is dict:
        if "coding" in value:
            for coding in objects(value["coding"]):
                yield from codings(coding)
        code, system = value.get("code"), value.get("system")
        if code.__class__ is str:
            yield code, system if system.__class__ is str else None, False


def _date_filter(body: Body, node: Node, data_type: str) -> MakeFilter:
    path = node.get("dateProperty")
    if not path:
        body.fail("a retrieve by date needs a date path", node)
    read, static = reader_of(body, data_type, path)
    wanted = body.compile(node["dateRange"])

    def dated(frame: Frame) -> Filter:
        period = wanted(frame)
        return _each(lambda resource: _during(read(resource), static, period))

    return dated


def _during(value: Any, static: str | None, period: Any) -> bool:
    """Whether a FHIR date, dateTime, instant or Period lies in an interval for certain."""
    name, value = (
        (value.type, value.value)
        if value.__class__ is Chosen
        else ((static or "").removeprefix("FHIR."), value)
    )
    if value is None or converter(name) is None:
        return False
    when = system_value(value, name)
    operator = "IncludedIn" if isinstance(when, Interval) else "In"
    return OPERATORS[operator](when, period) is True


@types_of("Retrieve")
def _retrieved_type(body: Body, node: Node) -> str:
    return f"List<{types.qualified(node['dataType'])}>"
