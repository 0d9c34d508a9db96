"""What clients make of prefetch: five ways of delivering nothing, and Bundles with `_include` (CRD 2.0)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.conformance.crd.service import (
    VERSIONS,
    Document,
    answer,
    body_mass_index,
    bundle,
    call,
    chart,
    coverage,
    discovered,
    drug,
    hospital_drug,
    post,
    reason_codes,
    said,
)
from tests.fhir.ehr.server import FhirServer, serving

PAYOR = {"resourceType": "Organization", "id": "org-payer", "name": "Cigna"}
TROUBLE = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
NEXT = [{"relation": "next", "url": "https://ehr.example.org/fhir/Observation?page=2"}]
PAGED = bundle(body_mass_index(24, id="other", code={"text": "Temperature"}), total=90, link=NEXT)

DELIVERED: dict[str, Any] = {
    "null": None,
    "an empty Bundle": bundle(),
    "absent": ...,
    "an OperationOutcome": TROUBLE,
    "one page of more": PAGED,
}


@pytest.mark.requirement("crd-2.2.1@found-34", "crd-2.2.1@found-24", "crd-2.0.1@63")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", DELIVERED)
def test_without_a_server_to_ask_each_is_a_missing_fact_and_none_a_refusal(case: str, version: str) -> None:
    found = said(answer(call("order-sign", prefetch=chart(observations=DELIVERED[case]), version=version)))
    assert (found["covered"], found["pa-needed"], found["doc-needed"]) == (
        ["covered"],
        ["auth-needed"],
        ["clinical"],
    )


def test_the_reason_tells_what_was_looked_for_in_vain_from_what_nobody_looked_for() -> None:
    texts = {
        case: said(answer(call("order-sign", prefetch=chart(observations=value))))["reason"][0]["text"]
        for case, value in DELIVERED.items()
    }
    looked = {texts["null"], texts["an empty Bundle"]}
    assert len(looked) == 1
    assert looked.isdisjoint({texts["absent"], texts["an OperationOutcome"], texts["one page of more"]})


@pytest.fixture
def ehr() -> Iterator[FhirServer]:
    with serving() as server:
        yield server


@pytest.fixture
def with_server(ehr: FhirServer, tmp_path: Path) -> Flask:
    return create_app(
        Settings(
            database_url=f"sqlite:///{tmp_path}/d.sqlite3",
            log_level="ERROR",
            fhir_servers=(ehr.base,),
            ehr_deadline=3.0,
        )
    )


@pytest.mark.requirement("crd-2.2.1@found-5", "crd-2.2.1@found-28", "crd-2.0.1@56")
@pytest.mark.parametrize(
    ("case", "searched"),
    [
        ("null", False),
        ("an empty Bundle", False),
        ("absent", True),
        ("an OperationOutcome", True),
        ("one page of more", True),
    ],
)
def test_with_a_server_only_what_nobody_could_tell_is_searched_for(
    case: str, searched: bool, ehr: FhirServer, with_server: Flask
) -> None:
    ehr.resources = [body_mass_index(41)]
    document = call("order-sign", prefetch=chart(observations=DELIVERED[case]))
    document["fhirServer"] = ehr.base
    document["fhirAuthorization"] = {
        "access_token": "token",
        "token_type": "Bearer",
        "expires_in": 30,
        "scope": "patient/*.rs",
        "subject": "cds-service",
    }
    path = f"/cds-services/{discovered()['order-sign']['id']}"
    response = with_server.test_client().post(
        path, data=orjson.dumps(document), content_type="application/json"
    )
    found = said(orjson.loads(response.data))
    assert any("Observation" in path for path, _ in ehr.asked) is searched
    assert found["covered"] == (["not-covered"] if searched else ["covered"])


# -- clients of CRD 2.0, whose templates ask for everything about an order in one Bundle ---------------------


def included(*orders: Document, **keys: Any) -> Document:
    """Prefetch by the templates of CRD 2.0: orders with what they refer to, and Coverage with its payer."""
    place = {
        "resourceType": "Organization",
        "id": "org-hospital",
        "type": [
            {
                "coding": [
                    {
                        "system": "https://www.cms.gov/Medicare/Coding/place-of-service-codes/"
                        "Place_of_Service_Code_Set",
                        "code": "22",
                    }
                ]
            }
        ],
    }
    person = chart()["patient"]
    requester = {"resourceType": "Practitioner", "id": "prac-1", "name": [{"family": "Okafor"}]}
    medication = {
        "resourceType": "Medication",
        "id": "med-1",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "0169-1401-01"}]},
    }
    return {
        "medicationRequestBundle": bundle(*orders, person, requester, medication, place),
        "coverageBundle": bundle(coverage(payor=[{"reference": "Organization/org-payer"}]), PAYOR),
    } | keys


@pytest.mark.requirement("crd-2.2.1@found-24", "crd-2.0.1@168")
@pytest.mark.parametrize("version", VERSIONS)
def test_bundles_of_several_types_under_foreign_keys_are_read(version: str) -> None:
    order = drug(medicationReference={"reference": "Medication/med-1"})
    del order["medicationCodeableConcept"]
    prefetch = included(order, vitals=bundle(body_mass_index(24)))
    found = said(answer(call("order-sign", order, prefetch=prefetch, version=version)))
    assert (found["covered"], found["pa-needed"]) == (["covered"], ["satisfied"])


def test_the_place_of_an_order_is_found_in_such_a_bundle() -> None:
    order = hospital_drug(dispenseRequest={"performer": {"reference": "Organization/org-hospital"}})
    found = said(answer(call("order-sign", order, prefetch=included(order), version="2.0")))
    assert found["covered"] == ["covered"]
    assert found["pa-needed"] == ["auth-needed"]


def test_the_order_in_such_a_bundle_is_no_record_of_the_past_and_not_answered_twice() -> None:
    order = drug()
    prefetch = included(order, vitals=bundle(body_mass_index(24)))
    given = answer(call("order-sign", order, prefetch=prefetch, version="2.0"))
    assert len(given["systemActions"]) == 1
    assert reason_codes(said(given)) == []


def test_literal_tokens_of_clients_that_evaluate_none_do_no_harm() -> None:
    """The public sandbox sends the text of a template as a search; what it finds is an empty Bundle."""
    prefetch = chart(medications=bundle(), practitioners=bundle(), organizations=bundle(), locations=bundle())
    assert post(call("order-sign", prefetch=prefetch, version=None)).status_code == 200
