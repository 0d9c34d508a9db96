"""Loading ELM: whatever the engine does not know is an error with its place, never silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cds_service.cql import CompileError, LibraryRegistry
from tests.cql.sample import chart_library, elm, registry


def library(expression: dict[str, Any], **sections: Any) -> dict[str, Any]:
    definition = {"name": "Criterion", "locator": "7:1-8:20", "context": "Patient", "expression": expression}
    return {
        "library": {
            "identifier": {"id": "Policy", "version": "1"},
            "statements": {"def": [definition]},
            **sections,
        }
    }


def literal(value: int) -> dict[str, Any]:
    return {
        "type": "Literal",
        "valueType": "{urn:hl7-org:elm-types:r1}Integer",
        "value": str(value),
        "locator": "8:3-8:4",
    }


def refusal(document: dict[str, Any]) -> CompileError:
    with pytest.raises(CompileError) as raised:
        LibraryRegistry().add(document)
    return raised.value


def test_an_unknown_node_is_refused_with_library_definition_and_locator() -> None:
    error = refusal(library({"type": "Telepathy", "locator": "8:3-8:12"}))
    assert (error.library, error.definition, error.locator) == ("Policy|1", "Criterion", "8:3-8:12")
    assert "Telepathy" in error.message


def test_a_node_without_locator_is_placed_by_the_one_around_it() -> None:
    error = refusal(library({"type": "Not", "locator": "8:1-8:9", "operand": {"type": "Telepathy"}}))
    assert error.locator == "8:1-8:9"


@pytest.mark.parametrize(
    "expression",
    [
        {"type": "ExpressionRef", "name": "Nowhere"},
        {"type": "ExpressionRef", "name": "X", "libraryName": "Elsewhere"},
        {"type": "FunctionRef", "name": "Nothing", "operand": []},
        {"type": "ParameterRef", "name": "Nothing"},
        {"type": "ValueSetRef", "name": "Nothing"},
        {"type": "CodeRef", "name": "Nothing"},
        {"type": "AliasRef", "name": "X"},
        {"type": "SubsumedBy", "operand": []},
        {"type": "Descendents", "source": {"type": "Retrieve", "dataType": "{http://hl7.org/fhir}Patient"}},
        {"type": "Retrieve", "dataType": "{http://hl7.org/fhir}Hovercraft"},
        {"type": "Retrieve", "dataType": "{urn:hl7-org:elm-types:r1}Integer"},
        {"type": "Retrieve", "dataType": "{http://hl7.org/fhir}Observation", "include": [{"x": 1}]},
        {"type": "Literal", "valueType": "{urn:hl7-org:elm-types:r1}Integer", "value": "many"},
        {"type": "Sum", "source": {"type": "List", "element": []}, "path": "value"},
        {"type": "Convert", "operand": {"type": "Null"}, "toType": "{urn:hl7-org:elm-types:r1}Code"},
    ],
)
def test_unresolved_names_and_unsupported_forms_are_refused(expression: dict[str, Any]) -> None:
    assert refusal(library(expression)).definition == "Criterion"


def test_an_attribute_that_would_be_ignored_is_refused() -> None:
    expression = {"type": "Negate", "operand": literal(1), "mood": "subjunctive"}
    assert "mood" in refusal(library(expression)).message


def test_an_unresolved_include_is_refused() -> None:
    error = refusal(
        library(
            literal(1),
            includes={
                "def": [{"localIdentifier": "C", "path": "Common", "version": "9", "locator": "3:1-3:9"}]
            },
        )
    )
    assert "Common" in error.message
    assert (error.library, error.locator) == ("Policy", "3:1-3:9")


def test_an_include_of_another_version_is_refused() -> None:
    libraries = registry("Shared")
    document = elm("Chart")
    for include in document["library"]["includes"]["def"]:
        if include["path"] == "Shared":
            include["version"] = "2.0.0"
    with pytest.raises(CompileError, match=r"version 2\.0\.0"):
        libraries.add(document)


def test_elm_that_the_translator_found_wrong_is_refused() -> None:
    note = {
        "type": "CqlToElmError",
        "errorSeverity": "error",
        "message": "nonsense",
        "startLine": 4,
        "startChar": 2,
    }
    error = refusal(library(literal(1), annotation=[note]))
    assert "nonsense" in error.message
    assert error.locator == "4:2"


def test_another_model_is_refused() -> None:
    using = {"localIdentifier": "QDM", "uri": "urn:healthit-gov:qdm:v5_4", "version": "5.4"}
    assert "QDM" in refusal(library(literal(1), usings={"def": [using]})).message


def test_something_that_is_no_library_is_refused() -> None:
    assert "identifier" in refusal({"resourceType": "Library"}).message


def test_an_unknown_element_of_a_fhir_class_is_refused() -> None:
    document = elm("Shared")
    text = json.dumps(document).replace('"path": "id"', '"path": "nickname"')
    with pytest.raises(CompileError, match="Patient has no element nickname"):
        registry().add(json.loads(text))


def test_tags_of_a_definition_come_from_its_comment_with_wrapped_lines_joined() -> None:
    tags = chart_library().definitions["Is an adult"].tags
    assert dict(tags) == {
        "cite": "Section 2, Adults",
        "question": "Is the patient at least 18 years old?",
        "answer": "boolean",
    }


def test_a_definition_shows_its_place_access_and_raw_expression() -> None:
    definition = chart_library().definitions["Decided"]
    assert definition.elm["type"] == "And"
    assert definition.locator is not None
    assert definition.access == "Public"
    assert chart_library().definitions["Birth date"].access == "Private"


def test_a_library_shows_its_value_sets_and_includes() -> None:
    assert chart_library().value_sets["Body mass index"] == "https://example.org/ValueSet/bmi"
    assert chart_library().includes["Shared"].name == "Shared"
