"""Notes that closures leave about nulls and compared values, and the plain English made of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from cds_service.cql.values.clinical import Code, Concept
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.numbers import decimal_text
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Temporal
from cds_service.cql.values.uncertain import Uncertain

if TYPE_CHECKING:
    from cds_service.cql.compiler.state import State


class Why(enum.IntEnum):
    """Where a null came from, the most telling first."""

    DOUBTED = 0  # an answer was given that does not count
    UNDECIDED = 1  # two values that cannot be compared: units, precision
    INVALID = 2  # data that are there but cannot be read
    UNAVAILABLE = 3  # nobody could tell whether there are data
    NO_ELEMENT = 4  # a resource without the element asked for
    NO_PARAMETER = 5  # a parameter without a value
    NO_RESOURCE = 6  # data were looked for, and there are none


# (why, subject, detail): a resource and a path, a resource type and a value set name, two compared values,
# or a sentence.
Note = tuple[Why, Any, Any]

_LONGEST: Final = 80  # characters of one value shown to people

# Where resources say when: the first of these elements that is there (FHIR R4).
_DATES: Final = (
    "effectiveDateTime", "effectiveInstant", "authoredOn", "onsetDateTime", "performedDateTime",
    "occurrenceDateTime", "recordedDate", "issued", "date",
)  # fmt: skip
_PERIODS: Final = ("effectivePeriod", "onsetPeriod", "performedPeriod", "period")


def say(note: Note, state: State) -> str:
    """One note in words."""
    why, subject, detail = note
    match why:
        case Why.DOUBTED:
            return str(subject)
        case Why.UNDECIDED:
            return _undecided(subject, detail)
        case Why.INVALID:
            return f"{_subject(subject)} holds {readable(detail, '')!r}, which cannot be read"
        case Why.UNAVAILABLE:
            return f"{subject} data are not available ({state.data.availability(subject).value})"
        case Why.NO_ELEMENT:
            return f"{_subject(subject)} has no {detail}"
        case Why.NO_PARAMETER:
            return f'"{subject}" is not known'
        case Why.NO_RESOURCE:
            return f"no {subject} on record{f' for {detail}' if detail else ''}"


def _subject(subject: Any) -> str:
    if isinstance(subject, Mapping):
        return reference_of(subject) or "an element"
    return str(subject)


def _undecided(left: Any, right: Any) -> str:
    first, second = readable(left, ""), readable(right, "")
    if isinstance(left, Quantity) and isinstance(right, Quantity) and left.unit != right.unit:
        return f"{first} and {second} cannot be compared: the units do not match"
    if any(isinstance(one, Temporal | Uncertain | Interval) for one in (left, right)):
        return f"{first} and {second} cannot be compared: a date is not precise enough"
    return f"{first} and {second} cannot be compared"


def reference_of(resource: Mapping[str, Any]) -> str | None:
    """`Observation/bmi-1`; the type alone when the resource has no id."""
    resource_type = resource.get("resourceType")
    identity = resource.get("id")
    if not isinstance(resource_type, str):
        return None
    return f"{resource_type}/{identity}" if isinstance(identity, str) else resource_type


def date_of(resource: Mapping[str, Any]) -> str | None:
    """The day a resource speaks of, as written (YYYY-MM-DD or less)."""
    for key in _DATES:
        text = resource.get(key)
        if isinstance(text, str):
            return text[:10]
    for key in _PERIODS:
        period = resource.get(key)
        if isinstance(period, Mapping) and isinstance(period.get("start"), str):
            return str(period["start"])[:10]
    return None


def readable(value: Any, word: str) -> str:
    """A value for people: `41.2 kg/m2`, `age 44 years`; `word` is put as "{} years" or empty."""
    if isinstance(value, Quantity):
        text = decimal_text(value.value) + ("" if value.unit == "1" else f" {value.unit.strip('{}')}")
    elif isinstance(value, Decimal):
        text = decimal_text(value)
    elif isinstance(value, Code):
        text = value.display or value.code
    elif isinstance(value, Concept):
        text = value.display or ", ".join(code.code for code in value.codes if code is not None)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, Mapping):
        text = _element(value)
    elif isinstance(value, list | tuple):
        text = ", ".join(readable(each, "") for each in value[:3])
    else:
        text = str(value)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    return word.format(text) if word else text


def _element(element: Mapping[str, Any]) -> str:
    """A FHIR element as people write it: a quantity with its comparator, else its words."""
    if "value" in element:
        parts = (element.get("comparator"), element["value"], element.get("unit") or element.get("code"))
        return " ".join(str(part) for part in parts if part is not None)
    for key in ("text", "display", "code", "reference"):
        if isinstance(element.get(key), str):
            return str(element[key])
    return "something"
