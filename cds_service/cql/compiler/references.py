"""References by name: definitions, functions, parameters, operands, aliases and lets."""

from __future__ import annotations

from typing import Any

from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.calls import Place
from cds_service.cql.compiler.definitions import Definition, FunctionDefinition, ParameterDefinition
from cds_service.cql.compiler.overloads import choose
from cds_service.cql.compiler.state import DEPTH_LIMIT, MISSING, State
from cds_service.cql.reasons import Why


def find_definition(body: Body, node: Node) -> Definition:
    """The definition that an ExpressionRef names."""
    unit = body.unit.included(node.get("libraryName"), body)
    definition = unit.definitions.get(node["name"])
    if definition is None:
        body.fail(f'definition "{node["name"]}" is not in library {unit.label}', node)
    return definition


@handles("ExpressionRef")
def expression_reference(body: Body, node: Node) -> Closure:
    """The value of a definition; evaluated at the first reference."""
    body.allow_only(node, "name", "libraryName")
    definition = find_definition(body, node)
    if definition.is_context:
        return lambda frame: frame[0].patient
    if body.traced:

        def traced(frame: Frame) -> Any:
            state = frame[0]
            record = state.cache.get(definition) or definition.run_traced(state)
            current = state.current
            current.children.append(record)
            current.evidence.append(record)
            return record.value

        return traced

    def plain(frame: Frame) -> Any:
        state = frame[0]
        value = state.cache.get(definition, MISSING)
        return definition.run(state) if value is MISSING else value

    return plain


@handles("FunctionRef")
def function_reference(body: Body, node: Node) -> Closure:
    """A call of a function of this or an included library, its overload chosen by operand types."""
    body.allow_only(node, "name", "libraryName", "operand")
    unit = body.unit.included(node.get("libraryName"), body)
    if unit.is_native:
        from cds_service.cql.compiler.fhir_helpers import native_call

        return native_call(body, node)
    function = choose(body, node, unit)
    operands = tuple(
        _argument(body, operand, declared)
        for operand, declared in zip(node.get("operand") or (), function.operand_types, strict=True)
    )
    return _call(body, function, operands)


def _call(body: Body, function: FunctionDefinition, operands: tuple[Closure, ...]) -> Closure:
    """Run a function in a frame of its own; its body is looked up late: functions may call each other."""
    fail = Place(body).fail
    traced = body.traced
    known: list[tuple[Closure, tuple[None, ...]]] = []

    def code_and_locals() -> tuple[Closure, tuple[None, ...]]:
        code, size = (
            (function.body_traced, function.size_traced) if traced else (function.body, function.size)
        )
        assert code is not None
        known.append((code, (None,) * (size - 1 - len(operands))))
        return known[0]

    def run(frame: Frame) -> Any:
        state: State = frame[0]
        code, locals_ = known[0] if known else code_and_locals()
        inner = [state, *[operand(frame) for operand in operands], *locals_]
        state.depth += 1
        state.budget -= 1
        try:
            if state.depth > DEPTH_LIMIT:
                state.too_deep()
            if state.budget < 0:
                state.exhausted()
            value = code(inner)
        except Exception as error:
            fail(error)
        state.depth -= 1
        return value

    return run


def _argument(body: Body, node: Node, declared: str) -> Closure:
    """An operand of a call; a FHIR value given for a choice keeps its type."""
    from cds_service.cql.compiler.conversions import tagged

    code = body.compile(node)
    given = body.type_of(node)
    if declared.startswith("Choice<") and given is not None and given.startswith("FHIR."):
        return tagged(code, given)
    return code


def _find_parameter(body: Body, node: Node) -> ParameterDefinition:
    unit = body.unit.included(node.get("libraryName"), body)
    parameter = unit.parameters.get(node["name"])
    if parameter is None:
        body.fail(f'parameter "{node["name"]}" is not in library {unit.label}', node)
    return parameter


@handles("ParameterRef")
def parameter_reference(body: Body, node: Node) -> Closure:
    """The value given for a parameter by its unqualified name, else its default, else null."""
    body.allow_only(node, "name", "libraryName")
    parameter = _find_parameter(body, node)
    name = parameter.name

    def given(frame: Frame) -> Any:
        state = frame[0]
        value = state.parameters.get(name, MISSING)
        if value is not MISSING:
            return value
        if not parameter.has_default:
            return None
        value = state.cache.get(parameter, MISSING)
        if value is MISSING:
            value = state.cache[parameter] = parameter.default(frame)  # type: ignore[misc]
        return value

    if not body.traced:
        return given

    def traced(frame: Frame) -> Any:
        value = given(frame)
        if value is None:
            frame[0].current.notes.append((Why.NO_PARAMETER, name, None))
        return value

    return traced


@handles("OperandRef", "AliasRef", "QueryLetRef")
def local_reference(body: Body, node: Node) -> Closure:
    """The value of a local name, held in a slot of the frame."""
    body.allow_only(node, "name")
    local = body.local(node["name"])
    if local is None:
        body.fail(f"{node['name']} is not defined here", node)
    slot = local.slot
    return lambda frame: frame[slot]


@types_of("OperandRef", "AliasRef", "QueryLetRef")
def _local_type(body: Body, node: Node) -> str | None:
    local = body.local(node["name"])
    return local.type if local is not None else None


@types_of("ExpressionRef")
def _definition_type(body: Body, node: Node) -> str | None:
    definition = find_definition(body, node)
    return "FHIR.Patient" if definition.is_context else definition.type or body.type_of(definition.elm)


@types_of("ParameterRef")
def _parameter_type(body: Body, node: Node) -> str | None:
    return _find_parameter(body, node).type


@types_of("FunctionRef")
def _function_type(body: Body, node: Node) -> str | None:
    unit = body.unit.included(node.get("libraryName"), body)
    if unit.is_native:
        from cds_service.cql.compiler.fhir_helpers import native_type

        return native_type(body, node)
    return choose(body, node, unit).type
