"""Where the drug is to be given: the place that the order names, else that of the encounter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cds_service.orders.model import CareSetting
from cds_service.orders.read import read_drug_order
from tests.orders.examples import COVERAGE, TODAY, VOCABULARY, identify, index_of, order

KINDS = "urn:kinds"
PHARMACY = "PHARMACY"
WORDS = replace(VOCABULARY, settings=replace(VOCABULARY.settings, dispensers=frozenset({(KINDS, PHARMACY)})))


def kind(code: str) -> dict[str, Any]:
    return {"coding": [{"system": KINDS, "code": code}]}


def organization(identity: str, *codes: str, **more: Any) -> dict[str, Any]:
    typed = {"type": [kind(code) for code in codes]} if codes else {}
    return {"resourceType": "Organization", "id": identity, "name": f"The {identity}", **typed, **more}


def to(identity: str, resource: str = "Organization") -> dict[str, Any]:
    return {"reference": f"{resource}/{identity}"}


def setting(elements: dict[str, Any], *others: dict[str, Any]) -> CareSetting:
    index = index_of(*others)
    return read_drug_order(order(**elements), index, COVERAGE, identify, TODAY, WORDS).setting


def codes(found: CareSetting) -> tuple[list[str], list[str], list[str]]:
    sites = (found.site_codes, found.affiliation_codes, found.encounter_site_codes)
    return tuple([coding.code for coding in each] for each in sites)  # type: ignore[return-value]


def dispensed_by(identity: str) -> dict[str, Any]:
    return {"dispenseRequest": {"performer": to(identity)}}


def encounter(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "in-progress",
        "class": {"code": "AMB"},
        **more,
    }


def test_the_dispensing_performer_of_the_order_is_the_place() -> None:
    found = setting(dispensed_by("o1"), organization("o1", "SUITE"))
    assert codes(found) == (["SUITE"], [], [])
    assert found.site_named
    assert found.site_basis == "performer on the order: The o1, Organization/o1"


def test_so_is_the_performer_of_the_treatment_and_its_place() -> None:
    role = {"resourceType": "PractitionerRole", "id": "r1", "location": [to("l1", "Location")]}
    location = {"resourceType": "Location", "id": "l1", "type": [kind("ROOM")]}
    found = setting({"performer": to("r1", "PractitionerRole")}, role, location)
    assert codes(found)[0] == ["ROOM"]


def test_what_a_place_is_part_of_is_followed_upwards() -> None:
    found = setting(
        dispensed_by("o1"),
        organization("o1", "SUITE", partOf=to("o2")),
        organization("o2", "GROUP", partOf=to("o3")),
        organization("o3", "HOSPITAL"),
    )
    assert codes(found)[:2] == (["SUITE"], ["GROUP", "HOSPITAL"])
    assert found.affiliation_known


def test_what_was_not_delivered_above_a_place_leaves_its_affiliation_open() -> None:
    assert not setting(dispensed_by("o1"), organization("o1", "SUITE", partOf=to("o2"))).affiliation_known


@pytest.mark.parametrize(
    "kinds",
    [{}, {"type": []}, {"type": "GROUP"}, {"type": [{"text": "Group"}]}, {"type": [kind("PROVIDER")]}],
    ids=str,
)
def test_what_may_be_a_hospital_above_a_place_leaves_its_affiliation_open(kinds: dict[str, Any]) -> None:
    """A type that is missing, unreadable or so general that no list of the catalogue names it."""
    above = organization("o2") | kinds
    words = replace(WORDS, listed=frozenset({(KINDS, "GROUP"), (KINDS, "SUITE")}))
    index = index_of(organization("o1", "SUITE", partOf=to("o2")), above)
    found = read_drug_order(order(**dispensed_by("o1")), index, COVERAGE, identify, TODAY, words).setting
    assert not found.affiliation_known
    above["type"] = [kind("PROVIDER"), kind("GROUP")]
    found = read_drug_order(order(**dispensed_by("o1")), index, COVERAGE, identify, TODAY, words).setting
    assert found.affiliation_known


def test_organizations_that_contain_each_other_end() -> None:
    found = setting(
        dispensed_by("o1"),
        organization("o1", "SUITE", partOf=to("o2")),
        organization("o2", "HOSPITAL", partOf=to("o1")),
    )
    assert codes(found)[1] == ["HOSPITAL"]


def test_the_managing_organization_of_a_location_is_what_it_is_part_of() -> None:
    location = {
        "resourceType": "Location",
        "id": "l1",
        "type": [kind("ROOM")],
        "managingOrganization": to("o1"),
    }
    found = setting({"performer": to("l1", "Location")}, location, organization("o1", "HOSPITAL"))
    assert codes(found)[:2] == (["ROOM"], ["HOSPITAL"])


def test_without_a_place_on_the_order_the_encounter_is_read() -> None:
    found = setting(
        {},
        encounter(location=[{"location": to("l1", "Location")}], serviceProvider=to("o1")),
        {"resourceType": "Location", "id": "l1", "type": [kind("CLINIC")]},
        organization("o1", "HOSPITAL"),
    )
    assert codes(found) == ([], [], ["AMB", "CLINIC", "HOSPITAL"])
    assert not found.site_named
    assert found.site_basis == "place of Encounter/e1, since the order names none"


@pytest.mark.parametrize("status", ["finished", "cancelled", "entered-in-error"])
def test_an_encounter_that_is_over_or_void_is_no_place(status: str) -> None:
    found = setting({}, encounter(status=status, serviceProvider=to("o1")), organization("o1", "HOSPITAL"))
    assert codes(found) == ([], [], [])


@pytest.mark.parametrize(
    "others",
    [(), (organization("o1"),)],
    ids=["not delivered", "without a kind"],
)
def test_a_place_nobody_describes_is_unknown_and_the_encounter_does_not_fill_in(
    others: tuple[dict[str, Any], ...],
) -> None:
    found = setting(
        dispensed_by("o1"), encounter(serviceProvider=to("o2")), organization("o2", "CLINIC"), *others
    )
    assert codes(found) == ([], [], [])
    assert found.site_named
    assert found.site_basis is not None
    assert "kind of place is not given" in found.site_basis


def test_a_pharmacy_only_dispenses() -> None:
    found = setting(dispensed_by("o1"), organization("o1", PHARMACY))
    assert not found.site_named
    assert codes(found)[0] == []


def test_a_pharmacy_that_is_more_than_one_is_a_place() -> None:
    assert setting(dispensed_by("o1"), organization("o1", PHARMACY, "HOME")).site_named


@pytest.mark.parametrize(
    "performer", [None, "Organization/o1", [], {}, {"reference": 7}, [None], {"display": "Riverside"}]
)
def test_nonsense_for_a_performer_is_no_place(performer: Any) -> None:
    found = setting({"dispenseRequest": {"performer": performer}, "performer": performer})
    assert codes(found)[0] == []
