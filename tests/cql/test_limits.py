"""Runaway rules end in an error with a place, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.cql import CompiledLibrary, CqlRuntimeError, LibraryRegistry
from tests.cql.sample import Chart, bmi, evaluate, functions_library

INTEGER = "{urn:hl7-org:elm-types:r1}Integer"


def recursive(branches: int) -> CompiledLibrary:
    """A function that calls itself `branches` times with one less, and never stops by itself."""
    operand = {"type": "OperandRef", "name": "n", "resultTypeName": INTEGER}
    less = {
        "type": "Subtract",
        "operand": [operand, {"type": "Literal", "valueType": INTEGER, "value": "1"}],
    }
    call: dict[str, Any] = {"type": "FunctionRef", "name": "Deeper", "operand": [less], "locator": "5:1-5:9"}
    body = call if branches == 1 else {"type": "Add", "operand": [call, call]}
    stop = {"type": "Literal", "valueType": INTEGER, "value": "0"}
    function = {
        "type": "FunctionDef",
        "name": "Deeper",
        "operand": [{"name": "n", "operandTypeSpecifier": {"type": "NamedTypeSpecifier", "name": INTEGER}}],
        "expression": {
            "type": "If",
            "condition": {"type": "LessOrEqual", "operand": [operand, stop]},
            "then": stop,
            "else": body,
        },
    }
    start = {"type": "Literal", "valueType": INTEGER, "value": "1000000" if branches == 1 else "60"}
    definition = {"name": "Start", "expression": call | {"operand": [start]}}
    return LibraryRegistry().add(
        {"library": {"identifier": {"id": "R"}, "statements": {"def": [function, definition]}}}
    )


@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("branches", [1, 2])
def test_recursion_without_end_is_an_error(branches: int, trace: bool) -> None:
    with pytest.raises(CqlRuntimeError) as raised:
        evaluate(library=recursive(branches), trace=trace, work_limit=20_000).value("Start")
    assert raised.value.library == "R"
    assert raised.value.definition in ("Deeper", "Start")


def test_definitions_that_need_each_other_are_an_error() -> None:
    def refer(name: str, other: str) -> dict[str, Any]:
        return {"name": name, "expression": {"type": "ExpressionRef", "name": other}}

    loop = {"library": {"identifier": {"id": "L"}, "statements": {"def": [refer("A", "B"), refer("B", "A")]}}}
    with pytest.raises(CqlRuntimeError, match="deep") as raised:
        evaluate(library=LibraryRegistry().add(loop)).value("A")
    assert raised.value.library == "L"


@pytest.mark.parametrize("trace", [False, True])
def test_a_product_of_long_lists_is_an_error(trace: bool) -> None:
    evaluation = evaluate(
        library=functions_library(), parameters={"Size": 300}, trace=trace, work_limit=20_000
    )
    with pytest.raises(CqlRuntimeError, match="work limit") as raised:
        evaluation.value("Uses many")
    assert raised.value.definition == "Crowd"
    assert raised.value.locator is not None


def test_a_large_chart_is_no_problem() -> None:
    chart = Chart(*(bmi(str(number), 39, "2024-01-01") for number in range(5000)))
    assert evaluate(chart).value("Latest is at most 40") is True


def test_a_chart_beyond_all_measure_is_an_error() -> None:
    chart = Chart(*([bmi("same", 39, "2024-01-01")] * 600_000))
    with pytest.raises(CqlRuntimeError, match="work limit"):
        evaluate(chart).value("Latest is at most 40")
