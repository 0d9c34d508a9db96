"""What somebody sent with a form: read field by field, every problem tied to its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from werkzeug.datastructures import FileStorage, MultiDict

from cds_service.dtr.conditions import asked
from cds_service.dtr.model import AnswerType, Form, Question
from cds_service.web.form_entries import NOTHING, Entries, Entry, EntryError, for_conditions, value
from cds_service.web.form_files import Document, DocumentError, kept, limit_in_words, read_document

MOST_DOCUMENTS: Final = 10  # of one question
_LONGEST: Final = 20_000  # characters of one field that are looked at
_LONGEST_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class Filled:
    """One form as it was filled in: its fields, and what is wrong with them by link id."""

    form: Form
    entries: Mapping[str, Entry]
    problems: dict[str, str] = field(default_factory=dict)

    def given(self) -> dict[str, Any]:
        """The answers to questions that are asked, by link id, as `dtr.responses.completed` takes them."""
        questions = list(self.form.questions())
        comparable = {
            each.link_id: for_conditions(each, self.entries.get(each.link_id, NOTHING)) for each in questions
        }
        now = asked(self.form, comparable)
        answers = {each.link_id: self._answer(each) for each in questions if each.link_id in now}
        return {link_id: answer for link_id, answer in answers.items() if answer not in (None, [])}

    def _answer(self, question: Question) -> Any:
        entry = self.entries.get(question.link_id, NOTHING)
        if question.type is AnswerType.ATTACHMENT:
            return [each.attachment for each in entry.documents]
        try:
            return value(question, entry.text)
        except EntryError:
            return None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a browser sent; `same` are the names of each question and its twins, by position and link id.

    `largest` is the limit of one document and `most` that of all those of one question, in bytes.
    """

    fields: MultiDict[str, str]
    files: MultiDict[str, FileStorage]
    same: Mapping[tuple[int, str], tuple[str, ...]]
    largest: int
    most: int

    def name(self, position: int, question: Question) -> str:
        """The name under which the answer to a question came."""
        names = self.same[position, question.link_id]
        own = f"{position}.{question.link_id}"
        return next((each for each in (own, *names) if each in self.fields or each in self.files), own)


def read_form(position: int, form: Form, sent: Sent, earlier: Entries, recorded: Entries) -> Filled:
    """One form of the page; `earlier` are the fields as kept before, whose documents stay unless removed.

    `recorded` is what the record answers.
    """
    entries: dict[str, Entry] = {}
    problems: dict[str, str] = {}
    for question in form.questions():
        name = sent.name(position, question)
        if question.type is AnswerType.ATTACHMENT:
            entry, problem = _documents(name, sent, earlier.get(question.link_id, NOTHING))
        else:
            text = sent.fields.get(name, "")[:_LONGEST].strip()
            before = recorded.get(question.link_id, NOTHING)
            texts = (text,) if text else before.texts  # what the record says stays until it is corrected
            entry = Entry(texts, from_record=not before.is_empty and texts == before.texts)
            problem = _problem(question, text)
        entries[question.link_id] = entry
        if problem:
            problems[question.link_id] = problem
    return Filled(form, entries, problems)


def read_name(fields: MultiDict[str, str], name: str) -> str:
    """A short text on one line."""
    return " ".join(fields.get(name, "")[:_LONGEST].split())[:_LONGEST_NAME]


def _problem(question: Question, text: str) -> str:
    try:
        value(question, text)
    except EntryError as error:
        return str(error)
    return ""


def _documents(name: str, sent: Sent, earlier: Entry) -> tuple[Entry, str]:
    removed = set(sent.fields.getlist(f"{name}.remove"))
    documents: dict[str, Document] = {each.key: each for each in earlier.documents if each.key not in removed}
    problems: list[str] = []
    for file in _chosen(sent.files.getlist(name)):
        file.stream.seek(0)  # several forms may ask for it
        try:
            content = file.stream.read(sent.largest + 1)
            document = kept(read_document(file.filename or "", content, sent.largest))
        except DocumentError as error:
            problems.append(str(error))
        else:
            documents[document.key] = document
    taken: list[Document] = []
    for document in documents.values():
        if len(taken) < MOST_DOCUMENTS and sum(each.size or 0 for each in (*taken, document)) <= sent.most:
            taken.append(document)
    if len(taken) < len(documents):
        limit = f"{MOST_DOCUMENTS} documents and {limit_in_words(sent.most)}"
        problems.append(f"Send at most {limit} for one question: the last ones were not taken.")
    return Entry(documents=tuple(taken)), " ".join(problems)


def _chosen(files: Sequence[FileStorage]) -> list[FileStorage]:
    """Files that were chosen: browsers send a nameless empty one where none was."""
    return [each for each in files if each.filename]
