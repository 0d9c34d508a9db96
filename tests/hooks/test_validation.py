"""Both schema libraries say the same of the same request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.hooks.errors import RequestError
from cds_service.hooks.validation import check, element_path, load_schema, pure_python_finder
from tests.hooks.requests import hook_request, replaced

PURE_PYTHON = pure_python_finder(load_schema("order-sign"))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PATHS = st.sampled_from(
    ["hook", "context", "context.draftOrders", "context.draftOrders.entry", "context.draftOrders.entry.0"]
)


def said(document: Any, find: Any = None) -> tuple[str, set[str]] | None:
    try:
        check(document, "order-sign", find)
    except RequestError as error:
        return error.code if len(error.expressions) < 2 else "", set(error.expressions)
    return None


@given(PATHS, JSON_VALUES)
def test_the_fast_and_the_pure_python_library_agree(path: str, value: Any) -> None:
    document = replaced(hook_request(), path, value)
    assert said(document) == said(document, PURE_PYTHON)


@pytest.mark.parametrize("document", [None, [], 1, "x", {}, hook_request()])
def test_they_agree_on_whole_documents(document: Any) -> None:
    assert said(document) == said(document, PURE_PYTHON)


def test_paths_read_like_fhirpath() -> None:
    assert element_path(("context", "draftOrders", "entry", 0, "resource")) == (
        "context.draftOrders.entry[0].resource"
    )


@pytest.mark.parametrize("key", ["0", "12", "a/b", "~1", "é", "-1"])
def test_a_prefetch_key_may_look_like_anything(key: str) -> None:
    document = hook_request() | {"prefetch": {key: 5}}
    assert said(document) == said(document, PURE_PYTHON)
    assert said(document) == ("CDS-1011", {f"prefetch.{key}"})
