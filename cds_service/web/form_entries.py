"""What stands in the fields of a form: texts as typed, and what they say.

A response of any state can be shown again as it was; a text that is no answer is kept beside its error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from cds_service.cql.values import Date, Quantity
from cds_service.dtr.model import AnswerType, Form, Option, Question
from cds_service.web.form_files import Document, kept

ORIGIN: Final = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
YES, NO = "yes", "no"
LONGEST_TEXT: Final = 4_000
_NUMBER: Final = re.compile(r"\d{1,9}(?:\.\d{1,6})?|\.\d{1,6}")
_EARLIEST_YEAR: Final = 1880


class EntryError(ValueError):
    """A field holds something that is no answer to its question; the message is for who filled it in."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the field of one question.

    `from_record` is True while it is the answer that the chart gives. `documents` are those kept already.
    """

    texts: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    from_record: bool = False

    @property
    def text(self) -> str:
        """The text of a field that takes one."""
        return self.texts[0] if self.texts else ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was answered."""
        return not self.documents and not any(self.texts)


Entries = Mapping[str, Entry]
NOTHING: Final = Entry()


def entries(form: Form, response: Mapping[str, Any]) -> dict[str, Entry]:
    """The fields as a QuestionnaireResponse of this service fills them, by link id."""
    questions = {each.link_id: each for each in form.questions()}
    found: dict[str, Entry] = {}
    for item in _items(response.get("item")):
        question = questions.get(str(item.get("linkId")))
        answers = [each for each in item.get("answer") or () if isinstance(each, Mapping)]
        if question is not None and answers:
            found[question.link_id] = _entry(question, answers)
    return found


def value(question: Question, text: str) -> Any:
    """What a text says: bool, Quantity, Date, Option or text; None when it is empty.

    Raises EntryError when it cannot be an answer to the question.
    """
    text = text.strip()
    return _READERS[question.type](question, text) if text else None


def for_conditions(question: Question, entry: Entry) -> object:
    """An answer as `dtr.conditions` compares it; None where there is none, or none that can be read."""
    if question.type is AnswerType.ATTACHMENT:
        return entry.documents or None
    try:
        answer = value(question, entry.text)
    except EntryError:
        return None
    return answer.value if isinstance(answer, Quantity) else answer


def in_words(question: Question, entry: Entry) -> str:
    """An answer as people say it; empty when there is none."""
    if question.type is AnswerType.ATTACHMENT:
        return ", ".join(each.title for each in entry.documents)
    text = entry.text
    if question.type is AnswerType.BOOLEAN:
        return {YES: "Yes", NO: "No"}.get(text, "")
    if question.type is AnswerType.CHOICE:
        return next((each.display for each in question.options if option_key(each) == text), "")
    if question.type is AnswerType.QUANTITY and text and question.unit not in (None, "1"):
        return f"{text} {question.unit}"
    return text


def option_key(option: Option) -> str:
    """The value of a choice's field."""
    return f"{option.system}|{option.code}"


def _boolean(question: Question, text: str) -> bool:
    if text not in (YES, NO):
        raise EntryError("Choose yes or no.")
    return text == YES


def _quantity(question: Question, text: str) -> Quantity:
    if not _NUMBER.fullmatch(text):
        unit = f" in {question.unit}" if question.unit not in (None, "1") else ""
        raise EntryError(f"Enter a number{unit}, with a point before decimals, such as 24.5.")
    if not question.can_be(Decimal(text)):
        raise EntryError(f"Enter a number {question.bounds}.")
    return Quantity(Decimal(text), question.unit or "1")


def _date(question: Question, text: str) -> Date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise EntryError("Enter a date as year-month-day, such as 1980-05-17.") from None
    if day.year < _EARLIEST_YEAR:
        raise EntryError(f"Enter a date after {_EARLIEST_YEAR - 1}.")
    return Date.from_python(day)


def _choice(question: Question, text: str) -> Option:
    for each in question.options:
        if option_key(each) == text:
            return each
    raise EntryError("Choose one of the answers.")


def _text(question: Question, text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise EntryError(f"Shorten the text to {LONGEST_TEXT:,} characters; it has {len(text):,}.")
    return text


_READERS: Final = {
    AnswerType.BOOLEAN: _boolean,
    AnswerType.QUANTITY: _quantity,
    AnswerType.DATE: _date,
    AnswerType.CHOICE: _choice,
    AnswerType.TEXT: _text,
    AnswerType.ATTACHMENT: _text,
}


def _items(items: object) -> Iterator[Mapping[str, Any]]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping):
            yield item
            yield from _items(item.get("item"))


def _entry(question: Question, answers: list[Mapping[str, Any]]) -> Entry:
    if question.type is AnswerType.ATTACHMENT:
        attachments = (each.get("valueAttachment") for each in answers)
        return Entry(documents=tuple(kept(dict(each)) for each in attachments if isinstance(each, Mapping)))
    texts = tuple(filter(None, map(_shown, answers)))
    return Entry(texts, from_record=all(_is_automatic(each) for each in answers))


def _shown(answer: Mapping[str, Any]) -> str:
    boolean, quantity, coding = (answer.get(f"value{kind}") for kind in ("Boolean", "Quantity", "Coding"))
    if isinstance(boolean, bool):
        return YES if boolean else NO
    if isinstance(quantity, Mapping):
        return str(quantity.get("value", ""))
    if isinstance(coding, Mapping):
        return f"{coding.get('system')}|{coding.get('code')}"
    plain = (answer.get(f"value{kind}") for kind in ("Date", "String", "Decimal", "Integer"))
    return next((str(each) for each in plain if each is not None), "")


def _is_automatic(answer: Mapping[str, Any]) -> bool:
    for extension in answer.get("extension") or ():
        if isinstance(extension, Mapping) and extension.get("url") == ORIGIN:
            parts = extension.get("extension") or ()
            return any(str(each.get("valueCode", "")).startswith("auto") for each in parts)
    return False
