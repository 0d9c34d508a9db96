"""Whose member it is; never a guess."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from cds_service.policies.code_systems import load_code_systems
from cds_service.policies.files import CatalogueFiles
from cds_service.policies.model import Payer
from cds_service.policies.payers import Payers, load_payers
from tests.fhir.json_values import json_objects
from tests.policies.catalogue_folder import RULES

NAIC = "urn:oid:2.16.840.1.113883.6.300"
PAYERS = Payers(
    [
        Payer("cigna", "Cigna", ((NAIC, "67369"),), ("Cigna Health & Life Insurance Co.", "The Cigna Group")),
        Payer("alabama", "Blue Cross and Blue Shield of Alabama", ((NAIC, "55433"),)),
    ]
)
FILES = CatalogueFiles(RULES)
SHIPPED = load_payers(FILES, load_code_systems(FILES))


def payer_of(organization: Any = None, payor: Any = None) -> str | None:
    found = PAYERS.match({"payor": payor}, organization)
    return found.id if found else None


@pytest.mark.parametrize(
    "name",
    [
        "Cigna", "CIGNA", " cigna ", "Cigna.", "Cígna", "Cigna Health and Life Insurance Co",
        "CIGNA HEALTH & LIFE INSURANCE CO.", "The  Cigna-Group",
    ],
)  # fmt: skip
def test_whole_names_match_however_they_are_written(name: str) -> None:
    assert payer_of({"name": name}) == "cigna"
    assert payer_of(payor=[{"display": name}]) == "cigna"
    assert payer_of({"name": "unknown", "alias": [None, name]}) == "cigna"


@pytest.mark.parametrize(
    "name",
    [
        "Cigna-HealthSpring of nowhere", "Cigna Dental Health Plan", "Not Cigna", "Cign", "Cignaa",
        "Cigna Group", "Blue Cross", "Blue Cross and Blue Shield", "Blue Cross and Blue Shield of Alaska",
        "", "x" * 10_000, "&",
    ],
)  # fmt: skip
def test_near_names_do_not(name: str) -> None:
    assert payer_of({"name": name}) is None


def test_an_identifier_goes_before_the_name() -> None:
    assert payer_of({"name": "Cigna", "identifier": [{"system": NAIC, "value": "55433"}]}) == "alabama"
    assert payer_of({"identifier": {"system": NAIC.upper(), "value": " 67369 "}}) == "cigna"
    assert payer_of(payor={"identifier": {"system": NAIC, "value": "67369"}}) == "cigna"


@pytest.mark.parametrize(
    "identifier",
    [
        {"value": "67369"},
        {"system": "http://hl7.org/fhir/sid/us-npi", "value": "67369"},
        {"system": NAIC},
        {},
    ],
)
def test_a_number_without_its_system_proves_nothing(identifier: dict[str, Any]) -> None:
    assert payer_of({"identifier": [identifier]}) is None
    assert payer_of({"identifier": [identifier], "name": "Cigna"}) == "cigna"


def test_two_payers_at_once_are_no_answer() -> None:
    both = [{"system": NAIC, "value": "67369"}, {"system": NAIC, "value": "55433"}]
    assert payer_of({"identifier": both}) is None
    assert payer_of({"name": "Cigna"}, [{"display": "Blue Cross and Blue Shield of Alabama"}]) is None


@given(json_objects(), json_objects())
def test_no_coverage_breaks_matching(coverage: dict[str, Any], organization: dict[str, Any]) -> None:
    found = PAYERS.match(coverage, organization)
    assert found is None or found.id in PAYERS


def test_every_shipped_name_and_identifier_leads_to_its_payer() -> None:
    for payer in SHIPPED.values():
        for name in (payer.label, *payer.aliases):
            assert SHIPPED.match({"payor": [{"display": name}]}, None) is payer
        for system, value in payer.identifiers:
            assert SHIPPED.match({}, {"identifier": [{"system": system, "value": value}]}) is payer


@pytest.mark.parametrize(
    "name", ["Cigna-HealthSpring of nowhere", "HealthSpring", "Evernorth", "Aetna", "Cigna2"]
)
def test_shipped_aliases_take_in_no_stranger(name: str) -> None:
    assert SHIPPED.match({"payor": [{"display": name}]}, {"name": name}) is None
