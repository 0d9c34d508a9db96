"""Compiling one ELM library: its tables of names first, then every body in both variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cds_service.cql.compiler import handlers as _handlers  # noqa: F401 - registers the compile functions
from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Closure, Frame, Local, Node
from cds_service.cql.compiler.definitions import Definition, FunctionDefinition, ParameterDefinition
from cds_service.cql.compiler.terminology import read_codes, read_concepts, read_systems, read_value_sets
from cds_service.cql.errors import CompileError
from cds_service.cql.values.clinical import Code, CodeSystemReference, Concept, ValueSetReference

_MODELS: Final = {types.SYSTEM_URI: (None,), types.FHIR_URI: ("4.0.1",)}
_SECTIONS: Final = frozenset(
    {
        "localId",
        "locator",
        "annotation",
        "identifier",
        "schemaIdentifier",
        "usings",
        "includes",
        "parameters",
        "codeSystems",
        "valueSets",
        "codes",
        "concepts",
        "contexts",
        "statements",
        "type",
    }
)
# The library whose conversions this engine carries itself (compiler.fhir_helpers).
_NATIVE: Final = ("FHIRHelpers", "4.0.1")


class LibraryUnit:
    """Everything the compiler knows about one library; raises `CompileError` from the constructor."""

    def __init__(self, elm: Mapping[str, Any], includes: Mapping[str, LibraryUnit]) -> None:
        self.name: str = elm["identifier"]["id"]
        self.version: str | None = elm["identifier"].get("version")
        self.label = f"{self.name}|{self.version}" if self.version else self.name
        self.includes = includes
        self.is_native = (self.name, self.version) == _NATIVE
        self._check(elm)
        self.code_systems: dict[str, CodeSystemReference] = read_systems(elm)
        self.value_sets: dict[str, ValueSetReference] = read_value_sets(elm)
        self.codes: dict[str, Code] = {}
        self.concepts: dict[str, Concept] = {}
        self.parameters: dict[str, ParameterDefinition] = {}
        self.definitions: dict[str, Definition] = {}
        self.functions: dict[str, list[FunctionDefinition]] = {}
        read_codes(self, elm)
        read_concepts(self, elm)
        if not self.is_native:
            self._read_names(elm)
            self._compile(elm)

    def included(self, alias: str | None, body: Body) -> LibraryUnit:
        """The library behind a local alias; this one without an alias."""
        if alias is None:
            return self
        unit = self.includes.get(alias)
        if unit is None:
            body.fail(f"library alias {alias} is not included")
        return unit

    def _fail(self, message: str, element: Mapping[str, Any]) -> None:
        raise CompileError(
            message, library=self.label, definition=element.get("name"), locator=element.get("locator")
        )

    def _check(self, elm: Mapping[str, Any]) -> None:
        for section in elm:
            if section not in _SECTIONS:
                self._fail(f"library section {section} is not supported", {})
        for note in elm.get("annotation") or ():
            if note.get("type") == "CqlToElmError" and note.get("errorSeverity") == "error":
                self._fail(
                    f"the translator reported: {note.get('message')}",
                    {"locator": f"{note.get('startLine')}:{note.get('startChar')}"},
                )
        for using in (elm.get("usings") or {}).get("def") or ():
            versions = _MODELS.get(using.get("uri"))
            if versions is None or using.get("version") not in versions:
                self._fail(
                    f"model {using.get('localIdentifier')} {using.get('version') or ''} is not supported",
                    using,
                )

    def _read_names(self, elm: Mapping[str, Any]) -> None:
        for element in (elm.get("parameters") or {}).get("def") or ():
            type_name = types.result_type(element) or types.target_type(element, "parameterType")
            self.parameters[element["name"]] = ParameterDefinition(
                element["name"], type_name, "default" in element
            )
        contexts = {one.get("name") for one in (elm.get("contexts") or {}).get("def") or ()}
        if contexts - {"Patient", "Unfiltered"}:
            self._fail(f"context {', '.join(sorted(map(str, contexts)))} is not supported", {})
        for element in self._statements(elm):
            if element.get("type") == "FunctionDef":
                self._read_function(element)
            else:
                definition = Definition(self.label, element, types.result_type(element))
                definition.is_context = _is_patient_context(element)
                self.definitions[definition.name] = definition

    def _read_function(self, element: Node) -> None:
        if element.get("external") or "expression" not in element:
            self._fail("external functions are not supported", element)
        operands = []
        for operand in element.get("operand") or ():
            operand_type = types.target_type(operand, "operandType") or types.result_type(operand)
            operands.append(operand_type or "System.Any")
        function = FunctionDefinition(element, tuple(operands), types.result_type(element))
        self.functions.setdefault(function.name, []).append(function)

    def _compile(self, elm: Mapping[str, Any]) -> None:
        for element in (elm.get("parameters") or {}).get("def") or ():
            if "default" in element:
                body = Body(self, element["name"], traced=False, locator=element.get("locator"))
                self.parameters[element["name"]].default = _framed(body.compile(element["default"]), body)
        for element in self._statements(elm):
            for traced in (False, True):
                if element.get("type") != "FunctionDef":
                    self._compile_definition(self.definitions[element["name"]], element, traced)
        for overloads in self.functions.values():
            for function in overloads:
                for traced in (False, True):
                    self._compile_function(function, traced)

    def _compile_definition(self, definition: Definition, element: Node, traced: bool) -> None:
        body = Body(self, definition.name, traced=traced, locator=definition.locator)
        body.unfiltered = element.get("context") == "Unfiltered"
        code: Closure = _patient if definition.is_context else body.compile(definition.elm)
        definition.bind(code, body.size, traced=traced)

    def _compile_function(self, function: FunctionDefinition, traced: bool) -> None:
        body = Body(self, function.name, traced=traced, locator=function.element.get("locator"))
        operands = function.element.get("operand") or ()
        scope = {
            operand["name"]: Local(body.new_slot(), type_name)
            for operand, type_name in zip(operands, function.operand_types, strict=True)
        }
        with body.names(scope):
            code = body.compile(function.element["expression"])
        if traced:
            function.body_traced, function.size_traced = code, body.size
        else:
            function.body, function.size = code, body.size

    @staticmethod
    def _statements(elm: Mapping[str, Any]) -> list[Node]:
        return list((elm.get("statements") or {}).get("def") or ())


def _is_patient_context(element: Node) -> bool:
    """The definition the translator makes of `context Patient`."""
    expression = element["expression"]
    return bool(
        element["name"] == "Patient"
        and expression.get("type") == "SingletonFrom"
        and expression.get("operand", {}).get("type") == "Retrieve"
        and expression["operand"].get("dataType") == f"{{{types.FHIR_URI}}}Patient"
    )


def _patient(frame: Frame) -> Any:
    return frame[0].patient


def _framed(code: Closure, body: Body) -> Closure:
    """A closure that runs in a frame of its own."""
    size = body.size
    return lambda frame: code([frame[0], *([None] * (size - 1))])
