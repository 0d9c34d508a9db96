"""One evaluation of a library: what goes in, and lazily evaluated definitions coming out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from cds_service.cql.compiler.choices import bare
from cds_service.cql.compiler.definitions import Definition
from cds_service.cql.compiler.state import MISSING, WORK_LIMIT, State
from cds_service.cql.compiler.unit import LibraryUnit
from cds_service.cql.errors import CqlError, CqlRuntimeError
from cds_service.cql.reasons import Why
from cds_service.cql.trace import DefinitionTrace, Record
from cds_service.cql.values.timezone import default_offset_minutes, time_zone_of
from cds_service.fhir.availability import Availability

# Values that cannot carry the FHIR type of a choice.
_BARE = frozenset({bool, int, str, type(None), dict})


class DataSource(Protocol):
    """Where retrieves read from (implemented by `fhir.ResourceIndex`)."""

    @property
    def patient(self) -> Mapping[str, Any] | None: ...

    def resources(self, resource_type: str) -> Sequence[Mapping[str, Any]]: ...

    def availability(self, resource_type: str) -> Availability: ...


class CodeSet(Protocol):
    """The content of one value set."""

    def contains(self, code: str, system: str | None) -> bool: ...

    def codes(self) -> Iterable[tuple[str, str]]: ...


class ValueSetSource(Protocol):
    """Where value sets come from; None for an unknown one, which fails the evaluation."""

    def lookup(self, url: str) -> CodeSet | None: ...


class Doubt(NamedTuple):
    """In place of an answer: the definition stays unknown whatever the chart says, for the reason given."""

    why: str


class EvaluationInput(NamedTuple):
    """Everything an evaluation may depend on.

    `parameters` go by unqualified name to whichever library declares them. `answers` stand in for definitions
    of the evaluated library ("Name") or of an included one ("Alias.Name"); one of them may be a Doubt.
    `now` must be aware.
    """

    data: DataSource
    value_sets: ValueSetSource
    parameters: Mapping[str, Any]
    now: datetime
    answers: Mapping[str, Any] = MappingProxyType({})
    trace: bool = False
    work_limit: int = WORK_LIMIT


class Evaluation:
    """Definitions of one library for one patient; each is evaluated at most once. Not for several threads."""

    def __init__(self, unit: LibraryUnit, input: EvaluationInput) -> None:  # noqa: A002
        if input.now.utcoffset() is None:
            raise CqlRuntimeError("the time of evaluation needs a time zone", library=unit.label)
        self._unit = unit
        self._input = input
        self._traced = input.trace
        self._state = State(input.data, input.value_sets, input.parameters, input.now, input.work_limit)
        self._offset = int(input.now.utcoffset().total_seconds() // 60)  # type: ignore[union-attr]
        for name, value in input.answers.items():
            definition = self._answered(name)
            doubt = value.why if value.__class__ is Doubt else None
            known = value if doubt is None else None
            if not input.trace:
                self._state.cache[definition] = known
                continue
            record = Record(definition, value=known, answered=True)
            if doubt is not None:
                record.notes.append((Why.DOUBTED, doubt, None))
            self._state.cache[definition] = record

    def value(self, definition: str) -> Any:
        """Value of a definition of this library ("Name"), or of an included one ("Alias.Name").

        Raises `CqlRuntimeError` with library, definition and locator: errors that CQL defines, unknown
        definition, recursion or work limit, unknown value set.
        """
        target = self._unit.definitions.get(definition)
        if target is None:
            target = self._included(definition)
        state = self._state
        found = state.cache.get(target, MISSING)
        if found is MISSING:
            found = self._run(target)
        value = found.value if self._traced else found
        return value if value.__class__ in _BARE else bare(value)

    def _included(self, name: str) -> Definition:
        alias, _, local = name.partition(".")
        included = self._unit.includes.get(alias)
        if included is None or local not in included.definitions:
            raise CqlRuntimeError("no such definition", library=self._unit.label, definition=name)
        return included.definitions[local]

    def trace(self, definition: str) -> DefinitionTrace:
        """How a definition got its value; raises as `value` does, and when no trace was asked for."""
        if not self._input.trace:
            raise CqlRuntimeError("this evaluation keeps no trace", library=self._unit.label)
        self.value(definition)
        return DefinitionTrace(self._state.cache[self._unit.definitions[definition]], self._state)

    def _run(self, definition: Definition) -> Any:
        """Evaluate a definition: its value, or its Record when tracing."""
        state = self._state
        run = definition.run_traced if self._traced else definition.run
        try:
            if default_offset_minutes() == self._offset:
                return run(state)
            with time_zone_of(self._input.now):
                return run(state)
        except RecursionError:
            error: CqlError = CqlRuntimeError("the rules recurse too deeply")
        except CqlError as raised:
            error = raised
        except Exception as raised:
            error = CqlRuntimeError(f"{type(raised).__name__}: {raised}")
            error.__cause__ = raised
        state.depth = 0
        state.current = None
        raise error.at(self._unit.label, definition.name, definition.locator)

    def _answered(self, name: str) -> Definition:
        unit, local = self._unit, name
        if name not in unit.definitions:
            alias, dot, rest = name.partition(".")
            if dot and alias in unit.includes:
                unit, local = unit.includes[alias], rest
        if local not in unit.definitions:
            raise CqlRuntimeError("an answer names no definition", library=unit.label, definition=name)
        return unit.definitions[local]
