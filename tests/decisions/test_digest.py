"""The same facts give the same identifiers, other facts give others."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds_service.decisions.decide import not_addressed
from cds_service.decisions.digest import Identifiers, identifiers, is_assertion_id
from cds_service.orders.model import DrugOrder, ServiceDate, ServiceDateBasis
from cds_service.policies.model import NotAddressed
from tests.decisions.rules import BMI, COVERAGE, MET, ORDER, decided


def named(
    order: DrugOrder = ORDER, values: dict[str, Any] = MET, key: bytes = b"k", **options: Any
) -> Identifiers:
    coverage = options.pop("coverage", COVERAGE)
    return identifiers(decided(values, order=order), order, order.resource, coverage, key, **options)


@pytest.mark.requirement("crd-2.2.1@resp-36", "crd-2.2.1@found-11")
def test_the_same_facts_have_the_same_names_in_every_worker() -> None:
    assert named() == named()


def test_names_have_a_form_of_their_own() -> None:
    found = named()
    assert is_assertion_id(found.assertion_id)
    assert found.authorization_number.startswith("PA-")
    assert found.authorization_number[3:] != found.assertion_id[3:]
    assert len(found.facts_digest) == 64


@pytest.mark.parametrize(
    "text", [None, 3, "", "CA-", "CA-2026-04-02-000001", "PA-" + "A" * 24, "CA-" + "a" * 24]
)
def test_other_identifiers_are_not_ours(text: object) -> None:
    assert not is_assertion_id(text)


def test_what_the_order_says_besides_does_not_matter() -> None:
    noted = ORDER._replace(resource={**ORDER.resource, "meta": {"versionId": "2"}, "note": [{"text": "x"}]})
    assert named(noted) == named()


@pytest.mark.parametrize(
    "options",
    [
        {"order": ORDER._replace(reference="MedicationRequest/m2")},
        {"order": ORDER._replace(resource={**ORDER.resource, "subject": {"reference": "Patient/p2"}})},
        {"order": ORDER._replace(service_date=ServiceDate(date(2024, 9, 2), ServiceDateBasis.AUTHORED_ON))},
        {"values": MET | {BMI.name: None}},
        {"coverage": COVERAGE._replace(reference="Coverage/c2")},
        {"coverage": COVERAGE._replace(member_id="W2")},
        {"key": b"other"},
        {"key": b"k" * 200},
        {"origin": "https://other.example/fhir"},
        {"satisfied": True},
    ],
)
def test_what_matters_gives_another_name(options: dict[str, Any]) -> None:
    assert named(**options).assertion_id != named().assertion_id


def test_orders_that_are_no_drug_orders_have_names_too() -> None:
    def of(resource: dict[str, Any]) -> str:
        found = not_addressed("ServiceRequest/s1", NotAddressed.NOT_A_DRUG, "No drug order.")
        return identifiers(found, None, resource, COVERAGE, b"k").assertion_id

    coded = {"resourceType": "ServiceRequest", "id": "s1", "code": {"coding": [{"code": "1"}]}}
    assert of(coded) == of(dict(reversed(coded.items())))
    assert of(coded) != of({**coded, "code": {"text": "\ud800 half a character"}})
