"""The questions of the form page as plain values: one field a question, also where several forms ask it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cds_service.dtr.conditions import asked
from cds_service.dtr.model import Form, Question
from cds_service.web.form_entries import Entry, for_conditions, option_key


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to choose."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One question on the page. `id` is that of its element; `name` names question and input.

    `open` says that the record does not answer it, `possible` that it may be asked as things stand, and
    `number` is its place among those. `rules` are data for the page's script, `when` the same in words.
    `recorded` is what the record says and `evidence` where; `corrected` whether the answer now says
    something else. `twins` are the same question of later forms, which this field answers too.
    """

    id: str
    name: str
    question: Question
    entry: Entry
    choices: tuple[Choice, ...]
    rules: list[Any]
    when: str
    open: bool
    possible: bool
    number: int | None
    recorded: str
    evidence: tuple[str, ...]
    corrected: bool
    problem: str
    twins: list[Field] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The kind of input."""
        return self.question.type.value

    @property
    def target(self) -> str:
        """The id of the element that a link to this question leads to: its first input."""
        return f"{self.id}-0" if self.choices else f"{self.id}-input"

    @property
    def shown(self) -> bool:
        """Whether any form may ask it as things stand."""
        return self.possible or any(each.possible for each in self.twins)

    @property
    def error(self) -> str:
        """What is wrong with the answer, or that there is none."""
        return next((each.problem for each in (self, *self.twins) if each.problem), "")

    @property
    def asks(self) -> str:
        """JSON for the page's script: of each form that asks it, its name there and when it is asked."""
        return json.dumps(
            [
                {
                    "name": each.name,
                    "rules": each.rules,
                    "open": each.open,
                    "required": each.question.required,
                }
                for each in (self, *self.twins)
            ]
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that belong together, as the policy groups them; never empty."""

    id: str
    text: str
    cite: str
    children: tuple[Group | Field, ...]

    @property
    def shown(self) -> bool:
        """Whether anything in it may be asked as things stand."""
        return any(each.shown for each in self.children)


@dataclass(frozen=True, slots=True)
class FormPart:
    """One form on the page: its open questions as the policy groups them, and those the record answers.

    `fields` are those of all its questions, also of the ones that an earlier form's field answers.
    """

    form: Form
    open: tuple[Group | Field, ...]
    on_record: tuple[Field, ...]
    fields: tuple[Field, ...]

    def needed(self) -> list[Field]:
        """Questions that are asked now and not yet answered."""
        given = {each.question.link_id: for_conditions(each.question, each.entry) for each in self.fields}
        now = asked(self.form, given)
        return [
            each
            for each in self.fields
            if each.open and each.possible and each.question.required
            if each.question.link_id in now and given[each.question.link_id] is None
        ]

    def waiting(self) -> list[Field]:
        """Questions without answer that are asked now, or may be once others are answered."""
        return [
            each
            for each in self.fields
            if each.open and each.possible and each.question.required and each.entry.is_empty
        ]

    def proofs(self, proven: Field) -> list[Field]:
        """The documents that prove the answer to a question."""
        return [each for each in self.fields if each.question.documents == proven.question.link_id]


def same_questions(forms: Iterable[tuple[int, Form]]) -> dict[tuple[int, str], tuple[str, ...]]:
    """Names of each question and of its twins, in the order of the forms, by position and link id.

    A question that several forms of one policy version ask in the same words is answered once, by the field
    of the first of them.
    """
    likes: dict[tuple[object, ...], list[str]] = {}
    found: dict[tuple[int, str], list[str]] = {}
    for position, form in forms:
        mine: set[tuple[object, ...]] = set()
        for question in form.questions():
            like = (form.policy, form.policy_version, *_likeness(question))
            names = [] if like in mine else likes.setdefault(like, [])
            mine.add(like)
            names.append(f"{position}.{question.link_id}")
            found[position, question.link_id] = names
    return {key: tuple(names) for key, names in found.items()}


def _likeness(question: Question) -> tuple[object, ...]:
    return question.text, question.type, question.unit, frozenset(map(option_key, question.options))
