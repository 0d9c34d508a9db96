"""The operators of CQL over evaluated operands, by the name of their ELM node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cds_service.cql.operators import (
    aggregates,
    arithmetic,
    boundaries,
    bounds,
    comparison,
    conversion,
    durations,
    equality,
    expand,
    interval_sets,
    intervals,
    lists,
    logic,
    membership,
    numeric,
    relations,
    sets,
    steps,
    strings,
    temporal,
)
from cds_service.cql.operators.operands import OPERAND_NAMES, PRECISION_OPERATORS, TYPE_OPERATORS

_MODULES = (
    aggregates,
    arithmetic,
    boundaries,
    bounds,
    comparison,
    conversion,
    durations,
    equality,
    expand,
    interval_sets,
    intervals,
    lists,
    logic,
    membership,
    numeric,
    relations,
    sets,
    steps,
    strings,
    temporal,
)

OPERATORS: dict[str, Callable[..., Any]] = {
    name: operator for module in _MODULES for name, operator in vars(module)["OPERATORS"].items()
}

__all__ = ["OPERAND_NAMES", "OPERATORS", "PRECISION_OPERATORS", "TYPE_OPERATORS"]
