"""QuestionnaireResponses that this service makes: the draft of a package, and what a form page was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date, DateTime
from cds_service.dtr.answer_values import UCUM
from cds_service.dtr.model import AnswerType, Form, Option, Question, Section
from cds_service.dtr.versions import DtrVersion

Status = Literal["in-progress", "completed", "amended"]

_PURPOSE: Final = "withpa"
_MANUAL: Final = "manual"
_OVERRIDE: Final = "override"
_AUTO: Final = frozenset({"auto", "auto-client", "auto-server"})
_INTENDED_USES: Final = {_PURPOSE: "Include with prior authorization"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a response is about, each as the EHR names it: never an address of this service."""

    patient: str  # "Patient/pat-1"
    coverage: str  # "Coverage/cov-1"
    order: str | None  # "MedicationRequest/mr-1"


@dataclass(frozen=True, slots=True)
class Author:
    """Who answered: the role (system, code, display; the first two empty where there is no code for it), the
    practitioner as the EHR names them, and the name that was given."""

    role: tuple[str, str, str] = ("", "", "Practice")
    practitioner: str | None = None
    name: str | None = None


def draft(
    form: Form, version: DtrVersion, subject: Subject, prefilled: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """The response to begin with: `prefilled` are values by link id (bool, Quantity, Date, Option, text).

    Items are nested like those of the Questionnaire. Prefilled answers carry the origin "auto" (2.0.1) or
    "auto-server" (2.2), and no author.
    """
    origin = _origin(version, version.origin_of_payer_answers, None)
    answers = {link_id: [(value, origin)] for link_id, value in prefilled.items()}
    return _response(form, version, subject, answers, now, "in-progress")


def completed(
    form: Form,
    version: DtrVersion,
    subject: Subject,
    given: Mapping[str, Any],
    prefilled: Mapping[str, Any],
    now: datetime,
    *,
    author: Author | None = None,
    status: Status = "completed",
) -> dict[str, Any]:
    """The response of somebody who filled the form in: `given` by link id, one value or a list of them.

    Values are as in `draft`, a document is {"contentType", "data" (base64), "title"}. An answer equal to the
    prefilled one keeps the origin auto; one that differs is an "override"; any other is "manual".
    """
    by = author or Author()
    answers = {}
    for link_id, values in given.items():
        known = prefilled.get(link_id)
        answers[link_id] = [
            (each, _origin_of(each, known, version, by))
            for each in (values if isinstance(values, list | tuple) and not _is_value(values) else [values])
        ]
    return _response(form, version, subject, answers, now, status)


def restated(
    kept: Mapping[str, Any], form: Form, version: DtrVersion, subject: Subject, status: str
) -> dict[str, Any]:
    """A response that was kept, as any version of DTR states it, without what this form does not ask."""
    response = _response(form, version, subject, {}, kept.get("authored"), status)
    items = _with_origins(kept.get("item"), version, frozenset(_link_ids(form.items)))
    if items:
        response["item"] = items
    return response


def answer_value(question: Question, value: Any) -> dict[str, Any]:
    """The value of an answer as its element in FHIR ({"valueBoolean": true}); also of an initial value."""
    match question.type:
        case AnswerType.BOOLEAN:
            return {"valueBoolean": bool(value)}
        case AnswerType.QUANTITY:
            unit = question.unit or "1"
            return {
                "valueQuantity": {
                    "value": _number(value.value if isinstance(value, Quantity) else value),
                    "unit": unit,
                    "system": UCUM,
                    "code": unit,
                }
            }
        case AnswerType.DATE:
            return {"valueDate": str(value).partition("T")[0]}
        case AnswerType.CHOICE:
            system, code, display = value[:3]
            return {"valueCoding": {"system": system, "code": code, "display": display}}
        case AnswerType.ATTACHMENT:
            return {"valueAttachment": dict(value)}
        case AnswerType.TEXT:
            return {"valueString": str(value)}


def _response(
    form: Form,
    version: DtrVersion,
    subject: Subject,
    answers: Mapping[str, Sequence[tuple[Any, dict[str, Any]]]],
    authored: object,
    status: str,
) -> dict[str, Any]:
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "meta": {"profile": [version.response_profile]},
        "extension": list(_context(version, subject)),
        "questionnaire": form.canonical,
        "status": status,
        "subject": {"reference": subject.patient},
        "authored": authored.isoformat(timespec="seconds") if isinstance(authored, datetime) else authored,
    }
    items = _items(form.items, answers)
    if not items and version.response_needs_items:
        items = [{"linkId": form.items[0].link_id, "text": form.items[0].text}]
    if items:
        response["item"] = items
    return response


