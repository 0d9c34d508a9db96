"""How long a form takes, as DTR 2.2 tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cds_service.dtr.model import AnswerType, Form, Question, Section
from cds_service.policies.model import Connective

SECONDS: Final = {
    AnswerType.BOOLEAN: 15,
    AnswerType.CHOICE: 15,
    AnswerType.DATE: 15,
    AnswerType.QUANTITY: 20,
    AnswerType.TEXT: 45,
    AnswerType.ATTACHMENT: 60,
}
"""What one answer takes somebody who has the chart open."""

_CODES: Final = ((60, "under-1min"), (180, "under-3min"), (300, "under-5min"))


def seconds(form: Form) -> int:
    """Seconds for the longest way through a form: alternatives need the documents of one of them only."""
    answers, documents = _sum(form.items, Connective.ALL)
    return answers + documents


def clinical_seconds(form: Form) -> int:
    """The same without the parts that staff can answer."""
    answers, documents = _sum(form.items, Connective.ALL, clinical=True)
    return answers + documents


def time_code(needed: int) -> str:
    """The code of `estimated-completion-time` for so many seconds."""
    return next((code for limit, code in _CODES if needed < limit), "over-5min")


def _sum(
    items: Sequence[Section | Question], connective: Connective, clinical: bool = False
) -> tuple[int, int]:
    """Seconds for answers, and for documents."""
    answers, documents = 0, [0]
    for item in items:
        if isinstance(item, Section):
            if clinical and item.administrative:
                continue
            inner, papers = _sum(item.children, item.connective, clinical)
            answers += inner
            documents.append(papers)
        elif item.type is AnswerType.ATTACHMENT:
            documents.append(SECONDS[item.type])
        else:
            answers += SECONDS[item.type]
    return answers, sum(documents) if connective is Connective.ALL else max(documents)
