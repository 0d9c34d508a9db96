"""The adaptive variant of a form (SDC): the next question, from the answers so far and nothing else.

No state is kept: what was asked stands in the Questionnaire contained in the response, what was answered in
the response itself. Of both only link ids and answers are taken; the questions are always those of the form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from cds_service.dtr.answers import ResponseError, comparable, read_answers
from cds_service.dtr.conditions import asked
from cds_service.dtr.forms import Forms
from cds_service.dtr.model import AnswerType, Form, Question, Section
from cds_service.dtr.versions import DtrVersion

Resource = Mapping[str, Any]
Item = dict[str, Any]

SUFFIX: Final = "-adaptive"
CONTAINED_ID: Final = "adaptive"
LAST_QUESTIONS: Final = "last-questions"
"""The link id of the display item that says that no further question will come."""

_ADAPTIVE: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-questionnaireAdaptive"
_CONDITIONAL: Final = ("enableWhen", "enableBehavior")
_ENABLE_WHEN: Final = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"
_LAST_TEXT: Final = "After these answers there is no further clinical question."
_COUNTABLE: Final = (AnswerType.BOOLEAN, AnswerType.CHOICE, AnswerType.ATTACHMENT, AnswerType.TEXT)
_MOST_QUESTIONS: Final = 8  # asked at once, for every way to answer them to be looked at
_OPEN: Final = ("in-progress", "completed", "amended")
_NOT_OF_ITEMS: Final = ("item", "resourceType", "id", "url", "version", "meta")


@dataclass(frozen=True, slots=True)
class Step:
    """Where an adaptive form stands: questions asked so far, and those to ask now.

    `last`: no further one is for the clinician.
    """

    shown: tuple[str, ...]
    new: tuple[str, ...]
    last: bool

    @property
    def completed(self) -> bool:
        """Whether nothing more is asked."""
        return not self.new


def adaptive_url(form: Form) -> str:
    """The canonical of the adaptive variant, without version."""
    return form.url + SUFFIX


def find_adaptive(forms: Forms, canonical: str) -> Form | None:
    """The form whose adaptive variant this canonical (with or without version) names."""
    url, separator, version = canonical.partition("|")
    return forms.find(url.removesuffix(SUFFIX) + separator + version) if url.endswith(SUFFIX) else None


def adaptive_search(standard: Resource, form: Form, version: DtrVersion, base: str) -> dict[str, Any]:
    """The Questionnaire of the adaptive variant as a package holds it: no items, only where to ask."""
    found = _without_items(standard, base)
    return {
        "resourceType": "Questionnaire",
        "id": f"{standard['id']}{SUFFIX}",
        "meta": {"profile": [version.adaptive_search_profile]},
        **found,
        "url": adaptive_url(form),
        "version": form.version,
    }


def first_response(draft: Resource, standard: Resource, form: Form, version: DtrVersion, base: str) -> Item:
    """The draft for the adaptive variant: it and its Questionnaire hold what is answered already, no more."""
    links = frozenset(_answered(draft.get("item", ())))
    first = {key: value for key, value in draft.items() if key != "item" or links}
    first["meta"] = {"profile": [version.adaptive_response_profile]}
    items = _pruned(standard.get("item", ()), links)
    return _with_contained(first, _contained(standard, form, version, base, items if links else ()))


def next_step(form: Form, response: Resource) -> Step:
    """What to ask next. Raises ResponseError for a response that is not valid for what was asked so far."""
    contained = _contained_in(response)
    shown = _asked_before(form, contained)
    given = _given(form, response)
    enabled = asked(form, given)
    for question in form.questions():
        if question.link_id in given and question.link_id not in shown:
            raise ResponseError("QuestionnaireResponse.item", f"{question.link_id} was not asked yet.")
        needed = question.required and question.link_id in enabled and question.link_id in shown
        if needed and question.link_id not in given:
            raise ResponseError("QuestionnaireResponse.item", f"{question.link_id} has no answer.")
    new = [each for each in form.questions() if each.link_id in enabled and each.link_id not in shown]
    return Step(tuple(shown), tuple(each.link_id for each in new), _is_last(form, new, given))


def next_response(response: Resource, standard: Resource, form: Form, version: DtrVersion, base: str) -> Item:
    """The response with the next questions, or completed. Raises ResponseError for an invalid one."""
    status = response.get("status")
    if status not in _OPEN:
        raise ResponseError("QuestionnaireResponse.status", "must be in-progress.")
    step = next_step(form, response)
    links = frozenset({*step.shown, *step.new})
    items = _pruned(standard.get("item", ()), links)
    if step.last:
        items = [*items, {"linkId": LAST_QUESTIONS, "text": _LAST_TEXT, "type": "display"}]
    found = _with_contained(response, _contained(standard, form, version, base, items))
    if step.completed:
        found["status"] = "completed" if status == "in-progress" else status
    else:
        found["status"] = "in-progress"
    return found


def form_of(forms: Forms, response: Resource) -> Form:
    """The form that an adaptive response is about. Raises ResponseError when it is none of ours."""
    contained = _contained_in(response)
    named = contained.get("derivedFrom") if contained is not None else None
    canonicals = [*(named if isinstance(named, list) else []), response.get("questionnaire")]
    if contained is not None:
        canonicals.append(contained.get("url"))
    for each in canonicals:
        if isinstance(each, str) and (form := find_adaptive(forms, each)) is not None:
            return form
    raise ResponseError(
        "QuestionnaireResponse.contained.derivedFrom", "names no adaptive questionnaire of this service."
    )


def _given(form: Form, response: Resource) -> dict[str, object]:
    """The answers by link id as the conditions of the form take them. Raises ResponseError."""
    answers = read_answers(form, {**response, "questionnaire": form.canonical})
    return {key: comparable(values[0]) for key, values in answers.given.items()}


def _is_last(form: Form, new: Sequence[Question], given: Mapping[str, object]) -> bool:
    """Whether it is sure that no answer to the new questions brings a further one for the clinician."""
    if not new:
        return False
    known = asked(form, given) | {each.link_id for each in new}
    later = frozenset(_clinical(form.items)) - known
    if not later:
        return True
    if len(new) > _MOST_QUESTIONS or any(each.type not in _COUNTABLE for each in new):
        return False
    return not any(asked(form, {**given, **chosen}) & later for chosen in _choices(new))


def _clinical(items: Sequence[Section | Question]) -> Iterator[str]:
    """Link ids of the questions that are not for staff."""
    for item in items:
        if isinstance(item, Question):
            yield item.link_id
        elif not item.administrative:
            yield from _clinical(item.children)


def _choices(new: Sequence[Question]) -> list[dict[str, object]]:
    """Every way to answer the new questions."""
    ways: list[dict[str, object]] = [{}]
    for question in new:
        if question.type is AnswerType.BOOLEAN:
            values: list[object] = [True, False]
        elif question.type is AnswerType.CHOICE:
            values = list(question.options)
        else:
            continue  # a document decides nothing of what is asked
        ways = [{**way, question.link_id: value} for way in ways for value in values]
    return ways


def _contained_in(response: Resource) -> Resource | None:
    """The Questionnaire contained in a response; None when there is none."""
    contained = response.get("contained")
    if contained is None:
        return None
    found = [
        each
        for each in (contained if isinstance(contained, list) else [contained])
        if isinstance(each, dict) and each.get("resourceType") == "Questionnaire"
    ]
    if len(found) > 1:
        raise ResponseError("QuestionnaireResponse.contained", "may hold one Questionnaire only.")
    return found[0] if found else None


def _asked_before(form: Form, contained: Resource | None) -> tuple[str, ...]:
    """Link ids of the questions in the contained Questionnaire, in the form's order. Raises ResponseError."""
    found: set[str] = set()
    level: list[Any] = [contained.get("item", [])] if contained is not None else []
    known = {each.link_id for each in form.questions()}
    while level:
        items = level.pop()
        if not isinstance(items, list):
            raise ResponseError("QuestionnaireResponse.contained.item", "must be a list.")
        for item in items:
            if not isinstance(item, dict) or not isinstance(link_id := item.get("linkId"), str):
                raise ResponseError("QuestionnaireResponse.contained.item", "must have a linkId.")
            if item.get("type") not in ("group", "display"):
                if link_id not in known:
                    raise ResponseError(
                        "QuestionnaireResponse.contained.item", "holds a question that is none of the form's."
                    )
                found.add(link_id)
            if "item" in item:
                level.append(item["item"])
    return tuple(each.link_id for each in form.questions() if each.link_id in found)


