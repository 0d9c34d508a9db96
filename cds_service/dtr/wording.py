"""The question of a criterion: its words, its kind of answer, what prefills it and what proves it."""

from __future__ import annotations

from typing import Final

from cds_service.cql import CompiledLibrary
from cds_service.dtr.conditions import Test, any_of
from cds_service.dtr.logic import INVERSE, bound, fact_of
from cds_service.dtr.model import AnswerType, Comparison, Condition, Option, PopulatedBy, Question
from cds_service.dtr.reach import reads_anything
from cds_service.policies.criteria import criterion_id
from cds_service.policies.model import Connective, CriteriaGroup, Criterion, PolicyVersion
from cds_service.policies.questions import AddedQuestion, Choice

_GROUPS: Final = {
    Connective.ALL: "All of the following",
    Connective.ANY: "Any of the following",
    Connective.NOT: "None of the following",
}
_FACTS: Final = (AnswerType.QUANTITY, AnswerType.DATE)


def section_text(version: PolicyVersion, group: CriteriaGroup) -> str:
    """What stands above a group: the author's words, else the policy's name for it and how it combines."""
    said = version.questions.group(group.name)
    if said is not None and said.text is not None:
        return said.text
    how = _GROUPS[group.connective]
    return f"{group.name}: {how[0].lower()}{how[1:]}" if group.name else how


class QuestionMaker:
    """Makes the questions of one policy version."""

    def __init__(self, version: PolicyVersion) -> None:
        self._version = version
        self._library = version.library
        self._facts: dict[str, str] = {}

    def link_id(self, criterion: Criterion) -> str:
        """The criterion's id; criteria that one fact settles share the id of the first."""
        if self._type(criterion) in _FACTS:
            fact = fact_of(self._library, criterion.name)
            if fact is not None:
                return self._facts.setdefault(fact, criterion.id)
        return criterion.id

    def question(self, criterion: Criterion, enabled: Condition | None) -> Question:
        """The question of a criterion, asked when `enabled` holds."""
        wording = self._version.questions.criterion(criterion.name)
        kind = self._type(criterion)
        definition = criterion.name
        if kind in _FACTS:
            definition = fact_of(self._library, criterion.name) or criterion.name
        populated = wording.populated_by if kind is AnswerType.CHOICE else definition
        return Question(
            link_id=self.link_id(criterion),
            text=wording.text or criterion.question or derived_question(criterion.name),
            type=kind,
            criterion=criterion.name,
            definition=definition,
            cite=criterion.cite,
            help=wording.help,
            unit=criterion.unit if kind is AnswerType.QUANTITY else None,
            options=_options(wording.choices),
            enabled=enabled,
            populated_by=_populated_by(self._library, populated),
            least=wording.least,
            most=wording.most,
        )

    def document(self, criterion: Criterion, question: Question, negated: bool) -> Question | None:
        """The attachment that proves an answer in favor of coverage, where the policy demands one."""
        if criterion.documentation is None:
            return None
        wished = self.test(criterion, not negated)
        return Question(
            link_id=f"{question.link_id}-documentation",
            text=criterion.documentation,
            type=AnswerType.ATTACHMENT,
            criterion=criterion.name,
            definition=None,
            cite=criterion.cite,
            help=self._version.documentation_rule,
            repeats=True,
            enabled=None if isinstance(wished, bool) else wished,
            documents=question.link_id,
        )

    def added(self, added: AddedQuestion, after: Criterion | None) -> Question:
        """A question of the policy's author that no rule reads; `after` is the criterion that brings it."""
        test: Test = True
        if after is not None and added.when == "answered":
            test = Comparison(self.link_id(after), "exists", True)
        elif after is not None:
            test = self.test(after, added.when == "met")
        return Question(
            link_id=f"added-{criterion_id(added.id)}",
            text=added.text,
            type=AnswerType(added.type),
            criterion=None,
            definition=None,
            help=added.help,
            unit=added.unit,
            options=_options(added.choices),
            required=added.required,
            enabled=None if isinstance(test, bool) else test,
        )

    def test(self, criterion: Criterion, value: bool) -> Test:
        """When the answer to the criterion's question gives it this truth value.

        Where a comparison cannot say so (an age by a date of birth), any answer counts as either.
        """
        link_id, kind = self.link_id(criterion), self._type(criterion)
        if kind is AnswerType.CHOICE:
            options = _options(self._version.questions.criterion(criterion.name).choices)
            return any_of(Comparison(link_id, "=", each) for each in options if each.means is value)
        if kind not in _FACTS:
            return Comparison(link_id, "=", value)
        fact = fact_of(self._library, criterion.name)
        found = bound(self._library, criterion.name, fact) if fact is not None else None
        if found is None or (found.unit or "1") != (criterion.unit or "1"):
            return Comparison(link_id, "exists", True)
        return Comparison(link_id, found.operator if value else INVERSE[found.operator], found.value)

    def _type(self, criterion: Criterion) -> AnswerType:
        if self._version.questions.criterion(criterion.name).choices:
            return AnswerType.CHOICE
        return AnswerType(criterion.answer_type)


def derived_question(name: str) -> str:
    """A question made of a criterion's name, for one that nobody has worded."""
    return f"Does this hold for the patient and the order: {name[0].lower()}{name[1:]}?"


def _options(choices: tuple[Choice, ...]) -> tuple[Option, ...]:
    return tuple(Option(each.system, each.code, each.display, each.means) for each in choices)


def _populated_by(library: CompiledLibrary, definition: str | None) -> PopulatedBy | None:
    """The definition by its library's real name; None for one that reads neither record nor order."""
    if definition is None:
        return None
    name, local = library, definition
    if local not in library.definitions:
        alias, _, local = definition.partition(".")
        name = library.includes[alias]
    return PopulatedBy(name.name, local) if reads_anything(name, local) else None
