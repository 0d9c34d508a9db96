"""Compiling one definition or function body: node dispatch, local names, static types, error locations.

A body becomes nested closures over one argument, the frame: `frame[0]` is the `State` of the evaluation, the
other slots hold operands, aliases and lets. Slots are given out at compile time, so nothing is looked up by
name later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from cds_service.cql.compiler import types
from cds_service.cql.errors import CompileError

if TYPE_CHECKING:
    from cds_service.cql.compiler.unit import LibraryUnit

Node = Mapping[str, Any]
Frame = list[Any]
Closure = Callable[[Frame], Any]
Handler = Callable[["Body", Node], Closure]
TypeRule = Callable[["Body", Node], str | None]

HANDLERS: Final[dict[str, Handler]] = {}
TYPE_RULES: Final[dict[str, TypeRule]] = {}

# What the translator writes on every node and no closure needs.
COMMON_ATTRIBUTES: Final = frozenset(
    {"type", "localId", "locator", "annotation", "resultTypeName", "resultTypeSpecifier", "signature"}
)


def handles(*node_types: str) -> Callable[[Handler], Handler]:
    """Register a compile function for ELM node types."""

    def register(handler: Handler) -> Handler:
        for node_type in node_types:
            HANDLERS[node_type] = handler
        return handler

    return register


def types_of(*node_types: str) -> Callable[[TypeRule], TypeRule]:
    """Register how to tell the static type of nodes the translator left without a result type."""

    def register(rule: TypeRule) -> TypeRule:
        for node_type in node_types:
            TYPE_RULES[node_type] = rule
        return rule

    return register


class Local(NamedTuple):
    """A name inside a body: where its value is and what static type it has."""

    slot: int
    type: str | None


class Body:
    """The compiler of one definition or function body, in one variant (traced or not)."""

    def __init__(self, unit: LibraryUnit, name: str, *, traced: bool, locator: str | None = None) -> None:
        self.unit = unit
        self.name = name
        self.traced = traced
        self.size = 1  # slot 0 holds the State
        self.locator = locator
        self.unfiltered = False
        self._scopes: list[dict[str, Local]] = []
        self.this_type: str | None = None  # static type of the row while a sort expression is compiled
        self.this_slot: int | None = None

    def compile(self, node: Node) -> Closure:
        """Closure of one ELM expression; raises `CompileError` for anything unknown."""
        node_type = node.get("type")
        handler = HANDLERS.get(node_type) if node_type is not None else None
        if handler is None:
            self.fail(f"{node_type or 'an untyped node'} is not supported", node)
        outer = self.locator
        self.locator = node.get("locator", outer)
        try:
            return handler(self, node)
        finally:
            self.locator = outer

    def type_of(self, node: Node) -> str | None:
        """Static type of a node: the translator's, else inferred, else None."""
        known = types.result_type(node)
        if known is not None:
            return known
        rule = TYPE_RULES.get(node.get("type", ""))
        return rule(self, node) if rule is not None else None

    def new_slot(self) -> int:
        """A free slot of the frame."""
        self.size += 1
        return self.size - 1

    @contextmanager
    def names(self, scope: dict[str, Local]) -> Iterator[None]:
        """Make local names visible while the block compiles; the dict may grow inside the block."""
        self._scopes.append(scope)
        try:
            yield
        finally:
            self._scopes.pop()

    def local(self, name: str) -> Local | None:
        """The innermost local of that name."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def allow_only(self, node: Node, *attributes: str) -> None:
        """Refuse attributes this compiler would otherwise ignore; empty lists say nothing and pass."""
        for attribute, value in node.items():
            if attribute not in COMMON_ATTRIBUTES and attribute not in attributes and value not in ([], None):
                self.fail(f"{node.get('type')} with {attribute} is not supported", node)

    def fail(self, message: str, node: Node | None = None) -> NoReturn:
        """Raise `CompileError` with library, definition and locator."""
        locator = node.get("locator", self.locator) if node is not None else self.locator
        raise CompileError(message, library=self.unit.label, definition=self.name, locator=locator)
