"""What the compiler relies on: every operator is callable as the tables say."""

from __future__ import annotations

import inspect
from decimal import Decimal
from typing import Any

import pytest

from cds_service.cql.operators import OPERAND_NAMES, OPERATORS, PRECISION_OPERATORS, TYPE_OPERATORS
from cds_service.cql.values import Date, DateTime, Interval, Quantity


def test_the_tables_name_known_operators() -> None:
    assert OPERAND_NAMES.keys() | PRECISION_OPERATORS | TYPE_OPERATORS.keys() <= OPERATORS.keys()


@pytest.mark.parametrize("name", sorted(OPERAND_NAMES))
def test_named_operands_are_positional_parameters(name: str) -> None:
    signature = inspect.signature(OPERATORS[name])
    signature.bind(*OPERAND_NAMES[name])


@pytest.mark.parametrize("name", sorted(PRECISION_OPERATORS))
def test_precision_is_a_keyword(name: str) -> None:
    assert inspect.signature(OPERATORS[name]).parameters["precision"].kind is inspect.Parameter.KEYWORD_ONLY


D = Decimal
SPAN = Interval(1, 5)
DAY = Date(2024, 5, 17)

# Operators that give null as soon as one of these operands is null.
STRICT: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(
        ("Add", "Subtract", "Multiply", "Divide", "TruncatedDivide", "Modulo", "Power", "Log"), (8, 2)
    ),
    **dict.fromkeys(("Negate", "Abs", "Successor", "Predecessor"), (5,)),
    **dict.fromkeys(("Ceiling", "Floor", "Truncate", "Round", "Exp", "Ln", "Precision"), (D("1.5"),)),
    **dict.fromkeys(("LowBoundary", "HighBoundary"), (D("1.5"),)),
    **dict.fromkeys(("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "NotEqual"), (1, 2)),
    **dict.fromkeys(
        ("Concatenate", "StartsWith", "EndsWith", "Matches", "PositionOf", "LastPositionOf"), ("a", "b")
    ),
    "ReplaceMatches": ("a", "a", "b"),
    "Substring": ("ab", 1),
    "Split": ("a,b",),
    "SplitOnMatches": ("a,b",),
    "Indexer": ([1], 0),
    **dict.fromkeys(("Start", "End", "Width", "Size"), (SPAN,)),
    "PointFrom": (Interval(1, 1),),
    **dict.fromkeys(
        (
            "Overlaps",
            "OverlapsBefore",
            "OverlapsAfter",
            "Meets",
            "MeetsBefore",
            "MeetsAfter",
            "Starts",
            "Ends",
        ),
        (SPAN, SPAN),
    ),
    **dict.fromkeys(("Before", "After", "SameAs", "SameOrBefore", "SameOrAfter"), (DAY, DAY)),
    **dict.fromkeys(
        ("Includes", "IncludedIn", "ProperIncludes", "ProperIncludedIn", "Intersect"), (SPAN, SPAN)
    ),
    **dict.fromkeys(("DurationBetween", "DifferenceBetween", "CalculateAgeAt"), (DAY, DAY)),
    **dict.fromkeys(("DateFrom", "TimeFrom", "TimezoneOffsetFrom"), (DateTime(2024, 5, 17, 10, 0, 0, 0),)),
    "ConvertQuantity": (Quantity(D(1), "mg"), "g"),
    "CanConvertQuantity": (Quantity(D(1), "mg"), "g"),
    "Collapse": ([SPAN],),
    "Expand": ([SPAN],),
    "Times": ([], []),
}


@pytest.mark.parametrize("name", STRICT)
def test_a_null_operand_gives_null(name: str) -> None:
    operands = STRICT[name]
    assert OPERATORS[name](*operands) is not None
    for position in range(len(operands)):
        assert OPERATORS[name](*operands[:position], None, *operands[position + 1 :]) is None
