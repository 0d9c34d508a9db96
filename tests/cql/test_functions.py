"""Functions and their overloads, casts and conversions."""

from __future__ import annotations

import pytest

from cds_service.cql import CompileError, CqlRuntimeError, LibraryRegistry
from tests.cql.sample import Chart, elm, evaluate, functions_library


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ("Kind of integer", "integer"),
        ("Kind of string", "string"),
        ("Kind of decimal", "decimal"),
        ("Kind of list", "list of integers"),
        ("Kind of interval", "interval of dates"),
        ("Kind of two", "two integers"),
        ("Scaled", 24),
        ("Cast", 1),
        ("Converted", 5),
        ("Not converted", None),
        ("Divided by nothing", None),
    ],
)
def test_value(definition: str, kind: object) -> None:
    assert evaluate(library=functions_library()).value(definition) == kind


def test_overloads_are_chosen_by_operand_types_when_there_is_no_signature() -> None:
    document = elm("Functions")
    for definition in document["library"]["statements"]["def"]:
        definition.get("expression", {}).pop("signature", None)
    library = LibraryRegistry().add(document)
    assert evaluate(library=library).value("Kind of decimal") == "decimal"
    assert evaluate(library=library).value("Kind of list") == "list of integers"


def test_a_call_without_a_fitting_overload_is_refused_at_load() -> None:
    document = elm("Functions")
    statements = document["library"]["statements"]["def"]
    text = "{urn:hl7-org:elm-types:r1}String"
    kept = [
        one
        for one in statements
        if one.get("operand", [{}])[0].get("operandTypeSpecifier", {}).get("name") != text
    ]
    document["library"]["statements"]["def"] = kept
    with pytest.raises(CompileError, match="0 matching overloads") as raised:
        LibraryRegistry().add(document)
    assert raised.value.definition == "Kind of string"


def test_a_strict_cast_of_another_type_is_an_error() -> None:
    with pytest.raises(CqlRuntimeError, match=r"System.Integer cannot be cast to System.String"):
        evaluate(library=functions_library()).value("Strict")


def test_an_error_of_an_operator_names_its_place() -> None:
    with pytest.raises(CqlRuntimeError) as raised:
        evaluate(Chart(), library=functions_library()).value("Successor of the last")
    error = raised.value
    assert (error.library, error.definition) == ("Functions|1.0.0", "Successor of the last")
    assert error.locator is not None
