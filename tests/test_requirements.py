"""docs/requirements.md is generated, current, and leaves no binding statement open."""

from __future__ import annotations

import re

import pytest

from tests.requirements import TABLE, Family, families, proven, status, table

FAMILIES = families()


def test_the_table_of_requirements_is_current() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "run: python -m tests.requirements"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.prefix)
def test_every_binding_statement_has_a_test_or_an_explanation(family: Family) -> None:
    open_still = [
        each.key for each in family.statements.values() if each.binding and status(each) == "no test"
    ]
    assert open_still == []


def test_every_marker_names_a_statement_on_file() -> None:
    listed = {key for family in FAMILIES for key in family.statements}
    prefixes = {family.prefix for family in FAMILIES}
    assert {key for key in proven() if key.partition("@")[0] in prefixes} <= listed


def test_an_explanation_says_why_and_where() -> None:
    for family in FAMILIES:
        for each in family.statements.values():
            if each.explanation is not None:
                kind, text = each.explanation
                assert text.endswith("."), each.key
                assert kind != "where" or re.search(r"\]\(\S+\)|on this page", text), each.key


def test_every_statement_of_crd_on_a_server_is_listed() -> None:
    """CRD 2.2.1 numbers 144; the list for 2.0.1 has 91 binding ones."""
    listed = {family.prefix: family.statements for family in FAMILIES}
    assert len(listed["crd-2.2.1"]) == 144
    assert sum(each.binding for each in listed["crd-2.0.1"].values()) == 91


def test_the_primary_promise_of_order_sign_is_proven() -> None:
    assert {"crd-2.2.1@resp-25", "crd-2.2.1@resp-29", "crd-2.2.1@resp-37"} <= proven().keys()
