"""The criteria tree, read from the logic of a conclusion."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cds_service.cql import CompiledLibrary
from cds_service.policies.criteria import criteria_tree, criterion_id, leaves
from cds_service.policies.errors import CatalogueError
from cds_service.policies.model import Connective, CriteriaGroup, CriteriaNode, Criterion

Elm = dict[str, Any]


def ref(name: str, library: str | None = None) -> Elm:
    return {"type": "ExpressionRef", "name": name} | ({"libraryName": library} if library else {})


def both(left: Elm, right: Elm) -> Elm:
    return {"type": "And", "operand": [left, right]}


def either(left: Elm, right: Elm) -> Elm:
    return {"type": "Or", "operand": [left, right]}


def inverse(operand: Elm) -> Elm:
    return {"type": "Not", "operand": operand}


FACT: Elm = {"type": "Exists", "operand": {"type": "Retrieve"}}


def tree(**definitions: Elm | tuple[Elm, dict[str, str]]) -> CriteriaNode:
    found = {}
    for name, given in definitions.items():
        elm, tags = given if isinstance(given, tuple) else (given, {})
        found[name] = SimpleNamespace(name=name, elm=elm, tags=tags)
    library = cast("CompiledLibrary", SimpleNamespace(name="Test", definitions=found))
    return criteria_tree(library, "Covered")


def shape(node: CriteriaNode) -> Any:
    if isinstance(node, Criterion):
        return node.name
    return (node.connective.value, *(shape(child) for child in node.children))


def test_and_and_or_become_the_documents_own_lists() -> None:
    found = tree(
        Covered=both(both(ref("A"), ref("Any")), ref("B")), Any=either(either(ref("C"), ref("D")), ref("E")),
        A=FACT, B=FACT, C=FACT, D=FACT, E=FACT,
    )  # fmt: skip
    assert shape(found) == ("all of", "A", ("any of", "C", "D", "E"), "B")


def test_a_named_group_keeps_its_name_and_its_place_in_the_document() -> None:
    found = tree(
        Covered=both(ref("A"), ref("Any")), Any=(either(ref("B"), ref("B")), {"cite": "2"}), A=FACT, B=FACT
    )
    assert isinstance(found, CriteriaGroup)
    group = found.children[1]
    assert isinstance(group, CriteriaGroup)
    assert (found.name, group.name, group.cite, group.connective) == ("Covered", "Any", "2", Connective.ANY)


def test_a_nested_list_of_the_same_kind_stays_a_list_of_its_own_when_it_has_a_name() -> None:
    found = tree(Covered=both(ref("A"), ref("Both")), Both=both(ref("B"), ref("C")), A=FACT, B=FACT, C=FACT)
    assert shape(found) == ("all of", "A", ("all of", "B", "C"))


def test_negation_stays_visible() -> None:
    assert shape(tree(Covered=both(ref("A"), inverse(ref("B"))), A=FACT, B=FACT)) == (
        "all of",
        "A",
        ("not", "B"),
    )


def test_a_question_makes_a_leaf_of_anything() -> None:
    found = tree(
        Covered=both(ref("A"), ref("B")), A=(either(ref("B"), ref("C")), {"question": "A?"}), B=FACT, C=FACT
    )
    assert shape(found) == ("all of", "A", "B")


def test_a_leaf_carries_its_tags() -> None:
    tags = {
        "question": "BMI?",
        "cite": "3",
        "answer": "quantity",
        "unit": "kg/m2",
        "documentation": "chart notes",
    }
    assert tree(Covered=(FACT, tags)) == Criterion(
        "covered", "Covered", "3", "BMI?", "quantity", "kg/m2", "chart notes"
    )


def test_a_conclusion_that_is_no_logic_is_a_leaf() -> None:
    assert shape(tree(Covered={"type": "Literal", "value": "false"})) == "Covered"


def test_another_name_for_a_criterion_is_that_criterion() -> None:
    assert shape(tree(Covered=ref("A"), A=FACT)) == "A"


def test_definitions_of_other_libraries_are_facts_and_no_criteria() -> None:
    assert shape(tree(Covered=ref("A", "Common"))) == "Covered"
    assert shape(tree(Covered=both(ref("A", "Common"), ref("B", "Common")))) == "Covered"


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        ({"Covered": ref("Nowhere")}, "does not define 'Nowhere'"),
        ({"Covered": both(ref("A"), FACT), "A": FACT}, "mixes named criteria with bare logic"),
        ({"Covered": both(ref("A"), ref("B", "Common")), "A": FACT}, "mixes named criteria with bare logic"),
        ({"Covered": ref("A"), "A": ref("Covered")}, "refers to itself"),
        ({"Covered": (FACT, {"answer": "maybe"})}, "@answer 'maybe'"),
        ({"Covered": both(ref("A b"), ref("A-b")), "A b": FACT, "A-b": FACT}, "same id"),
    ],
)
def test_what_cannot_be_a_tree_is_refused(definitions: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        tree(**definitions)


def test_leaves_come_in_the_order_of_the_document() -> None:
    found = tree(Covered=either(ref("B"), both(ref("A"), ref("B"))), A=FACT, B=FACT)
    assert [leaf.name for leaf in leaves(found)] == ["B", "A", "B"]


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("Body mass index is at most 40 kg/m2", "body-mass-index-is-at-most-40-kg-m2"),
        ("  Émile's criterion! ", "emile-s-criterion"),
    ],
)
def test_ids_are_fit_for_addresses(name: str, identity: str) -> None:
    assert criterion_id(name) == identity
