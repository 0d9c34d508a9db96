"""What still keeps answers from being sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cds_service.dtr.model import AnswerType, Comparison, Form, Question
from cds_service.web.form_entries import Entry
from cds_service.web.form_input import Filled
from cds_service.web.form_sending import missing
from cds_service.web.form_state import OneForm


def form(*questions: Question) -> Form:
    return Form("f", "1.0.0", "https://x.example/f", "F", "p", "2024-01-01", "s", "L", questions)


def question(link_id: str, kind: AnswerType = AnswerType.BOOLEAN, **more: Any) -> Question:
    given: dict[str, Any] = {"criterion": link_id, "definition": link_id, **more}
    return Question(link_id, f"{link_id}?", kind, **given)


def told(questions: tuple[Question, ...], asks: set[str], **answers: str) -> dict[str, str]:
    entries = {link_id: Entry((text,)) for link_id, text in answers.items()}
    one = OneForm(0, form(*questions), {}, {}, {}, {})
    decided: Any = SimpleNamespace(
        determination=SimpleNamespace(asks=[SimpleNamespace(name=each) for each in asks])
    )
    return missing(decided, [one], {0: Filled(one.form, entries)})[0]


BOTH = (question("a"), question("b", enabled=Comparison("a", "=", True)))


def test_a_question_is_missed_while_it_is_asked_and_the_decision_hangs_on_it() -> None:
    assert told(BOTH, {"a", "b"}) == {"a": "Choose yes or no"}
    assert told(BOTH, {"b"}, a="yes") == {"b": "Choose yes or no"}
    assert told(BOTH, {"b"}, a="no") == {}
    assert told(BOTH, set(), a="yes") == {}


def test_a_fact_is_missed_also_when_another_criterion_asks_for_it() -> None:
    born = question("adult", AnswerType.DATE)
    assert told((born,), {"child"}) == {"adult": "Enter a date"}
    assert told((born,), set()) == {}


@pytest.mark.parametrize("required", [True, False])
def test_what_the_author_of_the_policy_wants_is_missed_when_it_is_required(required: bool) -> None:
    added = question("phone", AnswerType.TEXT, criterion=None, definition=None, required=required)
    assert told((added,), set()) == ({"phone": "Enter an answer"} if required else {})
