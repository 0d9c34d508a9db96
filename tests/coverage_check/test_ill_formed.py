"""Whatever stands in an order or in the chart: a valid answer or a named refusal, never an exception."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import CRD_2_2
from cds_service.hooks.errors import RequestError
from tests.coverage_check.calls import HCPCS, answered, call, chart, macrilen

FULL = macrilen(
    category=[{"coding": [{"code": "outpatient"}]}],
    encounter={"reference": "Encounter/e1"},
    insurance=[{"reference": "Coverage/cov-1"}],
    dispenseRequest={
        "quantity": {"value": 3, "unit": "tablet"},
        "expectedSupplyDuration": {"value": 3, "code": "d"},
        "validityPeriod": {"start": "2024-09-01"},
        "numberOfRepeatsAllowed": 1,
    },
    dosageInstruction=[
        {
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
            "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]},
        }
    ],
)
JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1e300, "", "x", "\x00", "9999-99-99", [], {}, [[]], [None], {"x": None}, ["a"],
    {"coding": "x"}, {"coding": [None, {}, {"code": 5}]}, {"reference": 7}, {"reference": "#nowhere"},
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def replaced(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def holds(order: dict[str, Any], prefetch: dict[str, Any]) -> None:
    """The call is answered by the rules, or refused with a code; nothing breaks inside."""
    try:
        request = call(order, prefetch=prefetch)
    except RequestError:
        return
    sent = copy.deepcopy(request.draft_orders[0][1])
    try:
        answer = answered(request)
    except RequestError:
        return
    assert check_answer(answer, CRD_2_2) == []
    resource = answer["systemActions"][0]["resource"]
    assert {name: item for name, item in resource.items() if name != "extension"} == {
        name: item for name, item in sent.items() if name != "extension"
    }


@pytest.mark.parametrize("path", [path for path in places(FULL) if path[0] != "resourceType"], ids=str)
def test_junk_anywhere_in_the_order(path: tuple[Any, ...], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for junk in JUNK:
            holds(replaced(FULL, path, junk), chart())
    assert "CDS-2003" not in caplog.text


@pytest.mark.parametrize("path", list(places(chart())), ids=str)
def test_junk_anywhere_in_the_chart(path: tuple[Any, ...], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        for junk in JUNK:
            holds(FULL, replaced(chart(), path, junk))
    assert "code=CDS-200" not in caplog.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.sampled_from([HCPCS, "J3490"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["coding", "system", "code", "text", "reference", "value"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    element=st.sampled_from(
        [name for name in FULL if name not in ("resourceType", "id")] + ["extension", "meta"]
    ),
    value=json_values,
)
def test_anything_in_any_element(element: str, value: Any) -> None:
    holds(FULL | {element: value}, chart())