def _context(version: DtrVersion, subject: Subject) -> Sequence[dict[str, Any]]:
    coverage = version.coverage_extension or version.context_extension
    found = [{"url": coverage, "valueReference": {"reference": subject.coverage}}]
    if subject.order is not None:
        found.append({"url": version.context_extension, "valueReference": {"reference": subject.order}})
    coding = {
        "system": version.intended_use_system,
        "code": _PURPOSE,
        "display": _INTENDED_USES[_PURPOSE],
    }
    found.append({"url": version.intended_use_extension, "valueCodeableConcept": {"coding": [coding]}})
    return found


def _items(
    items: Sequence[Section | Question], answers: Mapping[str, Sequence[tuple[Any, dict[str, Any]]]]
) -> list[dict[str, Any]]:
    """Those with answers, and the groups above them."""
    found: list[dict[str, Any]] = []
    for each in items:
        item: dict[str, Any] = {"linkId": each.link_id, "text": each.text}
        if isinstance(each, Section):
            below = _items(each.children, answers)
            if below:
                found.append({**item, "item": below})
        elif answers.get(each.link_id):
            item["answer"] = [
                {"extension": [origin], **answer_value(each, value)}
                for value, origin in answers[each.link_id]
            ]
            found.append(item)
    return found


def _link_ids(items: Sequence[Section | Question]) -> Iterator[str]:
    for each in items:
        yield each.link_id
        if isinstance(each, Section):
            yield from _link_ids(each.children)


def _with_origins(items: Any, version: DtrVersion, known: frozenset[str]) -> list[dict[str, Any]]:
    """The items of a kept response, with the codes that a version knows for answers nobody gave by hand.

    What stands below an item that is not `known` takes its place.
    """
    found: list[dict[str, Any]] = []
    for item in items if isinstance(items, list) else ():
        copy = dict(item)
        below = _with_origins(item.get("item"), version, known)
        if item.get("linkId") not in known:
            found += below
            continue
        if "item" in item:
            copy["item"] = below
        if "answer" in item:
            copy["answer"] = [_answer_with_origin(each, version, known) for each in item["answer"]]
        found.append(copy)
    return found


def _answer_with_origin(
    answer: Mapping[str, Any], version: DtrVersion, known: frozenset[str]
) -> dict[str, Any]:
    copy = dict(answer)
    origin = next((each for each in answer.get("extension", ()) if _source(each) in _AUTO), None)
    if origin is not None:
        copy["extension"] = [_origin(version, version.origin_of_payer_answers, None)]
    if "item" in answer:
        copy["item"] = _with_origins(answer["item"], version, known)
    return copy


def _source(extension: Any) -> Any:
    parts = extension.get("extension") if isinstance(extension, Mapping) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping) and part.get("url") == "source":
            return part.get("valueCode")
    return None


def _origin_of(value: Any, known: Any, version: DtrVersion, author: Author) -> dict[str, Any]:
    if known is None:
        return _origin(version, _MANUAL, author)
    if _same(value, known):
        return _origin(version, version.origin_of_payer_answers, None)
    return _origin(version, _OVERRIDE, author)


def _origin(version: DtrVersion, source: str, author: Author | None) -> dict[str, Any]:
    """The information-origin extension; an author is required of people's answers and forbidden of others."""
    parts: list[dict[str, Any]] = [{"url": "source", "valueCode": source}]
    if author is not None:
        system, code, display = author.role
        role: dict[str, Any] = {"text": display}
        if code:
            role = {"coding": [{"system": system, "code": code, "display": display}], **role}
        who: list[dict[str, Any]] = [{"url": "role", "valueCodeableConcept": role}]
        named = {"reference": author.practitioner, "display": author.name}
        if any(named.values()):
            reference = {key: value for key, value in named.items() if value}
            who.append({"url": "practitioner", "valueReference": reference})
        parts.append({"url": "author", "extension": who})
    return {"url": version.origin_extension, "extension": parts}


def _same(left: Any, right: Any) -> bool:
    """Whether two values say the same: numbers by amount and dates as written; units are the question's."""
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        same: bool = _amount(left) == _amount(right)
        return same
    if isinstance(left, Option) or isinstance(right, Option):
        return tuple(left[:2]) == tuple(right[:2])
    if isinstance(left, Date | DateTime) or isinstance(right, Date | DateTime):
        return str(left) == str(right)
    return left is right or str(left) == str(right)


def _amount(value: Any) -> Any:
    return value.value if isinstance(value, Quantity) else value


def _is_value(value: Any) -> bool:
    return isinstance(value, Option)


def _number(amount: Any) -> int | float:
    """A decimal as a JSON number, whole where it is whole."""
    exact = amount if isinstance(amount, Decimal) else Decimal(str(amount))
    return int(exact) if exact == exact.to_integral_value() else float(exact)
