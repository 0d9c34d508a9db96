"""The values that CQL expressions work on."""

from cds_service.cql.values.clinical import Code, CodeSystemReference, Concept, ValueSetReference
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.numbers import Long
from cds_service.cql.values.quantity import Quantity, Ratio
from cds_service.cql.values.temporal import Date, DateTime, Temporal, Time
from cds_service.cql.values.tuples import CqlTuple
from cds_service.cql.values.uncertain import Uncertain

__all__ = [
    "Code",
    "CodeSystemReference",
    "Concept",
    "CqlTuple",
    "Date",
    "DateTime",
    "Interval",
    "Long",
    "Quantity",
    "Ratio",
    "Temporal",
    "Time",
    "Uncertain",
    "ValueSetReference",
]
