"""Reading one element of FHIR data that may be invalid: from JSON value to JSON value, never raising.

Real clients send an object where a list is due, a list where one object is due, and wrong types. A single
value counts as a list of one and a list of one as its value; a value of the wrong type is UNREADABLE.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from cds_service.cql.compiler.choices import UNREADABLE, Chosen
from cds_service.cql.compiler.model_info import fhir_model
from cds_service.cql.values.numbers import INTEGER_MAX, INTEGER_MIN
from cds_service.cql.values.temporal import Date, DateTime, Time

Reader = Callable[[Any], Any]

_NUMBERS: Final = (int, float, Decimal)
# JSON classes that a FHIR primitive may have, by the CQL type of its value.
_JSON_CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "System.Boolean": (bool,),
    "System.Integer": (int,),
    "System.Decimal": _NUMBERS,
    "System.String": (str,),
    "System.Date": (str,),
    "System.DateTime": (str,),
    "System.Time": (str,),
}


def choice_key(element: str, type_name: str) -> str:
    """JSON key of one alternative: ("value", "dateTime") -> "valueDateTime"."""
    return element + type_name[0].upper() + type_name[1:]


def to_primitive(value: Any, system_type: str) -> Any:
    """CQL value of a FHIR primitive; None when the JSON value is not one (FHIR R4, data types).

    JSON numbers become Decimal through their text, so that 40.1 stays 40.1.
    """
    allowed = _JSON_CLASSES.get(system_type)
    if allowed is None or value.__class__ not in allowed:
        return None
    parse = _PARSERS.get(system_type)
    if parse is None:
        return value
    try:
        return parse(value)
    except (ValueError, ArithmeticError):
        return None


def _decimal(value: Any) -> Decimal | None:
    number = value if value.__class__ is Decimal else Decimal(str(value))
    return number if number.is_finite() else None


def _integer(value: int) -> int | None:
    return value if INTEGER_MIN <= value <= INTEGER_MAX else None


_PARSERS: Final[dict[str, Callable[[Any], Any]]] = {
    "System.Decimal": _decimal,
    "System.Integer": _integer,
    "System.Date": Date.parse,
    "System.DateTime": DateTime.parse,
    "System.Time": Time.parse,
}


def element_reader(element: str, type_name: str) -> Reader:
    """Reader of one element by its type in the FHIR model ("[]Coding", "dateTime|Period", "Quantity")."""
    if type_name.startswith("[]"):
        return _list_reader(element, _accepts(type_name[2:]))
    if "|" in type_name:
        return _choice_reader(element, type_name.split("|"))
    return _single_reader(element, _accepts(type_name))


def alternative_reader(element: str, type_name: str) -> Reader:
    """Reader of one alternative of a choice element: ("value", "Quantity") reads `valueQuantity`."""
    return _single_reader(choice_key(element, type_name), _accepts(type_name))


def _accepts(type_name: str) -> tuple[type, ...]:
    """The JSON classes of a FHIR type: dict for classes, otherwise those of the primitive."""
    system_type = type_name if type_name.startswith("System.") else fhir_model().primitive(type_name)
    if system_type is None:
        return (dict,)
    return _JSON_CLASSES.get(system_type, (str,))


def _single_reader(key: str, classes: tuple[type, ...]) -> Reader:
    def read(source: Any) -> Any:
        if source.__class__ is not dict:
            return None
        value = source.get(key)
        if value is None or value.__class__ in classes:
            return value
        if value.__class__ is list and len(value) == 1 and value[0].__class__ in classes:
            return value[0]
        return None if value == [] else UNREADABLE

    return read


def _list_reader(key: str, classes: tuple[type, ...]) -> Reader:
    def read(source: Any) -> Any:
        if source.__class__ is not dict:
            return None
        value = source.get(key)
        if value.__class__ is list:
            return [item if item.__class__ in classes else UNREADABLE for item in value if item is not None]
        if value is None:
            return None
        return [value if value.__class__ in classes else UNREADABLE]

    return read


def _choice_reader(element: str, alternatives: list[str]) -> Reader:
    readers = tuple((choice_key(element, one), one, alternative_reader(element, one)) for one in alternatives)

    def read(source: Any) -> Any:
        if source.__class__ is not dict:
            return None
        for key, type_name, reader in readers:
            if key in source:
                value = reader(source)
                if value is not None:
                    return Chosen(type_name, value)
        return None

    return read


def value_reader(system_type: str) -> Reader:
    """Reader of `.value` of a FHIR primitive: its CQL value, None for data that cannot be read."""
    return lambda source: None if source is None else to_primitive(source, system_type)
