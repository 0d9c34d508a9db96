"""The card "consider a lower-cost site": what it names, and the change of the order that it offers."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cds_service.crd.assertion import CoverageAssertion, NetworkSite
from cds_service.crd.cards import cards, topic_of
from cds_service.crd.configuration import Configuration
from cds_service.crd.invariants import check_answer
from cds_service.crd.respond import respond
from cds_service.crd.versions import CRD_2_2, VERSIONS, CrdVersion
from cds_service.decisions.model import Determination, Outcome, SiteAdvice
from cds_service.policies.model import CareSite, Transition
from tests.crd.assertions import OPEN, assertion, determination, order, policy_page

CALL = "b3d0c1f0-7a3e-4c41-9d0c-3f0a2a4c8f11"
ADVICE = SiteAdvice(
    (
        CareSite("infusion center", "Sites, 1"),
        CareSite("office", "Sites, 1"),
        CareSite("home infusion", "Sites, 2"),
    ),
    ("Label restricts the site",),
    Transition(30, "May be approved once, for 30 days.", "Criteria"),
)
KNOWN = NetworkSite("Prairie Infusion", "infusion center", "+1-555-0199", "Organization/o1")
UNKNOWN = NetworkSite("Home Care", "home infusion", "+1-555-0188")
LOWER = determination(Outcome.LOWER_COST_SITE, site=ADVICE, asks=(OPEN,), criteria=(OPEN,))
SITE_UNKNOWN = determination(Outcome.SITE_UNKNOWN, site=ADVICE, info_needed=("location",))
SETTING_ONLY = determination(Outcome.COVERED, necessity_on_file=False, info_needed=("OTH",))


def about(
    decided: Determination = LOWER, *sites: NetworkSite, resource: dict[str, Any] | None = None
) -> CoverageAssertion:
    return assertion(decided, resource=resource)._replace(network_sites=sites)


def network(given: CoverageAssertion, version: CrdVersion = CRD_2_2) -> dict[str, Any]:
    (card,) = [each for each in cards(given, version, CALL, policy_page) if topic_of(each) == "network"]
    return card


def answered(given: CoverageAssertion, version: CrdVersion, **configuration: Any) -> dict[str, Any]:
    chosen = Configuration.read(configuration)
    return respond(
        [given], version, chosen, today=date(2026, 4, 2), hook_instance=CALL, policy_page=policy_page
    )


@pytest.mark.parametrize("version", VERSIONS.values(), ids=lambda each: each.version)
@pytest.mark.parametrize("decided", [LOWER, SITE_UNKNOWN, SETTING_ONLY], ids=lambda each: each.outcome.value)
@pytest.mark.parametrize("sites", [(), (UNKNOWN,), (KNOWN, UNKNOWN)], ids=len)
def test_every_answer_about_a_site_is_valid(
    version: CrdVersion, decided: Determination, sites: tuple[NetworkSite, ...]
) -> None:
    assert check_answer(answered(about(decided, *sites), version), version) == []


@pytest.mark.parametrize("decided", [LOWER, SITE_UNKNOWN], ids=lambda each: each.outcome.value)
def test_the_card_names_settings_exceptions_and_the_transition(decided: Determination) -> None:
    card = network(about(decided))
    assert (
        card["summary"] == "Macrilen: consider a lower-cost site - infusion center, office or home infusion"
    )
    assert card["indicator"] == "info"
    for text in ("infusion center", "home infusion", "Label restricts the site", "30 days"):
        assert text in card["detail"]
    assert {"links", "suggestions", "selectionBehavior"}.isdisjoint(card)


def test_an_answer_about_the_setting_only_never_says_that_no_authorization_is_needed() -> None:
    for version in VERSIONS.values():
        (action,) = answered(about(SETTING_ONLY), version)["systemActions"]
        (extension,) = action["resource"]["extension"]
        found = [(part["url"], part.get("valueCode")) for part in extension["extension"]]
        assert ("covered", "covered") in found
        assert ("pa-needed", "conditional") in found
        assert ("info-needed", "OTH") in found
        assert "satisfied-pa-id" not in dict(found)


def test_where_it_is_covered_without_an_exception_stands_on_the_order_too() -> None:
    (action,) = answered(about(LOWER), CRD_2_2)["systemActions"]
    (extension,) = action["resource"]["extension"]
    details = [part["extension"] for part in extension["extension"] if part["url"] == "detail"]
    values = [part.get("valueString") for detail in details for part in detail if part["url"] == "value"]
    assert (
        "No exception has to be shown in these settings: infusion center, office or home infusion." in values
    )


def test_a_place_that_the_client_knows_is_offered_as_a_change_of_the_whole_order() -> None:
    resource = order()
    before = copy.deepcopy(resource)
    card = network(about(LOWER, KNOWN, resource=resource))
    (suggestion,) = card["suggestions"]
    (action,) = suggestion["actions"]
    assert card["selectionBehavior"] == "at-most-one"
    assert suggestion["isRecommended"] is True
    assert suggestion["uuid"]
    assert action["type"] == "update"
    assert action["description"]
    changed = action["resource"]
    assert changed["dispenseRequest"].pop("performer") == {
        "reference": "Organization/o1",
        "display": "Prairie Infusion",
    }
    assert changed == before == resource


def test_a_place_that_the_client_does_not_know_is_only_named() -> None:
    card = network(about(LOWER, UNKNOWN))
    assert "Home Care (home infusion), +1-555-0188" in card["detail"]
    assert "suggestions" not in card


@pytest.mark.parametrize(
    "resource", [order(performer={"reference": "Organization/o9"}), order(dispenseRequest=[])]
)
def test_an_order_that_the_change_would_contradict_gets_no_suggestion(resource: dict[str, Any]) -> None:
    card = network(about(LOWER, KNOWN, resource=resource))
    assert "Prairie Infusion" in card["detail"]
    assert "suggestions" not in card


def test_of_several_places_one_is_recommended_and_few_are_offered() -> None:
    sites = [replace(KNOWN, reference=f"Organization/o{number}") for number in range(9)]
    suggestions = network(about(LOWER, *sites))["suggestions"]
    assert [each["isRecommended"] for each in suggestions] == [True, False, False]
    assert len({each["uuid"] for each in suggestions}) == 3


def test_a_client_can_switch_network_cards_off() -> None:
    answer = answered(about(LOWER), CRD_2_2, network=False)
    assert [topic_of(card) for card in answer["cards"]] == ["guideline"]


def test_a_name_from_the_record_cannot_write_markdown() -> None:
    evil = NetworkSite("[x](https://evil.example) <b>", "infusion center", None, "Organization/o1")
    card = network(about(LOWER, evil))
    assert "[x](" not in card["detail"]
    assert "<b>" not in card["suggestions"][0]["label"]
