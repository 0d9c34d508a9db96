"""Importing this module registers every compile function and type rule."""

from cds_service.cql.compiler import (
    aggregates,
    conditionals,
    conversions,
    generic,
    lists,
    logic,
    properties,
    queries,
    references,
    retrieve,
    selectors,
    shortcuts,
    terminology,
)
from cds_service.cql.compiler.body import HANDLERS
from cds_service.cql.operators import OPERATORS

__all__ = [
    "aggregates",
    "conditionals",
    "conversions",
    "generic",
    "lists",
    "logic",
    "properties",
    "queries",
    "references",
    "retrieve",
    "selectors",
    "shortcuts",
    "terminology",
]

for _name in OPERATORS:
    HANDLERS.setdefault(_name, generic.operator)
