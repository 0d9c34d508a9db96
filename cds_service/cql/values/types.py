"""System types of values at run time, for `is`, `as` and the choice of an overload."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from cds_service.cql.values.clinical import Code, CodeSystemReference, Concept, ValueSetReference
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.numbers import Long
from cds_service.cql.values.quantity import Quantity, Ratio
from cds_service.cql.values.temporal import Date, DateTime, Time
from cds_service.cql.values.tuples import CqlTuple
from cds_service.cql.values.uncertain import Uncertain

ELM_TYPES = "{urn:hl7-org:elm-types:r1}"

_NAMES: dict[type, str] = {
    bool: "System.Boolean",
    int: "System.Integer",
    Long: "System.Long",
    Decimal: "System.Decimal",
    float: "System.Decimal",
    str: "System.String",
    Date: "System.Date",
    DateTime: "System.DateTime",
    Time: "System.Time",
    Quantity: "System.Quantity",
    Ratio: "System.Ratio",
    Code: "System.Code",
    Concept: "System.Concept",
    ValueSetReference: "System.ValueSet",
    CodeSystemReference: "System.CodeSystem",
    Interval: "Interval",
    CqlTuple: "Tuple",
    list: "List",
    dict: "FHIR",
}

_TESTS: dict[str, Callable[[Any], bool]] = {
    "System.Any": lambda value: True,
    "System.Vocabulary": lambda value: isinstance(value, ValueSetReference | CodeSystemReference),
}


def system_type(name: str) -> str:
    """`System.Integer` for `{urn:hl7-org:elm-types:r1}Integer`; other names unchanged."""
    return f"System.{name.removeprefix(ELM_TYPES)}" if name.startswith(ELM_TYPES) else name


def type_name(value: Any) -> str:
    """The name of a value's type: "System.Integer", ...; "Interval", "List", "Tuple", "FHIR" (a plain dict).

    None is "System.Any".
    """
    if value is None:
        return "System.Any"
    if isinstance(value, Uncertain):
        return type_name(value.low)
    return _NAMES.get(type(value), type(value).__name__)


def is_type(value: Any, name: str) -> bool:
    """Whether a value is of a System type, by its ELM or plain name; null is of no type (CQL 1.5, Is)."""
    if value is None:
        return False
    wanted = system_type(name)
    test = _TESTS.get(wanted)
    return test(value) if test is not None else type_name(value) == wanted
