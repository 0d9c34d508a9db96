"""order-select: the selected orders only, and never documentation (CRD 2.2.1 hook-19, hook-34)."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.hooks.errors import RequestError
from cds_service.hooks.request import HookRequest
from tests.coverage_check.calls import (
    answered,
    call,
    chart,
    found,
    hook_call,
    macrilen,
    remicade,
    said,
    standing,
)

NO_BMI = chart(observations=found())


def select(
    *orders: dict[str, Any], selections: Any = ("MedicationRequest/mr-1",), version: str = "2.2", **keys: Any
) -> HookRequest:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in orders or (macrilen(),)]}
    context = {"selections": list(selections), "draftOrders": bundle}
    return hook_call("order-select", context, NO_BMI | keys, version)


@pytest.mark.requirement("crd-2.2.1@hook-19", "crd-2.0.1@167")
@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_documentation_is_not_asked_before_the_order_is_signed(version: str) -> None:
    signed = answered(call(prefetch=NO_BMI, version=version))
    chosen = answered(select(version=version))
    assert standing(chosen) == standing(signed) == ("covered", "auth-needed")
    assert said(signed)["doc-needed"] == ["clinical"]
    assert {"doc-needed", "doc-purpose"}.isdisjoint(said(chosen))
    assert check_answer(chosen, VERSIONS[version], "order-select") == []
    assert check_answer(signed, VERSIONS[version], "order-select") == [
        "doc-needed: not to be asked at order-select"
    ]


def test_signing_the_selected_order_asks_for_the_documentation() -> None:
    chosen = answered(select())["systemActions"][0]["resource"]
    signed = answered(call(chosen, prefetch=NO_BMI))
    assert said(signed)["doc-needed"] == ["clinical"]
    assert len(signed["systemActions"][0]["resource"]["extension"]) == 1


def test_an_answer_that_asks_nothing_stands_when_the_order_is_signed() -> None:
    request = select(observations=chart()["observations"])
    chosen = answered(request)["systemActions"][0]["resource"]
    assert "systemActions" not in answered(call(chosen))


@pytest.mark.requirement("crd-2.2.1@hook-34", "crd-2.2.1@resp-27")
def test_only_selected_orders_are_answered() -> None:
    orders = (macrilen(), remicade("mr-2"), {"resourceType": "Medication", "id": "m-1"})
    answer = answered(select(*orders, selections=["MedicationRequest/mr-2"]))
    assert [each["resource"]["id"] for each in answer["systemActions"]] == ["mr-2"]
    assert answered(select(*orders, selections=["Medication/m-1"])) == {"cards": []}


@pytest.mark.parametrize(
    "selection", ["MedicationRequest/mr-1", "mr-1", "https://ehr.example.org/fhir/MedicationRequest/mr-1"]
)
def test_a_selection_may_be_written_in_any_way(selection: str) -> None:
    assert len(answered(select(selections=[selection]))["systemActions"]) == 1


def test_a_selection_of_nothing_is_named() -> None:
    with pytest.raises(RequestError) as caught:
        select(selections=["MedicationRequest/mr-1", "MedicationRequest/gone"])
    assert caught.value.code == "CDS-1021"
    assert caught.value.expressions == ("context.selections[1]",)
