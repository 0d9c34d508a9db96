"""The rows of a query: each surviving combination of its sources, set in the slots of the frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cds_service.cql.compiler.body import Closure, Frame
from cds_service.cql.reasons import Why
from cds_service.cql.values.tuples import CqlTuple

Test = Callable[[Frame], Any]  # a row survives when the test gives True
Rows = Callable[[Frame], Iterator[Any] | None]
Lets = list[tuple[int, Closure]]


class Source(NamedTuple):
    """One source of a query: its expression, the slot of its alias, the static type of a row."""

    expression: Closure
    slot: int
    type: str | None


def _items(frame: Frame, value: Any) -> list[Any]:
    """The rows of a source value, paid for from the work limit."""
    items: list[Any] = value if value.__class__ is list else [] if value is None else [value]
    state = frame[0]
    state.budget -= len(items)
    if state.budget < 0:
        state.exhausted()
    return items


def plain_rows(sources: list[Source], lets: Lets, tests: list[Test]) -> Rows:
    """Rows of the untraced variant; None when the first source is null. No source sees another's alias."""
    first, rest = sources[0], sources[1:]
    slot = first.slot

    def survives(frame: Frame) -> bool:
        for let_slot, let in lets:
            frame[let_slot] = let(frame)
        return all(test(frame) is True for test in tests)

    def rows(frame: Frame) -> Iterator[Any] | None:
        value = first.expression(frame)
        if value is None:
            return None
        items = _items(frame, value)
        if rest:
            others = [(source.slot, source.expression(frame)) for source in rest]
            return _several(frame, [(slot, items), *others], survives)
        if lets or len(tests) > 1:
            return _tested(frame, slot, items, survives)
        return _tested(frame, slot, items, tests[0]) if tests else _every(frame, slot, items)

    return rows


def _every(frame: Frame, slot: int, items: list[Any]) -> Iterator[Any]:
    for item in items:
        frame[slot] = item
        yield item


def _tested(frame: Frame, slot: int, items: list[Any], test: Test) -> Iterator[Any]:
    for item in items:
        frame[slot] = item
        if test(frame) is True:
            yield item


def _several(frame: Frame, values: list[tuple[int, Any]], survives: Test) -> Iterator[Any]:
    for _ in _combinations(frame, values):
        if survives(frame):
            yield None


def listed_rows(source: Source, lets: Lets, tests: list[Test], value: Closure | None) -> Closure:
    """The rows of one source that pass all tests, or `value` of each, as a list: the most frequent query."""
    expression, slot, _ = source

    def listed(frame: Frame) -> Any:
        found = expression(frame)
        if found is None:
            return None
        result = []
        for item in _items(frame, found):
            frame[slot] = item
            for let_slot, let in lets:
                frame[let_slot] = let(frame)
            for test in tests:
                if test(frame) is not True:
                    break
            else:
                result.append(item if value is None else value(frame))
        return result

    return listed


def traced_listed_rows(source: Source, lets: Lets, tests: list[Test], value: Closure | None) -> Closure:
    """As `listed_rows`, with the account that `traced_rows` gives."""
    expression, slot, _ = source
    subject = _in_words(source.type or "")

    def listed(frame: Frame) -> Any:
        state = frame[0]
        record = state.current
        evidence, values = record.evidence, record.values
        start = len(evidence)
        found = expression(frame)
        if found is None:
            return None
        inherited = evidence[start:]  # what evaluating the source left
        del evidence[start:]
        inherit = kept = False
        items = _items(frame, found)
        result = []
        for item in items:
            before, values_before = len(evidence), len(values)
            frame[slot] = item
            for let_slot, let in lets:
                frame[let_slot] = let(frame)
            for test in tests:
                if test(frame) is not True:
                    del evidence[before:]
                    del values[values_before:]
                    break
            else:
                kept = True
                if item.__class__ is dict and "resourceType" in item:
                    evidence.append(item)
                elif id(item) in state.origins:
                    evidence.extend(state.origins[id(item)][1])
                else:
                    inherit = True
                result.append(item if value is None else value(frame))
        if inherit:
            evidence[start:start] = inherited
        if not kept and items:
            record.notes.append((Why.NO_RESOURCE, f"matching {subject}", None))
        return result

    return listed


