"""Why a definition has its value: the record kept during evaluation, and the account made of it on demand.

Recording is part of every decision, so it only appends to lists; words are made when somebody reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cds_service.cql.compiler.choices import bare
from cds_service.cql.reasons import Note, date_of, readable, reference_of, say

if TYPE_CHECKING:
    from cds_service.cql.compiler.definitions import Definition
    from cds_service.cql.compiler.state import State


class Record:
    """What happened while one definition was evaluated once.

    `evidence` holds resources and the records of definitions whose evidence counts here too; `values` holds
    (compared value, the evidence it came from, unit word); `notes` say where nulls came from. The state is
    not kept: it holds the records, and a cycle would keep a whole chart in memory until a collection.
    """

    __slots__ = (
        "answered", "children", "definition", "evidence", "notes", "unavailable", "value", "values",
    )  # fmt: skip

    def __init__(self, definition: Definition, *, value: Any = None, answered: bool = False) -> None:
        self.definition = definition
        self.value = value
        self.answered = answered
        self.evidence: list[Any] = []
        self.values: list[tuple[Any, Any, str]] = []
        self.notes: list[Note] = []
        self.children: list[Record] = []
        self.unavailable: list[str] = []

    def resources(self) -> list[Any]:
        """The resources behind the value, those of counted definitions included; may repeat."""
        return _resources(self.evidence)

    def all_unavailable(self, seen: set[int]) -> Iterator[str]:
        """Resource types of unknown availability touched here or in any definition reached."""
        if id(self) not in seen:
            seen.add(id(self))
            yield from self.unavailable
            for child in self.children:
                yield from child.all_unavailable(seen)

    def null_notes(self, seen: set[int], *, everywhere: bool) -> Iterator[Note]:
        """Notes of this record and of the null or empty definitions it refers to, or of all of them."""
        if id(self) not in seen:
            seen.add(id(self))
            for child in self.children:
                if everywhere or child.value is None or child.value == []:
                    yield from child.null_notes(seen, everywhere=everywhere)
            yield from self.notes


def _resources(evidence: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in evidence:
        if item.__class__ is Record:
            found += _resources(item.evidence)
        else:
            found.append(item)
    return found


class DefinitionTrace:
    """The account of one definition: its value, why null, evidence, values compared, definitions reached.

    `evidence` are references such as "Observation/bmi-1"; `values` are readable ("41.2 kg/m2 on 2025-05-01");
    `unavailable` are the resource types touched, here or below, that nobody could tell about.
    """

    __slots__ = ("_record", "_state", "answered", "library", "locator", "name", "value")

    def __init__(self, record: Record, state: State) -> None:
        self._record = record
        self._state = state
        definition = record.definition
        self.name: str = definition.name
        self.library: str = definition.library
        self.locator: str | None = definition.locator
        self.value: Any = bare(record.value)
        self.answered: bool = record.answered

    @property
    def children(self) -> tuple[DefinitionTrace, ...]:
        """Definitions this one referred to, in order of first use."""
        unique = {id(child): child for child in self._record.children}
        return tuple(DefinitionTrace(child, self._state) for child in unique.values())

    @property
    def evidence(self) -> tuple[str, ...]:
        """References of the resources behind the value, each once."""
        found = {reference_of(resource): None for resource in self._record.resources()}
        return tuple(reference for reference in found if reference)

    @property
    def values(self) -> tuple[str, ...]:
        """The values this definition compared, or else those of the definitions it referred to."""
        own: dict[str, None] = {}
        for value, sources, word in self._record.values:
            own[_with_date(readable(value, word), sources)] = None
        if not own:
            for child in self.children:
                own.update(dict.fromkeys(child.values))
        return tuple(own)

    @property
    def unavailable(self) -> frozenset[str]:
        """Resource types touched whose availability is not known."""
        return frozenset(self._record.all_unavailable(set()))

    @property
    def why_null(self) -> str | None:
        """What is missing, uncertain, incomparable or unavailable, in plain English; None unless null."""
        if self.value is not None:
            return None
        record = self._record
        if self.answered and not record.notes:
            return "the answer given is: not known"
        notes = list(record.null_notes(set(), everywhere=False))
        notes = notes or list(record.null_notes(set(), everywhere=True))
        notes.sort(key=lambda note: note[0])
        words = {say(note, self._state): None for note in notes}
        return "; ".join(list(words)[:3]) or "no value"

    def __repr__(self) -> str:
        return f"DefinitionTrace({self.library}, {self.name!r}, {self.value!r})"


def _with_date(text: str, sources: Any) -> str:
    """Add the date of the one resource a value came from."""
    resources = {id(one): one for one in _resources(sources)}
    if len(resources) == 1:
        date = date_of(next(iter(resources.values())))
        return f"{text} on {date}" if date else text
    return text
