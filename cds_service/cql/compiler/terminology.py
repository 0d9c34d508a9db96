"""Code systems, value sets, codes and concepts: declarations, references, membership."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cds_service.cql.compiler.body import Body, Closure, Frame, Node, handles, types_of
from cds_service.cql.compiler.calls import Place, call
from cds_service.cql.compiler.state import State
from cds_service.cql.errors import CompileError, CqlRuntimeError
from cds_service.cql.values.clinical import Code, CodeSystemReference, Concept, ValueSetReference

if TYPE_CHECKING:
    from cds_service.cql.compiler.unit import LibraryUnit


def _declared(elm: Mapping[str, Any], section: str) -> list[Node]:
    return list((elm.get(section) or {}).get("def") or ())


def read_systems(elm: Mapping[str, Any]) -> dict[str, CodeSystemReference]:
    """`codesystem` declarations by local name."""
    return {
        one["name"]: CodeSystemReference(one["id"], one.get("version"), one["name"])
        for one in _declared(elm, "codeSystems")
    }


def read_value_sets(elm: Mapping[str, Any]) -> dict[str, ValueSetReference]:
    """`valueset` declarations by local name."""
    return {
        one["name"]: ValueSetReference(one["id"], one.get("version"), one["name"])
        for one in _declared(elm, "valueSets")
    }


def read_codes(unit: LibraryUnit, elm: Mapping[str, Any]) -> None:
    """`code` declarations; a code system may come from an included library."""
    for one in _declared(elm, "codes"):
        system = find_system(unit, one["codeSystem"], one)
        unit.codes[one["name"]] = Code(one["id"], system.id, system.version, one.get("display"))


def read_concepts(unit: LibraryUnit, elm: Mapping[str, Any]) -> None:
    """`concept` declarations; codes may come from included libraries."""
    for one in _declared(elm, "concepts"):
        codes = tuple(_named(unit, code, "codes", "code", one) for code in one.get("code") or ())
        unit.concepts[one["name"]] = Concept(codes, one.get("display"))


def find_system(unit: LibraryUnit, reference: Node, owner: Node) -> CodeSystemReference:
    """The code system that a CodeSystemRef names."""
    found = _named(unit, reference, "code_systems", "code system", owner)
    assert isinstance(found, CodeSystemReference)
    return found


def _named(unit: LibraryUnit, reference: Node, table: str, kind: str, owner: Node) -> Any:
    alias = reference.get("libraryName")
    home = unit if alias is None else unit.includes.get(alias)
    found = getattr(home, table).get(reference.get("name")) if home is not None else None
    if found is None:
        raise CompileError(
            f"{kind} {reference.get('name')} is not declared",
            library=unit.label,
            definition=owner.get("name"),
            locator=reference.get("locator") or owner.get("locator"),
        )
    return found


def _resolved(body: Body, node: Node, table: str, kind: str) -> Any:
    """What a reference inside a body names."""
    try:
        return _named(body.unit, node, table, kind, node)
    except CompileError as error:
        body.fail(error.message, node)


def _constant(value: Any) -> Closure:
    return lambda frame: value


@handles("CodeRef")
def code_reference(body: Body, node: Node) -> Closure:
    """A declared code."""
    return _constant(_resolved(body, node, "codes", "code"))


@handles("ConceptRef")
def concept_reference(body: Body, node: Node) -> Closure:
    """A declared concept."""
    return _constant(_resolved(body, node, "concepts", "concept"))


@handles("CodeSystemRef")
def code_system_reference(body: Body, node: Node) -> Closure:
    """A declared code system."""
    return _constant(_resolved(body, node, "code_systems", "code system"))


def find_value_set(body: Body, node: Node) -> ValueSetReference:
    """The value set that a ValueSetRef names."""
    found = _resolved(body, node, "value_sets", "value set")
    assert isinstance(found, ValueSetReference)
    return found


@handles("ValueSetRef")
def value_set_reference(body: Body, node: Node) -> Closure:
    """A declared value set: a reference, or its codes where the translator means them (`preserve` off)."""
    reference = find_value_set(body, node)
    if node.get("preserve"):
        return _constant(reference)
    return lambda frame: expand(frame[0], reference)


@handles("ExpandValueSet")
def expand_value_set(body: Body, node: Node) -> Closure:
    """The codes of a value set."""
    body.allow_only(node, "operand")
    operand = body.compile(node["operand"])

    def codes(frame: Frame) -> Any:
        value = operand(frame)
        return expand(frame[0], value) if isinstance(value, ValueSetReference) else value

    return codes


def code_set(state: State, reference: ValueSetReference) -> Any:
    """Content of a value set; an unknown one raises `CqlRuntimeError`, it never means "not a member"."""
    found = state.code_sets.get(reference.id)
    if found is None:
        found = state.code_sets[reference.id] = state.value_sets.lookup(reference.id)
        if found is None:
            raise CqlRuntimeError(f"value set {reference.id} is not on file")
    return found


def expand(state: State, reference: ValueSetReference) -> list[Code]:
    """The enumerable codes of a value set."""
    codes = [Code(code, system) for system, code in code_set(state, reference).codes()]
    state.spend(len(codes))
    return codes


def member(content: Any, value: Any) -> bool | None:
    """Whether a Code, Concept, String or any of a list of codes belongs to a code set; null in, null out."""
    if value is None:
        return None
    if isinstance(value, Code):
        return value.code is not None and bool(content.contains(value.code, value.system))
    if isinstance(value, Concept):
        return any(member(content, code) for code in value.codes if code is not None)
    if isinstance(value, str):
        return bool(content.contains(value, None))
    if isinstance(value, list):
        return any(member(content, code) for code in value if code is not None)
    raise CqlRuntimeError(f"cannot look up a {type(value).__name__} in a value set")


@handles("InValueSet", "AnyInValueSet")
def in_value_set(body: Body, node: Node) -> Closure:
    """Membership of one code, concept or string, or of any of a list, in a value set."""
    many = node["type"] == "AnyInValueSet"
    attribute = "codes" if many else "code"
    body.allow_only(node, attribute, "valueset", "valuesetExpression")
    operand = body.compile(node[attribute])
    if "valueset" in node:
        reference = find_value_set(body, node["valueset"])
        if body.type_of(node[attribute]) == "System.Code":
            return _code_in_value_set(body, operand, reference)

        def contains(state: State, value: Any) -> Any:
            return member(code_set(state, reference), value)
    else:
        body.fail("membership in a computed value set is not supported", node)

    def with_state(frame: Frame) -> State:
        state: State = frame[0]
        return state

    plain = call(body, contains, [with_state, operand])
    if not many:
        return plain
    # CQL: any of an empty or null list is in no value set
    return lambda frame: bool(plain(frame))


def _code_in_value_set(body: Body, operand: Closure, reference: ValueSetReference) -> Closure:
    """The most frequent form: one code."""
    fail = Place(body).fail
    url = reference.id

    def contained(frame: Frame) -> Any:
        code = operand(frame)
        if code is None:
            return None
        try:
            content = frame[0].code_sets.get(url) or code_set(frame[0], reference)
            return code.code is not None and bool(content.contains(code.code, code.system))
        except Exception as error:
            fail(error)

    return contained


@handles("InCodeSystem", "AnyInCodeSystem")
def in_code_system(body: Body, node: Node) -> Closure:
    """Membership in a code system: refused, since this engine holds value sets but no code systems."""
    body.fail(f"{node['type']} is not supported: no code system content is on file", node)


@types_of("CodeRef")
def _code_type(body: Body, node: Node) -> str:
    return "System.Code"


@types_of("ConceptRef")
def _concept_type(body: Body, node: Node) -> str:
    return "System.Concept"


@types_of("ExpandValueSet")
def _codes_type(body: Body, node: Node) -> str:
    return "List<System.Code>"
