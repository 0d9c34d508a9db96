"""From a form that was filled in to responses, and what still keeps them from being sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Final

from cds_service.coverage_check.documentation import Decided
from cds_service.dtr.conditions import asked
from cds_service.dtr.model import AnswerType, Question
from cds_service.dtr.responses import Author, completed
from cds_service.web.form_entries import NOTHING, Entries, for_conditions
from cds_service.web.form_input import Filled
from cds_service.web.form_order import requester
from cds_service.web.form_state import VERSION, FormState, OneForm

_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/practitioner-role"
ORDERED: Final = "ordered"
ROLES: Final = {
    ORDERED: ("Clinician who ordered it", ("", "", "Clinician who ordered")),
    "doctor": ("Other doctor", (_SYSTEM, "doctor", "Doctor")),
    "nurse": ("Nurse", (_SYSTEM, "nurse", "Nurse")),
    "pharmacist": ("Pharmacist", (_SYSTEM, "pharmacist", "Pharmacist")),
    "staff": ("Office staff, for the clinician", ("", "", "Office staff")),
}
_FACTS: Final = (AnswerType.QUANTITY, AnswerType.DATE)
_MISSING: Final = {
    AnswerType.BOOLEAN: "Choose yes or no",
    AnswerType.QUANTITY: "Enter a number",
    AnswerType.DATE: "Enter a date",
    AnswerType.CHOICE: "Choose an answer",
    AnswerType.ATTACHMENT: "Add the document",
    AnswerType.TEXT: "Enter an answer",
}


def responses(
    state: FormState,
    forms: Sequence[OneForm],
    filled: Mapping[int, Filled],
    name: str,
    role: str,
    now: datetime,
    *,
    complete: bool,
) -> list[dict[str, Any]]:
    """A QuestionnaireResponse of each form, in the order of `forms`."""
    opened = state.opened
    author = _author(opened.resource, name, role)
    return [
        completed(
            one.form,
            VERSION,
            opened.subject,
            filled[one.position].given(),
            one.prefilled,
            now,
            author=author,
            status="completed" if complete else "in-progress",
        )
        for one in forms
    ]


def missing(
    decided: Decided, forms: Sequence[OneForm], filled: Mapping[int, Filled]
) -> dict[int, dict[str, str]]:
    """Questions without answer on which the decision still hangs, with what to say, by position and link id.

    What the answers given have settled is not asked for, whether or not its question still stands open.
    """
    asks = {each.name for each in decided.determination.asks}
    found: dict[int, dict[str, str]] = {}
    for one in forms:
        entries = filled[one.position].entries
        questions = list(one.form.questions())
        now = asked(one.form, _comparable(questions, entries))
        found[one.position] = {
            each.link_id: _MISSING[each.type]
            for each in questions
            if each.link_id in now
            and each.required
            and _is_needed(each, asks)
            and entries.get(each.link_id, NOTHING).is_empty
            and not _is_proof_of_record(each, one, entries)
        }
    return found


def _is_needed(question: Question, asks: Set[str]) -> bool:
    """Whether something hangs on the answer: a fact may be asked under the name of another criterion."""
    if question.criterion is None:
        return True  # the author of the policy wants it
    return question.criterion in asks or (bool(asks) and question.type in _FACTS)


def same_answers(forms: Sequence[OneForm], filled: Mapping[int, Filled]) -> bool:
    """Whether what was sent is what is kept already: the same form sent twice."""
    sent = [one for one in forms if one.is_answered and one.position in filled]
    return bool(sent) and all(_same(one, filled[one.position].entries) for one in sent)


def _author(order: Mapping[str, Any], name: str, role: str) -> Author:
    """Who answers; the practitioner by reference only when it is who ordered, whom the order names."""
    if role not in ROLES:
        return Author(name=name or None)
    practitioner = requester(order) if role == ORDERED else None
    return Author(ROLES[role][1], practitioner, name or None)


def _is_proof_of_record(question: Question, one: OneForm, entries: Entries) -> bool:
    """Whether it is the document of an answer that the record gives itself."""
    base = question.documents
    if base is None:
        return False
    recorded = one.recorded.get(base, NOTHING)
    return not recorded.is_empty and entries.get(base, NOTHING).texts == recorded.texts


def _comparable(questions: Sequence[Question], entries: Entries) -> dict[str, object]:
    return {each.link_id: for_conditions(each, entries.get(each.link_id, NOTHING)) for each in questions}


def _same(one: OneForm, entries: Entries) -> bool:
    questions = list(one.form.questions())
    now = asked(one.form, _comparable(questions, entries))
    return all(
        entries.get(each.link_id, NOTHING).texts == one.entries.get(each.link_id, NOTHING).texts
        and _titles(entries, each) == _titles(one.entries, each)
        for each in questions
        if each.link_id in now
    )


def _titles(entries: Entries, question: Question) -> set[str]:
    return {each.key for each in entries.get(question.link_id, NOTHING).documents}
