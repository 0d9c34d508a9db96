"""What cannot be answered is refused as CRD says (CRD 2.2.1 hook-9 to hook-14; 2.0.1 158 to 163)."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from tests.conformance.crd.service import (
    HOOKS,
    ORDER_HOOKS,
    VERSIONS,
    actions,
    answer,
    app,
    bundle,
    call,
    chart,
    coverage,
    discovered,
    drug,
    post,
    reason_codes,
    said,
)

WITH_COVERAGE = (*ORDER_HOOKS, "appointment-book")
FOREIGN = [{"identifier": {"system": "https://payers.example.org/payer-id", "value": "NOBODY"}}]


def refused(response: Any) -> dict[str, Any]:
    """The issue of the OperationOutcome that an error must be."""
    assert response.content_type == "application/fhir+json"
    outcome = orjson.loads(response.data)
    assert outcome["resourceType"] == "OperationOutcome"
    (issue,) = outcome["issue"]
    assert issue["severity"] == "error"
    return dict(issue)


@pytest.mark.requirement(
    "crd-2.2.1@hook-9", "crd-2.2.1@hook-10", "crd-2.2.1@hook-13", "crd-2.0.1@158", "crd-2.0.1@162",
)  # fmt: skip
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("body", [b"", b"{", b"no json", b'{"hook": }', b"\xff\xfe"])
def test_what_is_no_json_is_400(hook: str, body: bytes) -> None:
    path = f"/cds-services/{discovered()[hook]['id']}"
    response = app().test_client().post(path, data=body, content_type="application/json")
    assert response.status_code == 400
    refused(response)


@pytest.mark.requirement(
    "crd-2.2.1@hook-9", "crd-2.2.1@hook-10", "crd-2.2.1@hook-13", "crd-2.0.1@158", "crd-2.0.1@163",
)  # fmt: skip
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("element", ["hookInstance", "context.patientId", "context"])
def test_a_call_that_breaks_cds_hooks_names_the_element(hook: str, element: str, version: str) -> None:
    document = call(hook, version=version)
    *parents, last = element.split(".")
    holder = document[parents[0]] if parents else document
    del holder[last]
    response = post(document)
    assert response.status_code == (400 if version == "2.2" else 422)
    assert element in refused(response)["expression"]


@pytest.mark.requirement("crd-2.2.1@hook-13", "crd-2.2.1@hook-14")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("hook", WITH_COVERAGE)
@pytest.mark.parametrize(
    "delivered",
    [
        bundle(),
        None,
        bundle(coverage(payor=FOREIGN)),
        bundle(coverage(payor=[{"display": "Some other insurer"}])),
        bundle(coverage(payor=[{}])),
        bundle(coverage("cov-1"), coverage("cov-2")),
    ],
    ids=["empty", "null", "not served here", "unknown name", "no payer", "several"],
)
def test_without_one_coverage_of_a_payer_served_here_it_is_400(
    hook: str, delivered: Any, version: str
) -> None:
    response = post(call(hook, prefetch=chart(coverage=delivered), version=version))
    assert response.status_code == 400
    assert refused(response)["details"]["coding"][0]["code"] in ("CDS-1030", "CDS-1031", "CDS-1032")


@pytest.mark.requirement("crd-2.2.1@found-32")
@pytest.mark.parametrize("hook", WITH_COVERAGE)
def test_412_means_only_that_nobody_could_look(hook: str) -> None:
    response = post(call(hook, prefetch=chart(coverage=...)))
    assert response.status_code == 412
    refused(response)


@pytest.mark.requirement("crd-2.2.1@resp-45", "crd-2.2.1@hook-13")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("hook", WITH_COVERAGE)
@pytest.mark.parametrize(
    "ended", [{"period": {"end": "2020-12-31"}}, {"status": "cancelled"}, {"period": {"start": "2090-01-01"}}]
)
def test_a_coverage_of_ours_that_is_not_active_is_an_answer(hook: str, ended: Any, version: str) -> None:
    found = answer(call(hook, prefetch=chart(coverage=bundle(coverage(**ended))), version=version))
    assert said(found)["covered"] == ["not-covered"]
    assert "pa-needed" not in said(found)
    expected = "no-active-coverage" if version == "2.2" else None
    assert reason_codes(said(found))[0] == expected


@pytest.mark.requirement("crd-2.2.1@dev-2", "crd-2.2.1@hook-9")
@pytest.mark.parametrize("hook", HOOKS)
def test_a_version_that_is_not_spoken_is_an_error(hook: str) -> None:
    response = post(call(hook, version="9.9"))
    assert response.status_code == 400
    assert refused(response)["code"] == "not-supported"


@pytest.mark.requirement("crd-2.2.1@hook-9")
def test_an_unknown_service_is_404_and_another_method_405() -> None:
    client = app().test_client()
    assert client.post("/cds-services/nothing", json={}).status_code == 404
    assert client.get(f"/cds-services/{discovered()['order-sign']['id']}").status_code == 405


@pytest.mark.requirement("crd-2.2.1@hook-13")
def test_the_call_of_another_hook_is_refused() -> None:
    response = post(call("order-select"), "order-sign")
    assert response.status_code == 400
    assert refused(response)["expression"] == ["hook"]


@pytest.mark.requirement("crd-2.2.1@conf-7", "crd-2.2.1@conf-8", "crd-2.2.1@conf-12", "crd-2.2.1@hook-22")
@pytest.mark.parametrize("version", [*VERSIONS, None])
@pytest.mark.parametrize("hook", ["order-sign", "order-select"])
def test_the_least_that_a_client_may_send_is_answered(hook: str, version: str | None) -> None:
    least = {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "Macrilen"},
        "subject": {"reference": "Patient/pat-1"},
        "authoredOn": "2024-09-01",
        "requester": {"reference": "Practitioner/prac-1"},
    }
    member = {
        name: value for name, value in coverage().items() if name not in ("relationship", "subscriberId")
    }
    document = call(hook, least, prefetch={"coverage": bundle(member)}, version=version)
    assert len(actions(answer(document))) == 1


@pytest.mark.requirement("crd-2.2.1@conf-8", "crd-2.2.1@conf-12", "crd-2.2.1@hook-22")
@pytest.mark.parametrize("hook", WITH_COVERAGE)
def test_no_single_optional_element_is_needed(hook: str) -> None:
    full = drug(
        encounter={"reference": "Encounter/enc-1"},
        insurance=[{"reference": "Coverage/cov-1"}],
        dispenseRequest={"quantity": {"value": 1}, "validityPeriod": {"start": "2024-09-02"}},
        dosageInstruction=[{"text": "once"}],
        category=[{"text": "outpatient"}],
    )
    needed = {"resourceType", "id", "status", "intent", "subject", "medicationCodeableConcept"}
    for element in full.keys() - needed:
        less = {name: value for name, value in full.items() if name != element}
        assert len(actions(answer(call(hook, less)))) == 1, element
    for element in ("encounterId", "userId"):
        document = call(hook)
        document["context"].pop(element, None)
        if element == "encounterId":
            assert post(document).status_code == 200
    for key in chart().keys() - {"coverage"}:
        assert post(call(hook, prefetch=chart(**{key: ...}))).status_code == 200, key


def test_errors_are_json_all_the_way_down() -> None:
    for path in ("/cds-services/x", "/cds-services/x/feedback"):
        response = app().test_client().post(path, data=b"<html>", content_type="text/html")
        assert response.status_code >= 400
        assert json.loads(response.data)["resourceType"] == "OperationOutcome"
