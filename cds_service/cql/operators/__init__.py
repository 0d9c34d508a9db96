"""The operators of CQL over evaluated operands, by the name of their ELM node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cds_service.cql.operators.operands import OPERAND_NAMES, PRECISION_OPERATORS, TYPE_OPERATORS

OPERATORS: dict[str, Callable[..., Any]] = {}

__all__ = ["OPERAND_NAMES", "OPERATORS", "PRECISION_OPERATORS", "TYPE_OPERATORS"]
