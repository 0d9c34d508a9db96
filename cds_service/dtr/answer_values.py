"""One answer of a QuestionnaireResponse as a value: strict about type, unit, option and document."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date
from cds_service.cql.values.units import UnitMismatch, convert, without_annotations
from cds_service.dtr.document_kinds import media_type_of
from cds_service.dtr.model import AnswerType, Option, Question

UCUM: Final = "http://unitsofmeasure.org"
MAX_ATTACHMENT_BYTES: Final = 2_097_152
_LONGEST_TEXT: Final = 20_000
_LARGEST: Final = Decimal(10) ** 12
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9][\w.+-]{0,126}/[A-Za-z0-9][\w.+-]{0,126}(?:\s*;.{0,200})?")

_ELEMENTS: Final[Mapping[AnswerType, tuple[str, ...]]] = {
    AnswerType.BOOLEAN: ("valueBoolean",),
    AnswerType.QUANTITY: ("valueQuantity",),
    AnswerType.DATE: ("valueDate", "valueDateTime"),
    AnswerType.CHOICE: ("valueCoding",),
    AnswerType.ATTACHMENT: ("valueAttachment",),
    AnswerType.TEXT: ("valueString",),
}


class ResponseError(Exception):
    """A response that is invalid for its form. `element` is a FHIRPath; neither quotes an answer."""

    def __init__(self, element: str, text: str) -> None:
        super().__init__(f"{element}: {text}")
        self.element = element
        self.text = text


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document that came with an answer; `size` is that of the content in bytes.

    None where no document came that people can read: a url is never fetched, and bytes that are no text, PDF
    or image prove nothing, whatever they are called.
    """

    content_type: str
    title: str | None = None
    size: int | None = None
    url: str | None = None


def read_value(question: Question, answer: Mapping[str, Any], place: str, max_attachment_bytes: int) -> Any:
    """The value of one answer; `place` is its FHIRPath. Raises ResponseError."""
    accepted = _ELEMENTS[question.type]
    for name in answer:
        if name.startswith("value") and name not in accepted:
            raise ResponseError(f"{place}.{name}", f"must be {accepted[0]}")
    element = next(name for name in answer if name in accepted)
    place, value = f"{place}.{element}", answer[element]
    match question.type:
        case AnswerType.BOOLEAN:
            if not isinstance(value, bool):
                raise ResponseError(place, "must be true or false")
            return value
        case AnswerType.QUANTITY:
            quantity = _quantity(value, question.unit or "1", place)
            if not question.can_be(quantity.value):
                raise ResponseError(place, f"must be {question.bounds} {question.unit}")
            return quantity
        case AnswerType.DATE:
            return _date(value, place)
        case AnswerType.CHOICE:
            return _option(value, question.options, place)
        case AnswerType.ATTACHMENT:
            return _attachment(value, place, max_attachment_bytes)
        case AnswerType.TEXT:
            if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
                raise ResponseError(place, f"must be text of at most {_LONGEST_TEXT} characters")
            return value


def _quantity(value: Any, unit: str, place: str) -> Quantity:
    """In the unit of the question; UCUM or no system at all, since some clients send only the words."""
    if not isinstance(value, Mapping):
        raise ResponseError(place, "must be a Quantity")
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
        raise ResponseError(f"{place}.value", "must be a number")
    if value.get("comparator") is not None:
        raise ResponseError(f"{place}.comparator", "must be left out: an exact value is due")
    if value.get("system") not in (None, UCUM):
        raise ResponseError(f"{place}.system", f"must be {UCUM}")
    given = value.get("code") or value.get("unit") or "1"
    try:
        amount = Decimal(str(number))
        if not isinstance(given, str) or not amount.is_finite() or abs(amount) >= _LARGEST:
            raise ResponseError(place, "must be a quantity that can occur")
        if given == unit or without_annotations(given) == without_annotations(unit):
            return Quantity(amount, unit)
        return Quantity(convert(amount, given, unit), unit)
    except (UnitMismatch, InvalidOperation):
        raise ResponseError(f"{place}.code", f"must be a UCUM unit that converts to {unit}") from None


def _date(value: Any, place: str) -> Date:
    try:
        if not isinstance(value, str):
            raise ValueError
        return Date.parse(value.partition("T")[0])
    except ValueError:
        raise ResponseError(place, "must be a date such as 1980-05-17") from None


def _option(value: Any, options: tuple[Option, ...], place: str) -> Option:
    """The option with this system and code; without a system, the only one with this code."""
    if isinstance(value, Mapping):
        system, code = value.get("system"), value.get("code")
        found = [each for each in options if each.code == code and system in (None, each.system)]
        if len(found) == 1:
            return found[0]
    raise ResponseError(place, "is none of the options")


def _attachment(value: Any, place: str, most: int) -> Attachment:
    if not isinstance(value, Mapping):
        raise ResponseError(place, "must be an Attachment")
    kind, data, url = value.get("contentType"), value.get("data"), value.get("url")
    title = value.get("title")
    if not isinstance(kind, str) or _MEDIA_TYPE.fullmatch(kind) is None:
        raise ResponseError(f"{place}.contentType", "must be a media type such as application/pdf")
    if data is None and not isinstance(url, str):
        raise ResponseError(f"{place}.data", "is missing: the document itself is due")
    size = None if data is None else _size(data, f"{place}.data", most)
    return Attachment(
        kind, title[:255] if isinstance(title, str) else None, size, url if isinstance(url, str) else None
    )


def _size(data: Any, place: str, most: int) -> int | None:
    """The number of bytes behind base64 text; None when they are no document that people can read."""
    if not isinstance(data, str) or not data.strip():
        raise ResponseError(place, "must hold the document in base64")
    if len(data) > most * 3 // 2:
        raise ResponseError(place, f"must be at most {most} bytes")
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ResponseError(place, "must hold the document in base64") from None
    if len(content) > most:
        raise ResponseError(place, f"must be at most {most} bytes")
    return len(content) if media_type_of(content) is not None else None
