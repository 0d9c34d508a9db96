"""CQL values in the one form in which the two engines are compared (see `encode` in execute.mjs)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cds_service.cql.values.clinical import Code, Concept
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date, DateTime, Time
from cds_service.cql.values.tuples import CqlTuple
from cds_service.cql.values.uncertain import Uncertain


def encode(value: Any) -> Any:
    """JSON for a value; tags keep equal texts of two types apart. Raises TypeError for unknown types."""
    match value:
        case None | bool() | str():
            return value
        case int() | float() | Decimal():
            return {"number": number(value)}
        case CqlTuple():
            return {"tuple": {key: encode(value[key]) for key in sorted(value)}}
        case Mapping():
            if "resourceType" in value:
                return {"resource": f"{value['resourceType']}/{value.get('id')}"}
            return {"fhir": value}
        case list() | tuple():
            return [encode(each) for each in value]
        case Date():
            return {"date": str(value)}
        case DateTime():
            return {"dateTime": date_time(value)}
        case Time():
            return {"time": str(value)}
        case _:
            return _encode_structure(value)


def _encode_structure(value: Any) -> Any:
    match value:
        case Quantity():
            return {"quantity": [number(value.value), value.unit]}
        case Code():
            return {"code": [value.system, value.code]}
        case Concept():
            return {"concept": [encode(each) for each in value.codes]}
        case Uncertain():
            return {"uncertain": [encode(value.low), encode(value.high)]}
        case Interval():
            closed = [value.low_closed, value.high_closed]
            return {"interval": [encode(value.low), encode(value.high)], "closed": closed}
    raise TypeError(f"no encoding for {type(value).__name__}")


def number(value: float | Decimal) -> str:
    """Eight decimal places at most: a Decimal of CQL, whatever the engine counts with."""
    rounded = Decimal(str(value)).quantize(Decimal("1E-8"), rounding=ROUND_HALF_UP)
    text = format(rounded, "f").rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def date_time(value: DateTime) -> str:
    """The time in UTC when the hour is known, to the precision that it has, without its offset."""
    length = len(value.parts)
    if length <= 3:
        return str(value)
    full = [*value.parts, 0, 0, 0][:7]
    year, month, day, hour, minute, second, _ = full
    moment = datetime(year, month, day, hour, minute, second) - timedelta(
        minutes=value.effective_offset_minutes
    )
    parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, full[6])
    return str(DateTime(*parts[:length]))
