"""Closures that call an operator with evaluated operands and say where it failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from cds_service.cql.compiler.body import Body, Closure, Frame
from cds_service.cql.errors import CqlError, CqlRuntimeError


class Place:
    """Library, definition and source span of a node, to complete errors with."""

    __slots__ = ("definition", "library", "locator")

    def __init__(self, body: Body) -> None:
        self.library = body.unit.label
        self.definition = body.name
        self.locator = body.locator

    def fail(self, error: Exception) -> NoReturn:
        """Raise `error` as a `CqlRuntimeError` that knows its place."""
        if isinstance(error, CqlError):
            raise error.at(self.library, self.definition, self.locator)
        if isinstance(error, RecursionError):
            raise error
        raise CqlRuntimeError(
            f"{type(error).__name__}: {error}",
            library=self.library,
            definition=self.definition,
            locator=self.locator,
        ) from error


def call(body: Body, function: Callable[..., Any], operands: Sequence[Closure]) -> Closure:
    """A closure that evaluates `operands` in order and applies `function`."""
    fail = Place(body).fail
    match operands:
        case []:

            def nullary(frame: Frame) -> Any:
                try:
                    return function()
                except Exception as error:
                    fail(error)

            return nullary
        case [operand]:

            def unary(frame: Frame) -> Any:
                value = operand(frame)
                try:
                    return function(value)
                except Exception as error:
                    fail(error)

            return unary
        case [left, right]:

            def binary(frame: Frame) -> Any:
                first = left(frame)
                second = right(frame)
                try:
                    return function(first, second)
                except Exception as error:
                    fail(error)

            return binary
        case _:
            several = tuple(operands)

            def nary(frame: Frame) -> Any:
                values = [operand(frame) for operand in several]
                try:
                    return function(*values)
                except Exception as error:
                    fail(error)

            return nary
