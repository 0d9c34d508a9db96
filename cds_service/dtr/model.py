"""A form as the service sees it: the questions of one policy statement, before any DTR version shapes them.

One question stands for one criterion (or for the fact that settles it), so that form and rule cannot drift.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from cds_service.policies.model import Connective


class AnswerType(enum.Enum):
    """What kind of answer a question takes; the values are those of Questionnaire.item.type."""

    BOOLEAN = "boolean"
    QUANTITY = "quantity"
    DATE = "date"
    CHOICE = "choice"
    ATTACHMENT = "attachment"
    TEXT = "text"


class Option(NamedTuple):
    """One coded answer of a choice; `means` is the truth value of the criterion when it is chosen."""

    system: str
    code: str
    display: str
    means: bool | None = None


class Comparison(NamedTuple):
    """A test of one answer, as in Questionnaire.item.enableWhen.

    "exists" with True tests for any answer. An option is compared by system and code; a number is a
    quantity in the unit of its question.
    """

    link_id: str
    operator: str  # exists | = | != | > | < | >= | <=
    value: bool | Decimal | Option


class Conditions(NamedTuple):
    """Tests that must all hold, or of which any one must (never NOT)."""

    connective: Connective
    parts: tuple[Comparison | Conditions, ...]


Condition = Comparison | Conditions


class PopulatedBy(NamedTuple):
    """The CQL definition whose value prefills a question, by the name of its library."""

    library: str
    definition: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a form.

    `link_id` is the id of the criterion, or starts with it. `definition` is the CQL definition that the
    answer stands for, as `EvaluationInput.answers` names it; None where no rule reads the answer
    (documents, items that the policy's author added). `documents` is the link id of the question whose
    answer this attachment proves. `enabled` says when the question is asked (None: whenever its section is);
    an answer to a question that is not asked counts as none. `required` holds only while it is enabled.
    `unit` is UCUM; `least` and `most`, in it, are what can occur.
    """

    link_id: str
    text: str
    type: AnswerType
    criterion: str | None
    definition: str | None
    cite: str = ""
    help: str | None = None
    unit: str | None = None
    options: tuple[Option, ...] = ()
    required: bool = True
    repeats: bool = False
    enabled: Condition | None = None
    populated_by: PopulatedBy | None = None
    documents: str | None = None
    least: int | None = None
    most: int | None = None

    def can_be(self, amount: Decimal) -> bool:
        """Whether a quantity in the unit of the question can occur."""
        return (self.least is None or amount >= self.least) and (self.most is None or amount <= self.most)

    @property
    def bounds(self) -> str:
        """What can occur, in words: "between 5 and 200"; empty where anything can."""
        if self.least is not None and self.most is not None:
            return f"between {self.least} and {self.most}"
        if self.least is not None:
            return f"at least {self.least}"
        return f"at most {self.most}" if self.most is not None else ""


@dataclass(frozen=True, slots=True)
class Section:
    """A group of questions, as the policy groups its criteria; `text` is never empty.

    An `administrative` one can be answered by staff, without the clinician.
    """

    link_id: str
    text: str
    connective: Connective
    children: tuple[Section | Question, ...]
    cite: str = ""
    enabled: Condition | None = None
    administrative: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """The questionnaire of one statement of one policy version.

    `id` is URL-safe and the same for all versions of the policy ("cigna-1701-macrilen"); `version` is that
    of the policy version's CQL library, in the form of semantic versioning. `url` is the canonical without
    version. `library` is the name of the CQL library that decides. `effective_from` is None for a policy
    whose document bears no date. `publisher` is the payer as people know it. `named` are the libraries whose
    definitions prefill questions, with their versions, besides the deciding one.
    """

    id: str
    version: str
    url: str
    title: str
    policy: str
    policy_version: str
    statement: str
    library: str
    items: tuple[Section | Question, ...]
    publisher: str = ""
    policy_label: str = ""
    effective_from: date | None = None
    effective_to: date | None = None
    named: tuple[tuple[str, str], ...] = ()

    @property
    def canonical(self) -> str:
        """The address with version, as `questionnaire` of coverage-information names it."""
        return f"{self.url}|{self.version}"

    def questions(self) -> Iterator[Question]:
        """Every question in the policy's order."""
        yield from questions(self.items)


def questions(items: tuple[Section | Question, ...]) -> Iterator[Question]:
    """Every question among some items and below them, in order."""
    for item in items:
        if isinstance(item, Question):
            yield item
        else:
            yield from questions(item.children)
