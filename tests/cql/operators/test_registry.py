"""What the compiler relies on: every operator is callable as the tables say."""

from __future__ import annotations

import inspect

import pytest

from cds_service.cql.operators import OPERAND_NAMES, OPERATORS, PRECISION_OPERATORS, TYPE_OPERATORS


def test_the_tables_name_known_operators() -> None:
    assert OPERAND_NAMES.keys() | PRECISION_OPERATORS | TYPE_OPERATORS.keys() <= OPERATORS.keys()


@pytest.mark.parametrize("name", sorted(OPERAND_NAMES))
def test_named_operands_are_positional_parameters(name: str) -> None:
    signature = inspect.signature(OPERATORS[name])
    signature.bind(*OPERAND_NAMES[name])


@pytest.mark.parametrize("name", sorted(PRECISION_OPERATORS))
def test_precision_is_a_keyword(name: str) -> None:
    assert inspect.signature(OPERATORS[name]).parameters["precision"].kind is inspect.Parameter.KEYWORD_ONLY
