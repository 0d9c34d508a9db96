"""From forms, and what stands in their fields, to what the page shows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.decisions.model import CriterionResult, CriterionStatus
from cds_service.dtr.model import AnswerType, Form, Question, Section
from cds_service.web.form_entries import (
    NO,
    NOTHING,
    YES,
    Entries,
    Entry,
    for_conditions,
    in_words,
    option_key,
)
from cds_service.web.form_fields import Choice, Field, FormPart, Group, same_questions
from cds_service.web.form_rules import as_data, may_be_asked, rules_by_question
from cds_service.web.form_rules import in_words as rule_in_words


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a form's questions: by criterion from the record, by link id what it answers."""

    criteria: Mapping[str, CriterionResult]  # by name
    recorded: Entries
    describe: Callable[[str], str]  # a reference of evidence for people


@dataclass(frozen=True, slots=True)
class Filling:
    """One form with what stands in its fields; `problems` are by link id."""

    position: int
    form: Form
    entries: Entries
    standing: Standing
    problems: Mapping[str, str]


def form_parts(fillings: Iterable[Filling]) -> list[FormPart]:
    """The parts of the page; questions are numbered through all of them."""
    listed = list(fillings)
    same = same_questions((each.position, each.form) for each in listed)
    names = {key: first for key, (first, *_) in same.items()}
    makers = [_PartMaker(each, names) for each in listed]
    shown = dict.fromkeys(name for maker in makers for name in maker.open_names())
    numbers = {name: number for number, name in enumerate(_in_order(names, shown), 1)}
    fields: dict[str, Field] = {}
    return [maker.part(numbers, fields) for maker in makers]


def _in_order(names: Mapping[tuple[int, str], str], shown: Mapping[str, None]) -> Iterator[str]:
    return (name for name in dict.fromkeys(names.values()) if name in shown)


class _PartMaker:
    """Makes one form's part of the page. `names` are those of the inputs of all forms."""

    def __init__(self, filling: Filling, names: Mapping[tuple[int, str], str]) -> None:
        self._position = filling.position
        self._form = filling.form
        self._entries = filling.entries
        self._standing = filling.standing
        self._problems = filling.problems
        self._names = names
        questions = list(filling.form.questions())
        self._recorded = {each.link_id for each in questions if self._is_recorded(each)}
        self._settled = {each.link_id for each in questions if self._is_settled(each)}
        answers = {each.link_id: for_conditions(each, self._entry(each.link_id)) for each in questions}
        self._possible = may_be_asked(filling.form, answers) - self._settled
        self._rules = rules_by_question(filling.form)
        self._numbers: Mapping[str, int] = {}
        self._shared: dict[str, Field] = {}
        self._fields: list[Field] = []

    def open_names(self) -> Iterator[str]:
        """Names of the inputs that the record leaves empty and that may be asked."""
        for question in self._form.questions():
            if question.link_id in self._possible and question.link_id not in self._recorded:
                yield self._names[self._position, question.link_id]

    def part(self, numbers: Mapping[str, int], shared: dict[str, Field]) -> FormPart:
        """The whole part; `shared` are the fields of earlier parts by name, to which it adds its own."""
        self._numbers, self._shared = numbers, shared
        shown = self._items(self._form.items)
        own = [each for each in self._fields if shared[self._names_of(each)] is each]
        record = tuple(each for each in own if each.question.link_id in self._recorded)
        return FormPart(self._form, shown, record, tuple(self._fields))

    def _names_of(self, field: Field) -> str:
        return self._names[self._position, field.question.link_id]

    def _items(self, items: tuple[Section | Question, ...]) -> tuple[Group | Field, ...]:
        made = [self._item(each) for each in items]
        return tuple(each for each in made if each is not None)

    def _item(self, item: Section | Question) -> Group | Field | None:
        """An item as it is shown among the open questions; None for one that is not."""
        if isinstance(item, Question):
            field = self._field(item)
            self._fields.append(field)
            first = self._shared.setdefault(self._names_of(field), field)
            if first is not field:
                first.twins.append(field)
                return None
            return None if item.link_id in self._recorded else field
        children = self._items(item.children)
        return (
            Group(f"g{self._position}-{item.link_id}", item.text, item.cite, children) if children else None
        )

    def _field(self, question: Question) -> Field:
        link_id = question.link_id
        entry = self._entry(link_id)
        recorded = self._standing.recorded.get(link_id, NOTHING)
        result = self._standing.criteria.get(question.criterion or "")
        is_recorded = link_id in self._recorded
        return Field(
            id=f"q{self._position}-{link_id}",
            name=f"{self._position}.{link_id}",
            question=question,
            entry=entry,
            choices=_choices(question, entry),
            rules=[as_data(each) for each in self._rules[link_id]],
            when="" if is_recorded else rule_in_words(self._rules[link_id], self._called),
            open=not is_recorded and link_id not in self._settled,
            possible=link_id in self._possible,
            number=self._numbers.get(self._names[self._position, link_id]),
            recorded=_recorded_words(question, recorded, result) if is_recorded else "",
            evidence=tuple(map(self._standing.describe, result.evidence)) if result and is_recorded else (),
            corrected=is_recorded and entry.texts != recorded.texts,
            problem=self._problems.get(link_id, ""),
        )

    def _entry(self, link_id: str) -> Entry:
        return self._entries.get(link_id, NOTHING)

    def _called(self, link_id: str) -> str | None:
        """What people call a question of this form: by its number, where it has one."""
        number = self._numbers.get(self._names[self._position, link_id])
        return None if number is None else f"question {number}"

    def _is_recorded(self, question: Question) -> bool:
        """Whether the record answers it; a document is asked only with a question that is open."""
        if question.documents is not None:
            base = self._entry(question.documents)
            before = self._standing.recorded.get(question.documents, NOTHING)
            return not before.is_empty and base.texts == before.texts
        result = self._standing.criteria.get(question.criterion or "")
        unsettled = result is not None and result.status is CriterionStatus.UNKNOWN
        return not unsettled and not self._standing.recorded.get(question.link_id, NOTHING).is_empty

    def _is_settled(self, question: Question) -> bool:
        """Whether the decision no longer hangs on it, by the record alone."""
        result = self._standing.criteria.get(question.criterion or "")
        return result is not None and result.status is CriterionStatus.NOT_NEEDED


def _choices(question: Question, entry: Entry) -> tuple[Choice, ...]:
    if question.type is AnswerType.BOOLEAN:
        return (
            Choice(YES, "Yes", entry.text == YES),
            Choice(NO, "No", entry.text == NO),
        )
    if question.type is AnswerType.CHOICE:
        return tuple(
            Choice(key, each.display, entry.text == key)
            for each in question.options
            for key in (option_key(each),)
        )
    return ()


def _recorded_words(question: Question, recorded: Entry, result: CriterionResult | None) -> str:
    """What the record says, with the value behind it where the answer itself is only yes or no."""
    said = in_words(question, recorded)
    value: Any = result.value if result is not None else None
    return f"{said} ({value})" if value and question.type is AnswerType.BOOLEAN else said