def _combinations(frame: Frame, values: list[tuple[int, Any]]) -> Iterator[None]:
    (slot, value), rest = values[0], values[1:]
    for item in _items(frame, value):
        frame[slot] = item
        if rest:
            yield from _combinations(frame, rest)
        else:
            yield None


def related(source: Source, such_that: Closure | None, wanted: bool) -> Test:
    """With (`wanted`) and without: whether some row of the other source fits."""

    def test(frame: Frame) -> bool:
        for item in _items(frame, source.expression(frame)):
            frame[source.slot] = item
            if such_that is None or such_that(frame) is True:
                return wanted
        return not wanted

    return test


def _is_resource(item: Any) -> bool:
    return item.__class__ is dict and "resourceType" in item


def traced_related(source: Source, such_that: Closure | None, wanted: bool) -> Test:
    """As `related`; the fitting resource is evidence, those that do not fit are not."""

    def test(frame: Frame) -> bool:
        record = frame[0].current
        evidence, values = record.evidence, record.values
        start = len(evidence)
        items = _items(frame, source.expression(frame))
        inherited = evidence[start:]
        del evidence[start:]
        for item in items:
            marks = len(evidence), len(values)
            frame[source.slot] = item
            if such_that is None or such_that(frame) is True:
                evidence.extend([item] if _is_resource(item) else inherited)
                return wanted
            del evidence[marks[0] :]
            del values[marks[1] :]
        return not wanted

    return test


def traced_rows(sources: list[Source], lets: Lets, tests: list[Test]) -> Rows:
    """Rows of the traced variant: only what survives is evidence, and a query left empty says so."""
    slots = [source.slot for source in sources]
    plain = plain_rows(sources, [], [])
    subject = _in_words(sources[0].type or "")

    def rows(frame: Frame) -> Iterator[Any] | None:
        record = frame[0].current
        start = len(record.evidence)
        combinations = plain(frame)
        return None if combinations is None else walk(frame, record, start, combinations)

    def walk(frame: Frame, record: Any, start: int, combinations: Iterator[Any]) -> Iterator[Any]:
        evidence, values = record.evidence, record.values
        origins = frame[0].origins
        seen = 0
        kept = False
        inherited: list[Any] = []
        inherit = False
        end = start
        for item in combinations:
            seen += 1
            inherited += evidence[end:]  # what evaluating the sources left
            del evidence[end:]
            marks = len(evidence), len(values)
            for slot, let in lets:
                frame[slot] = let(frame)
            for test in tests:
                if test(frame) is not True:
                    del evidence[marks[0] :]
                    del values[marks[1] :]
                    break
            else:
                kept = True
                for slot in slots:
                    row = frame[slot]
                    if _is_resource(row):
                        evidence.append(row)
                    elif id(row) in origins:
                        evidence.extend(origins[id(row)][1])
                    else:
                        inherit = True
                yield item
            end = len(evidence)
        del evidence[end:]
        if inherit:
            evidence[start:start] = inherited
        if not kept and seen:
            record.notes.append((Why.NO_RESOURCE, f"matching {subject}", None))

    return rows


def _in_words(type_name: str) -> str:
    """What a row is, for people: `Observation`, `code`, `value` when nobody knows."""
    if type_name.startswith("System."):
        return type_name.removeprefix("System.").lower()
    return type_name.removeprefix("FHIR.") or "value"


def with_origin(value: Closure, slots: list[int]) -> Closure:
    """The value of a row, in the traced variant: a tuple remembers the resources of its row."""

    def made(frame: Frame) -> Any:
        result = value(frame)
        if result.__class__ is CqlTuple:
            resources = [frame[slot] for slot in slots if _is_resource(frame[slot])]
            if resources:
                frame[0].origins[id(result)] = (result, resources)
        return result

    return made
