"""A whole order, as real clients send it and as nobody should."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

from hypothesis import given, settings

from cds_service.cql.values.clinical import Code
from cds_service.cql.values.temporal import Date
from cds_service.orders.coverage import coverages_of, member_coverage, payor_organization
from cds_service.orders.errors import OrderError
from cds_service.orders.model import IdentifiedBy, PatientStatus, ServiceDateBasis
from cds_service.orders.parameters import order_parameters
from cds_service.orders.read import read_drug_order
from tests.fhir.json_values import json_objects, json_values
from tests.orders.examples import (
    CATEGORY,
    COVERAGE,
    ICD,
    RXNORM,
    SNOMED,
    TODAY,
    VOCABULARY,
    identify,
    index_of,
    order,
    read,
)

# What the public CDS Hooks sandbox sends: category an object, no encounter, no reason, no intent.
SANDBOX_ORDER: dict[str, Any] = {
    "resourceType": "MedicationRequest",
    "id": "request-123",
    "status": "draft",
    "subject": {"reference": "Patient/p1"},
    "authoredOn": "2025-03-10",
    "dosageInstruction": [
        {
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [
                {"doseQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "{pill}"}}
            ],
        }
    ],
    "dispenseRequest": {"expectedSupplyDuration": {"value": 30, "unit": "days", "code": "d"}},
    "category": {"coding": [{"system": CATEGORY, "code": "community"}]},
    "medicationCodeableConcept": {
        "text": "tofacitinib 5 MG Oral Tablet",
        "coding": [{"display": "tofacitinib 5 MG Oral Tablet", "system": RXNORM, "code": "1357541"}],
    },
}


def test_an_order_of_the_public_sandbox() -> None:
    found = read(SANDBOX_ORDER)
    assert found.reference == "MedicationRequest/request-123"
    assert found.drug.identified_by is IdentifiedBy.NAME
    assert found.service_date.basis is ServiceDateBasis.AUTHORED_ON
    assert found.setting.patient_status is PatientStatus.OUTPATIENT
    assert found.quantity.supply_hours == 720
    assert found.quantity.unit == "{pill}"
    assert found.indication.is_coded is None
    assert found.notes == ()


def test_the_parameters_that_rules_read() -> None:
    route = {"coding": [{"system": SNOMED, "code": "47625008"}], "text": "IV"}
    resource = order(
        authoredOn="2025-03-09",
        reasonCode=[{"coding": [{"system": ICD, "code": "E23.0", "display": "Hypopituitarism"}]}],
        category=[{"coding": [{"system": CATEGORY, "code": "outpatient"}]}],
        dispenseRequest={
            "quantity": {"value": 1, "unit": "vial"},
            "expectedSupplyDuration": {"value": 1, "code": "d"},
        },
        dosageInstruction=[
            {
                "route": route,
                "timing": {"repeat": {"frequency": 1, "period": 7, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "vial"}}],
            }
        ],
    )
    assert order_parameters(read(resource)) == {
        "Service date": Date(2025, 3, 9),
        "Indication codes": [Code("E23.0", ICD, None, "Hypopituitarism")],
        "Indication is coded": True,
        "Indication is coded in ICD-10-CM": True,
        "Hospitalized": False,
        "Ordered amount": Decimal(1),
        "Ordered unit": "vial",
        "Supply hours": Decimal(24),
        "Maximum per hour": Decimal("0.00595238"),
        "Route codes": [Code("47625008", SNOMED)],
        "Setting codes": [Code("outpatient", CATEGORY)],
        "Site codes": [],
        "Site affiliation codes": [],
        "Site affiliation is known": True,
        "Encounter site codes": [],
        "Product": "ketalar",
        "Billing codes": [],
        "Line of business": None,
        "Service is excluded by the plan": None,
    }


def test_what_the_order_does_not_say_is_null() -> None:
    parameters = order_parameters(read(order()))
    assert parameters["Service date"] == Date(TODAY.year, TODAY.month, TODAY.day)
    assert parameters["Indication codes"] == parameters["Route codes"] == parameters["Setting codes"] == []
    assert {name for name, value in parameters.items() if value is None} == {
        "Indication is coded",
        "Indication is coded in ICD-10-CM",
        "Hospitalized",
        "Ordered amount",
        "Ordered unit",
        "Supply hours",
        "Maximum per hour",
        "Line of business",
        "Service is excluded by the plan",
    }


def test_huge_and_odd_texts_are_read_in_part() -> None:
    text = "кетамин \U0001f489 " * 50_000
    found = read(
        order(medicationCodeableConcept={"text": text, "coding": [{"code": "x" * 100_000, "display": text}]})
    )
    assert len(found.drug.display) <= 2_000
    assert found.drug.codings == ()


def test_an_order_with_thousands_of_codes_and_dates_is_read_in_linear_time() -> None:
    codes = [{"system": RXNORM, "code": str(number), "display": f"drug {number}"} for number in range(20_000)]
    found = read(
        order(
            medicationCodeableConcept={"coding": codes},
            reasonCode=[{"coding": [{"system": ICD, "code": f"A{number}"} for number in range(20_000)]}],
            dosageInstruction=[{"timing": {"event": ["Invalid date"] * 20_000}}],
        )
    )
    assert len(found.drug.codings) == 50
    assert len(found.indication.codes) == 20_000
    assert len(found.notes) == 10


@settings(max_examples=200)
@given(json_objects(), json_values(), json_values())
def test_reading_anything_raises_nothing_but_order_error(
    resource: dict[str, Any], one: Any, two: Any
) -> None:
    index = index_of(one, two)
    for readable in (resource, {**order(), **resource}):
        with contextlib.suppress(OrderError):
            found = read_drug_order(readable, index, COVERAGE, identify, TODAY, VOCABULARY)
            assert order_parameters(found)["Service date"] is not None


@given(json_objects())
def test_reading_anything_as_coverage_raises_nothing(resource: dict[str, Any]) -> None:
    coverage = {**resource, "resourceType": "Coverage"}
    index = index_of(coverage)
    payor_organization(coverage, index)
    assert member_coverage(coverage, "acme").payer == "acme"
    assert set(map(id, coverages_of(index, TODAY))) <= {id(coverage)}
