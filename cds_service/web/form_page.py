"""What the page of a form shows, as plain values for its template."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.decisions.model import CriterionResult, CriterionStatus
from cds_service.dtr.conditions import asked
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
from cds_service.web.form_rules import as_data, may_be_asked, rules_by_question
from cds_service.web.form_rules import in_words as rule_in_words


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One question on the page. `id` is that of its element, `name` that of its input.

    `open` says that the record does not answer it, `number` is its place among the open ones that may be
    asked as things stand (`shown`). `rule` is JSON for the page's script, `when` the same in words.
    `recorded` is what the record says and `evidence` where; `corrected` whether the answer now says
    something else.
    """

    id: str
    name: str
    question: Question
    entry: Entry
    criterion: str
    choices: tuple[Choice, ...]
    rule: str
    when: str
    open: bool
    shown: bool
    number: int | None
    recorded: str
    evidence: tuple[str, ...]
    corrected: bool
    error: str

    @property
    def kind(self) -> str:
        """The kind of input."""
        return self.question.type.value

    @property
    def target(self) -> str:
        """The id of the element that a link to this question leads to: its first input."""
        return f"{self.id}-0" if self.choices else f"{self.id}-input"


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that belong together, as the policy groups them; never empty."""

    id: str
    text: str
    cite: str
    children: tuple[Group | Field, ...]
    shown: bool


@dataclass(frozen=True, slots=True)
class FormPart:
    """One form on the page: its open questions as the policy groups them, and those the record answers."""

    form: Form
    open: tuple[Group | Field, ...]
    on_record: tuple[Field, ...]
    fields: tuple[Field, ...]

    @property
    def needed(self) -> list[Field]:
        """Open questions that are asked now and not yet answered."""
        given = {each.question.link_id: for_conditions(each.question, each.entry) for each in self.fields}
        now = asked(self.form, given)
        return [
            each
            for each in self.fields
            if each.number is not None
            and each.question.required
            and each.question.link_id in now
            and given[each.question.link_id] is None
        ]

    def proofs(self, field: Field) -> list[Field]:
        """The documents that prove the answer to a question."""
        return [each for each in self.fields if each.question.documents == field.question.link_id]

    @property
    def may_follow(self) -> int:
        """How many open questions may still come up, besides those needed now."""
        needed = {each.question.link_id for each in self.needed}
        return sum(
            1
            for each in self.fields
            if each.shown
            and each.number is not None
            and each.question.required
            and each.entry.is_empty
            and each.question.link_id not in needed
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a form's questions: by criterion from the record, by link id what it answers."""

    criteria: Mapping[str, CriterionResult]  # by name
    recorded: Entries
    describe: Callable[[str], str]  # a reference of evidence for people


class PartMaker:
    """Makes one form's part of the page. `first` is the number of its first open question."""

    def __init__(
        self,
        position: int,
        form: Form,
        entries: Entries,
        standing: Standing,
        problems: Mapping[str, str],
        first: int = 1,
    ) -> None:
        self._position = position
        self._form = form
        self._entries = entries
        self._standing = standing
        self._problems = problems
        questions = list(form.questions())
        self._recorded = {each.link_id for each in questions if self._is_recorded(each)}
        self._settled = {each.link_id for each in questions if self._is_settled(each)}
        self._answers = {
            each.link_id: for_conditions(each, entries.get(each.link_id, NOTHING)) for each in questions
        }
        self._possible = may_be_asked(form, self._answers) - self._settled
        self._rules = rules_by_question(form)
        open_now = [
            each.link_id
            for each in questions
            if each.link_id in self._possible and each.link_id not in self._recorded
        ]
        self._numbers = {link_id: number for number, link_id in enumerate(open_now, first)}
        self._fields: list[Field] = []

    def part(self) -> FormPart:
        """The whole part."""
        shown = self._items(self._form.items)
        record = tuple(each for each in self._fields if each.question.link_id in self._recorded)
        return FormPart(self._form, shown, record, tuple(self._fields))

    def _items(self, items: tuple[Section | Question, ...]) -> tuple[Group | Field, ...]:
        made = [self._item(each) for each in items]
        return tuple(each for each in made if each is not None)

    def _item(self, item: Section | Question) -> Group | Field | None:
        """An item as it is shown among the open questions; None for one that is not."""
        if isinstance(item, Question):
            field = self._field(item)
            self._fields.append(field)
            return None if item.link_id in self._recorded else field
        children = self._items(item.children)
        if not children:
            return None
        shown = any(child.shown for child in children)
        return Group(f"g{self._position}-{item.link_id}", item.text, item.cite, children, shown)

    def _field(self, question: Question) -> Field:
        link_id = question.link_id
        entry = self._entries.get(link_id, NOTHING)
        recorded = self._standing.recorded.get(link_id, NOTHING)
        result = self._standing.criteria.get(question.criterion or "")
        is_recorded = link_id in self._recorded
        return Field(
            id=f"q{self._position}-{link_id}",
            name=f"{self._position}.{link_id}",
            question=question,
            entry=entry,
            criterion=question.criterion or "",
            choices=_choices(question, entry),
            rule=json.dumps([as_data(each) for each in self._rules[link_id]]),
            when="" if is_recorded else self._when(link_id),
            open=not is_recorded and link_id not in self._settled,
            shown=link_id in self._possible,
            number=self._numbers.get(link_id),
            recorded=_recorded_words(question, recorded, result) if is_recorded else "",
            evidence=tuple(map(self._standing.describe, result.evidence)) if result and is_recorded else (),
            corrected=is_recorded and entry.texts != recorded.texts,
            error=self._problems.get(link_id, ""),
        )

    def _when(self, link_id: str) -> str:
        def name(other: str) -> str | None:
            number = self._numbers.get(other)
            return None if number is None else f"question {number}"

        return rule_in_words(self._rules[link_id], name)

    def _is_recorded(self, question: Question) -> bool:
        """Whether the record answers it; a document is asked only with a question that is open."""
        if question.documents is not None:
            base = self._entries.get(question.documents, NOTHING)
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
