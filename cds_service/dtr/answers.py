"""From a QuestionnaireResponse of any client to the answers that the rules take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from cds_service.cql.values.quantity import Quantity
from cds_service.dtr.answer_values import MAX_ATTACHMENT_BYTES, Attachment, ResponseError, read_value
from cds_service.dtr.conditions import asked
from cds_service.dtr.model import AnswerType, Form, Option, Question, Section

__all__ = ["MAX_ATTACHMENT_BYTES", "Answers", "Attachment", "ResponseError", "is_about", "read_answers"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_DEEPEST: Final = 32
_MOST_ITEMS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Answers:
    """What a response answers.

    `values` are by CQL definition ("Name" or "Alias.Name"), as `EvaluationInput.answers` takes them: only
    answers to questions that are asked (enabled), and that say something. `given` are all answers that were
    read by link id, in the order given: bool, Quantity in the unit of the question, Date, Option, text, or
    Attachment; `asked` are the link ids of the questions that are enabled. `undocumented` are link ids of
    the questions whose answer needs a document that is not there, `undocumented_criteria` the names of
    their criteria.
    """

    form: Form
    values: Mapping[str, Any]
    undocumented: tuple[str, ...] = ()
    given: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    asked: frozenset[str] = frozenset()
    undocumented_criteria: frozenset[str] = frozenset()

    def is_answered(self, link_id: str) -> bool:
        """Whether a question has an answer."""
        return bool(self.given.get(link_id))


def is_about(form: Form, response: Mapping[str, Any]) -> bool:
    """Whether a response answers this form, of any version: by its canonical, or a contained derivation."""
    return _url_of(response).partition("|")[0].removesuffix("-adaptive") == form.url


def read_answers(
    form: Form,
    response: Mapping[str, Any],
    *,
    known: Mapping[str, Any] = _NOTHING,
    max_attachment_bytes: int = MAX_ATTACHMENT_BYTES,
) -> Answers:
    """Read a response: lenient about what does not matter, strict about what decides.

    Items may be nested as in the Questionnaire or flat; unknown extensions and elements are passed over, as
    are answers to questions that are not asked (disabled). Free text is kept and never interpreted.
    `known` are values by link id that somebody knows without the response (the chart): they enable further
    questions, and are no answers. Raises ResponseError for an unknown linkId, a value of another type, an
    option that is none, a unit that is no UCUM or cannot be converted, several answers where one is due, and
    a document that is too big.
    """
    if response.get("resourceType") != "QuestionnaireResponse":
        raise ResponseError("QuestionnaireResponse", "must be a QuestionnaireResponse")
    if not is_about(form, response):
        raise ResponseError("QuestionnaireResponse.questionnaire", "names another questionnaire")
    questions = {each.link_id: each for each in form.questions()}
    groups = tuple(_sections(form.items))  # compared by equality: a linkId may be anything
    given: dict[str, tuple[Any, ...]] = {}
    for place, item in _items(response):
        link_id = item.get("linkId")
        found = list(_answers(item, place))
        question = questions.get(link_id) if isinstance(link_id, str) else None
        if question is not None:
            values = tuple(read_value(question, each, at, max_attachment_bytes) for at, each in found)
            given[question.link_id] = given.get(question.link_id, ()) + values
            if len(given[question.link_id]) > 1 and not question.repeats:
                raise ResponseError(f"{place}.answer", "has several answers where one is due")
        elif found:
            said = (
                "is a group, which takes no answer" if link_id in groups else "is none of the questionnaire"
            )
            raise ResponseError(f"{place}.linkId", said)
    given = {link_id: values for link_id, values in given.items() if values}
    enabled = asked(form, {**known, **{key: comparable(values[0]) for key, values in given.items()}})
    missing = [each for each in questions.values() if _lacks_document(each, enabled, given)]
    return Answers(
        form,
        dict(_values(questions, enabled, given)),
        tuple(dict.fromkeys(each.documents for each in missing if each.documents)),
        given,
        enabled,
        frozenset(each.criterion for each in missing if each.criterion),
    )


def comparable(value: Any) -> Any:
    """A value as conditions compare it: a quantity is its number."""
    return value.value if isinstance(value, Quantity) else value


def _values(
    questions: Mapping[str, Question], enabled: frozenset[str], given: Mapping[str, tuple[Any, ...]]
) -> Iterator[tuple[str, Any]]:
    for link_id, values in given.items():
        definition = questions[link_id].definition
        if definition is None or link_id not in enabled:
            continue
        value = values[0].means if isinstance(values[0], Option) else values[0]
        if value is not None:
            yield definition, value


def _lacks_document(
    question: Question, enabled: frozenset[str], given: Mapping[str, tuple[Any, ...]]
) -> bool:
    """Whether this is the place of a document that is due and has not come; an address is no document."""
    if question.type is not AnswerType.ATTACHMENT or not question.documents:
        return False
    came = any(isinstance(each, Attachment) and each.size for each in given.get(question.link_id, ()))
    return question.link_id in enabled and question.documents in given and not came


def _sections(items: tuple[Section | Question, ...]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Section):
            yield item.link_id
            yield from _sections(item.children)


def _items(response: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every item with its place, however they are nested: below groups, and below answers."""
    level = [("QuestionnaireResponse", response)]
    count = 0
    for _ in range(_DEEPEST):
        below: list[tuple[str, Mapping[str, Any]]] = []
        for place, holder in level:
            for at, item in _objects(holder.get("item"), f"{place}.item"):
                count += 1
                if count > _MOST_ITEMS:
                    raise ResponseError(at, "comes after more items than any questionnaire has")
                yield at, item
                below.append((at, item))
                below += _objects(item.get("answer"), f"{at}.answer")
        level = below
    if level:
        raise ResponseError(level[0][0], "is nested deeper than any questionnaire")


def _answers(item: Mapping[str, Any], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The answers that have a value; one with nothing but extensions or items is none."""
    for at, answer in _objects(item.get("answer"), f"{place}.answer"):
        if any(name.startswith("value") for name in answer):
            yield at, answer


def _objects(value: Any, place: str) -> list[tuple[str, Mapping[str, Any]]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise ResponseError(place, "must be a list")
    for position, each in enumerate(value):
        if not isinstance(each, Mapping):
            raise ResponseError(f"{place}[{position}]", "must be an object")
    return [(f"{place}[{position}]", each) for position, each in enumerate(value)]


def _url_of(response: Mapping[str, Any]) -> str:
    """The canonical that a response names; that of the questionnaire which a contained one derives from."""
    named = response.get("questionnaire")
    if not isinstance(named, str):
        return ""
    if not named.startswith("#"):
        return named
    contained = response.get("contained")
    for each in contained if isinstance(contained, list) else ():
        if isinstance(each, Mapping) and each.get("id") in (named[1:], named):
            derived = each.get("derivedFrom")
            first = derived[0] if isinstance(derived, list) and derived else None
            return first if isinstance(first, str) else ""
    return ""
