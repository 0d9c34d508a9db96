"""Lower-cost places in the network: those the payer configures, and those that the call names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cds_service.coverage_check.network import network_sites
from cds_service.crd.assertion import NetworkSite
from cds_service.decisions.model import SiteAdvice
from cds_service.fhir.index import ResourceIndex
from cds_service.orders.coverage import member_coverage
from cds_service.policies.model import AlternativeSite
from tests.coverage_check.calls import catalogue, coverage

NUCC = "http://nucc.org/provider-taxonomy"
NPI = "http://hl7.org/fhir/sid/us-npi"
CENTER = {
    "resourceType": "Organization",
    "id": "o1",
    "name": "Prairie Infusion",
    "identifier": [{"system": NPI, "value": "0000000001"}],
    "type": [{"coding": [{"system": NUCC, "code": "261QI0500X"}]}],
}
PAYER = {"resourceType": "Organization", "id": "payer", "name": "Cigna"}
AFFILIATION = {
    "resourceType": "OrganizationAffiliation",
    "id": "a1",
    "active": True,
    "organization": {"reference": "Organization/payer"},
    "participatingOrganization": {"reference": "Organization/o1"},
}


def advice() -> SiteAdvice:
    version = catalogue().policy_version("cigna-site-of-care", "undated")
    assert version is not None
    return SiteAdvice(version.statements[0].lower_cost_settings)


def sites(
    *resources: dict[str, Any], alternatives: tuple[AlternativeSite, ...] = ()
) -> tuple[NetworkSite, ...]:
    index = ResourceIndex()
    for resource in resources:
        index.add(resource)
    held = coverage(payor=[{"reference": "Organization/payer"}])
    known = catalogue()
    payer = replace(known.payers["cigna"], alternatives=alternatives)
    member = member_coverage(held, "cigna")
    return network_sites(advice(), payer, member, index, known.vocabulary.systems, known.value_sets)


def test_an_affiliation_with_the_payor_names_a_place() -> None:
    setting = advice().lower_cost_settings[0].name
    found = sites(CENTER, PAYER, AFFILIATION)
    assert found == (NetworkSite("Prairie Infusion", setting, None, "Organization/o1"),)


@pytest.mark.parametrize(
    "resources",
    [
        (CENTER, PAYER),
        (CENTER, AFFILIATION),
        (PAYER, AFFILIATION),
        (CENTER, PAYER, {**AFFILIATION, "active": False}),
        (CENTER, PAYER, {**AFFILIATION, "organization": {"reference": "Organization/o1"}}),
        ({**CENTER, "partOf": {"reference": "Organization/hospital"}}, PAYER, AFFILIATION),
        ({**CENTER, "type": [{"coding": [{"system": NUCC, "code": "282N00000X"}]}]}, PAYER, AFFILIATION),
        ({**CENTER, "active": False}, PAYER, AFFILIATION),
        (CENTER, PAYER, {**AFFILIATION, "participatingOrganization": 7, "network": [3]}),
    ],
)
def test_anything_less_names_none(resources: tuple[dict[str, Any], ...]) -> None:
    assert sites(*resources) == ()


def test_a_configured_place_is_known_by_its_identifier() -> None:
    place = AlternativeSite("Prairie", "infusion center", ((NPI, "0000000001"),), "+1-555-0199")
    assert sites(CENTER, alternatives=(place,)) == (
        NetworkSite("Prairie", "infusion center", "+1-555-0199", "Organization/o1"),
    )
    assert sites(alternatives=(place,)) == (NetworkSite("Prairie", "infusion center", "+1-555-0199", None),)
