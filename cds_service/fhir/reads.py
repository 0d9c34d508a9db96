"""Lenient reads of FHIR elements: real clients send objects for lists, half dates and bare strings.

Nothing here raises on bad data: what cannot be read is None or left out, and the caller says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from cds_service.fhir.codes import Coding
from cds_service.fhir.systems import CodeSystems

_LONGEST_TEXT = 2_000  # characters read of any one text
_LARGEST = Decimal(10) ** 15
_SMALLEST = Decimal(10) ** -15
_LONGEST_NUMBER = 40  # characters


class Amount(NamedTuple):
    """A FHIR Quantity: `unit` is the UCUM code when there is one, else the unit as people read it."""

    value: Decimal
    unit: str | None


class Period(NamedTuple):
    """A FHIR Period read by day; None where the side is open or unreadable."""

    start: date | None
    end: date | None


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; of an object where a list is due; nothing for anything else."""
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return []


def first(value: object) -> Mapping[str, Any]:
    """The first object of a list, or the object itself; empty when there is none."""
    found = objects(value)
    return found[0] if found else {}


def text(value: object) -> str | None:
    """A string without surrounding blanks, cut at 2,000 characters; None when empty or no string."""
    if not isinstance(value, str):
        return None
    return value[:_LONGEST_TEXT].strip() or None


def codings(value: object, systems: CodeSystems) -> tuple[Coding, ...]:
    """Codings of a CodeableConcept, a Coding, or lists of either (FHIR R4 2.24.0.5), in their order."""
    found: dict[Coding, None] = {}
    for concept in objects(value):
        inner = concept.get("coding")
        for raw in objects(inner) if inner is not None else [concept]:
            coding = systems.coding(raw)
            if coding is not None:
                found[coding] = None
    return tuple(found)


def texts(value: object) -> tuple[str, ...]:
    """Every text and display of a CodeableConcept, a Coding, a string, or lists of them, without repeats."""
    found: dict[str, None] = {}
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            for candidate in (item.get("text"), item.get("display")):
                found[text(candidate) or ""] = None
            for raw in objects(item.get("coding")):
                found[text(raw.get("display")) or ""] = None
        else:
            found[text(item) or ""] = None
    found.pop("", None)
    return tuple(found)


def codes(value: object) -> tuple[str, ...]:
    """Lower-case codes of a code element that may come as string, Coding, CodeableConcept or list of them."""
    found: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            found.append(item.strip().lower())
        elif isinstance(item, dict):
            inner = item.get("coding")
            for raw in objects(inner) if inner is not None else [item]:
                code = raw.get("code")
                if isinstance(code, str):
                    found.append(code.strip().lower())
    return tuple(code for code in found if code)


def full_date(value: object) -> date | None:
    """The calendar day of a date, dateTime or instant as written, without time-zone shift.

    None for partial dates ("2024-06") and for anything that is no date ("Invalid date").
    """
    if not isinstance(value, str):
        return None
    value = value.strip()
    if len(value) > 10 and value[10] not in "T ":
        return None
    try:
        return date.fromisoformat(value[:10]) if len(value) >= 10 else None
    except ValueError:
        return None


def period(value: object) -> Period:
    """The days of a FHIR Period; both None when it is none."""
    if not isinstance(value, dict):
        return Period(None, None)
    return Period(full_date(value.get("start")), full_date(value.get("end")))


def number(value: object) -> Decimal | None:
    """A JSON number, or a string that holds one, as Decimal; None when absurdly large or no number."""
    if type(value) is int:
        return Decimal(value) if -_LARGEST <= value <= _LARGEST else None
    if not isinstance(value, float | str | Decimal):
        return None
    written = str(value).strip()
    if len(written) > _LONGEST_NUMBER:
        return None
    try:
        found = Decimal(written)
    except InvalidOperation:
        return None
    if not found.is_finite() or abs(found) > _LARGEST or (found and abs(found) < _SMALLEST):
        return None
    return found


def amount(value: object) -> Amount | None:
    """A FHIR Quantity or Duration; None without a readable number, or when it says "<" or ">" of it."""
    if not isinstance(value, dict) or value.get("comparator"):
        return None
    found = number(value.get("value"))
    if found is None:
        return None
    code, unit, system = text(value.get("code")), text(value.get("unit")), text(value.get("system"))
    is_ucum = system is None or "unitsofmeasure" in system
    return Amount(found, code if code and is_ucum else unit or code)
