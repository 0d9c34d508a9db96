"""Named definitions and functions of a library, and how they run: lazily, once per evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from cds_service.cql.compiler.annotations import tags_of
from cds_service.cql.compiler.body import Closure, Node
from cds_service.cql.compiler.state import DEPTH_LIMIT, State
from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.trace import Record


class Definition:
    """One `define` of a library.

    `tags` are the `@tags` of its comment, `locator` its source span, `elm` its raw expression, `access` is
    "Public" or "Private". `run` and `run_traced` are the engine's own: they evaluate without looking whether
    that was done before.
    """

    __slots__ = (
        "access", "elm", "is_context", "library", "locator", "name", "run",
        "run_traced", "tags", "type",
    )  # fmt: skip

    def __init__(self, library: str, element: Node, type_name: str | None) -> None:
        self.library = library
        self.name: str = element["name"]
        self.elm: Mapping[str, Any] = element["expression"]
        self.locator: str | None = element.get("locator") or self.elm.get("locator")
        self.tags: Mapping[str, str] = tags_of(element)
        self.access: str = element.get("accessLevel", "Public")
        self.type = type_name
        self.is_context = False
        self.run: Callable[[State], Any] = _not_compiled
        self.run_traced: Callable[[State], Any] = _not_compiled

    def __repr__(self) -> str:
        return f"Definition({self.library}, {self.name!r})"

    def bind(self, body: Closure, size: int, *, traced: bool) -> None:
        """Attach one compiled variant; `size` is its frame size."""
        if traced:
            self.run_traced = self._traced_run(body, size)
        else:
            self.run = self._plain_run(body, size)

    def _fail(self, error: CqlRuntimeError) -> NoReturn:
        raise error.at(self.library, self.name, self.locator)

    def _plain_run(self, body: Closure, size: int) -> Callable[[State], Any]:
        locals_ = [None] * (size - 1)

        def run(state: State) -> Any:
            state.depth += 1
            try:
                if state.depth > DEPTH_LIMIT:
                    state.too_deep()
                value = state.cache[self] = body([state, *locals_])
            except CqlRuntimeError as error:
                self._fail(error)
            state.depth -= 1
            return value

        return run

    def _traced_run(self, body: Closure, size: int) -> Callable[[State], Record]:
        locals_ = [None] * (size - 1)

        def run(state: State) -> Record:
            outer = state.current
            record = state.current = Record(self)
            state.depth += 1
            try:
                if state.depth > DEPTH_LIMIT:
                    state.too_deep()
                record.value = body([state, *locals_])
            except CqlRuntimeError as error:
                self._fail(error)
            state.depth -= 1
            state.current = outer
            state.cache[self] = record
            return record

        return run


def _not_compiled(state: State) -> Any:
    raise CqlRuntimeError("the definition is not compiled")


class FunctionDefinition:
    """One `define function`, an overload among those of the same name."""

    __slots__ = ("body", "body_traced", "element", "name", "operand_types", "size", "size_traced", "type")

    def __init__(self, element: Node, operand_types: tuple[str, ...], type_name: str | None) -> None:
        self.element = element
        self.name: str = element["name"]
        self.operand_types = operand_types
        self.type = type_name
        self.body: Closure | None = None
        self.body_traced: Closure | None = None
        self.size = self.size_traced = 1


class ParameterDefinition:
    """One `parameter` of a library; `default` is evaluated once per evaluation."""

    __slots__ = ("default", "has_default", "name", "type")

    def __init__(self, name: str, type_name: str | None, has_default: bool) -> None:
        self.name = name
        self.type = type_name
        self.has_default = has_default
        self.default: Closure | None = None