def _contained(
    standard: Resource, form: Form, version: DtrVersion, base: str, items: Sequence[Item]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Questionnaire",
        "id": CONTAINED_ID,
        "meta": {"profile": [version.adaptive_profile]},
        **_without_items(standard, base),
        "derivedFrom": [f"{adaptive_url(form)}|{form.version}"],
    }
    if items:
        found["item"] = list(items)
    return found


def _without_items(standard: Resource, base: str) -> dict[str, Any]:
    found = {key: value for key, value in standard.items() if key not in _NOT_OF_ITEMS}
    title = escape(str(standard.get("title", "")))
    narrative = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{title}</p></div>'
    found["text"] = {"status": "generated", "div": narrative}
    found["extension"] = [*standard.get("extension", ()), {"url": _ADAPTIVE, "valueUrl": base}]
    return found


def _answered(items: Sequence[Resource]) -> Iterator[str]:
    for item in items:
        if item.get("answer"):
            yield item["linkId"]
        yield from _answered(item.get("item", ()))


def _with_contained(response: Resource, contained: Item) -> Item:
    others = response.get("contained")
    kept = [
        each
        for each in (others if isinstance(others, list) else [])
        if isinstance(each, dict) and each.get("resourceType") != "Questionnaire"
    ]
    return {**response, "contained": [contained, *kept], "questionnaire": f"#{CONTAINED_ID}"}


def _pruned(items: Sequence[Any], links: frozenset[str]) -> list[Item]:
    """The items of these questions in their groups, without conditions: they are asked now."""
    found = []
    for item in items:
        below = _pruned(item.get("item", ()), links)
        holds = any(each["type"] != "display" for each in below) if item["type"] == "group" else False
        if not (holds or item["linkId"] in links or item["type"] == "display"):
            continue
        kept = {key: value for key, value in item.items() if key not in (*_CONDITIONAL, "item", "extension")}
        extensions = [each for each in item.get("extension", ()) if each["url"] != _ENABLE_WHEN]
        found.append(
            {
                **({"extension": extensions} if extensions else {}),
                **kept,
                **({"item": below} if below else {}),
            }
        )
    return found
