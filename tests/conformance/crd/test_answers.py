"""Every answer to every shipped request: coverage information and cards as CRD models them."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import CRD_2_0, CRD_2_1, CRD_2_2
from cds_service.crd.versions import VERSIONS as TABLES
from tests.conformance.crd.service import (
    VERSIONS,
    Document,
    Resource,
    actions,
    answer,
    answered_examples,
    app,
    bundle,
    call,
    chart,
    coverage,
    drug,
    hospital_drug,
    informations,
    said,
)

# The insurers of the shipped policies, as their members know them.
INSURERS = {"Cigna", "Excellus BlueCross BlueShield", "Blue Cross and Blue Shield of Alabama"}
SIXTEEN = {
    "coverage", "covered", "pa-needed", "doc-needed", "doc-purpose", "info-needed", "billingCode", "reason",
    "detail", "dependency", "questionnaire", "date", "coverage-assertion-id", "satisfied-pa-id", "contact",
    "expiry-date",
}  # fmt: skip


def cards(version: str) -> list[tuple[str, Document, Document]]:
    """Every card with the name and the request of the example that makes it."""
    return [
        (name, document, card)
        for name, document, given in answered_examples(version)
        for card in given["cards"]
    ]


def kind(card: Document) -> str:
    """The response type of a card, by its shape alone."""
    links, suggestions = card.get("links"), card.get("suggestions")
    if links and not suggestions and all(each["type"] == "absolute" for each in links):
        return "external-reference"
    if not links and not suggestions and card.get("detail"):
        return "instructions"
    if suggestions and not links:
        return "alternate-request"
    return "none"


@pytest.mark.requirement("crd-2.2.1@conf-5")
@pytest.mark.parametrize("version", VERSIONS)
def test_every_sub_extension_is_shown_by_an_example(version: str) -> None:
    seen = {
        part["url"]
        for _, _, given in answered_examples(version)
        for action in actions(given)
        for extension in informations(action["resource"])
        for part in extension["extension"]
    }
    table = TABLES[version]
    assert SIXTEEN & set(table.maximum) - seen == set()
    assert seen <= set(table.maximum)
    assert len(SIXTEEN) == 16
    assert set(CRD_2_2.maximum) == set(CRD_2_1.maximum) == SIXTEEN
    assert set(CRD_2_0.maximum) - {"response"} == SIXTEEN - {"expiry-date"}


@pytest.mark.requirement(
    "crd-2.2.1@resp-13", "crd-2.2.1@resp-52", "crd-2.2.1@resp-28", "crd-2.2.1@resp-37", "crd-2.0.1@164",
)  # fmt: skip
@pytest.mark.parametrize("version", VERSIONS)
def test_every_answer_keeps_every_rule_and_every_order(version: str) -> None:
    for name, document, given in answered_examples(version):
        assert check_answer(given, TABLES[version], document["hook"]) == [], name
        for action in actions(given):
            assert informations(action["resource"]), name
            assert "status" in action["resource"] or "sandbox" in name


@pytest.mark.requirement("crd-2.2.1@covinfo-1", "crd-2.2.1@resp-32", "crd-2.0.1@265")
@pytest.mark.parametrize("version", VERSIONS)
def test_one_coverage_has_one_repetition_and_one_id(version: str) -> None:
    for name, _, given in answered_examples(version):
        for action in actions(given):
            found = [
                {part["url"]: part for part in each["extension"]} for each in informations(action["resource"])
            ]
            coverages = [each["coverage"]["valueReference"]["reference"] for each in found]
            assert len(coverages) == len(set(coverages)), name


@pytest.mark.requirement("crd-2.2.1@resp-32", "crd-2.0.1@264")
@pytest.mark.parametrize("version", VERSIONS)
def test_different_coverages_have_different_ids_and_numbers(version: str) -> None:
    orders = [drug("order-1", insurance=[{"reference": f"Coverage/cov-{each}"}]) for each in (1, 2)]
    both = chart(coverage=bundle(coverage("cov-1"), coverage("cov-2")))
    given = [said(answer(call("order-sign", order, prefetch=both, version=version))) for order in orders]
    assert [each["coverage"] for each in given] == [
        [{"reference": "Coverage/cov-1"}],
        [{"reference": "Coverage/cov-2"}],
    ]
    for name in ("coverage-assertion-id", "satisfied-pa-id"):
        assert given[0][name] != given[1][name]


@pytest.mark.requirement("crd-2.2.1@resp-30", "crd-2.0.1@262")
@pytest.mark.parametrize("version", VERSIONS)
def test_limits_of_an_answer_stand_in_it(version: str) -> None:
    found = said(answer(call("order-sign", version=version)))
    codes = [
        part["valueCodeableConcept"]["coding"][0]["code"]
        for detail in found["detail"]
        for part in detail
        if part["url"] == "code"
    ]
    assert "allowed-period" in codes
    limited = next(given for name, _, given in answered_examples(version) if "dsuvia" in name)
    assert any("36" in str(each["text"]) for each in said(limited)["reason"])


@pytest.mark.requirement("crd-2.2.1@covinfo-2")
@pytest.mark.parametrize("version", VERSIONS)
def test_each_reason_stands_for_itself(version: str) -> None:
    for name, _, given in answered_examples(version):
        for position in range(len(actions(given))):
            texts = [each["text"] for each in said(given, position).get("reason", ())]
            assert len(texts) == len(set(texts)), name
            assert all(len(text) > 20 for text in texts), name


@pytest.mark.requirement("crd-2.2.1@resp-25", "crd-2.0.1@279")
@pytest.mark.parametrize("version", VERSIONS)
def test_coverage_information_is_never_a_card(version: str) -> None:
    for _, _, card in cards(version):
        assert card["source"]["topic"]["code"] not in ("coverage-info", "unsolicited-determ")
        for suggestion in card.get("suggestions", ()):
            for action in suggestion["actions"]:
                assert informations(action["resource"]) == []


@pytest.mark.requirement(
    "crd-2.2.1@resp-3", "crd-2.2.1@resp-4", "crd-2.2.1@resp-5", "crd-2.2.1@resp-13", "crd-2.0.1@77",
)  # fmt: skip
@pytest.mark.parametrize("version", VERSIONS)
def test_every_card_has_what_every_card_must_have(version: str) -> None:
    uuids = []
    for name, _, card in cards(version):
        uuids.append(card["uuid"])
        assert 0 < len(card["summary"]) < 140, name
        assert card["source"]["label"] in INSURERS
        topic = card["source"]["topic"]
        assert (topic["system"], bool(topic["code"])) == (TABLES[version].topic_system, True)
        assert card["indicator"] in ("info", "warning")
        for suggestion in card.get("suggestions", ()):
            uuids.append(suggestion["uuid"])
            assert all(action["description"] for action in suggestion["actions"])
    assert all(uuids)


@pytest.mark.requirement("crd-2.2.1@resp-1", "crd-2.2.1@resp-2")
@pytest.mark.parametrize("version", VERSIONS)
def test_no_card_is_critical(version: str) -> None:
    assert {card["indicator"] for _, _, card in cards(version)} == {"info", "warning"}


SHOWN = {
    "external-reference": "covered-macrilen-2024",
    "instructions": "not-covered-dsuvia-over-limit",
    "alternate-request": "lower-cost-site-remicade-hospital",
}


@pytest.mark.requirement(
    "crd-2.2.1@resp-15", "crd-2.2.1@resp-22", "crd-2.2.1@resp-24", "crd-2.2.1@resp-56", "crd-2.0.1@247",
    "crd-2.0.1@248", "crd-2.0.1@249",
)  # fmt: skip
@pytest.mark.parametrize("version", VERSIONS)
def test_every_response_type_that_is_sent_is_shown_by_an_example(version: str) -> None:
    found: dict[str, set[str]] = {}
    for name, _, card in cards(version):
        found.setdefault(kind(card), set()).add(name)
    assert set(found) == set(SHOWN)
    for response_type, name in SHOWN.items():
        assert name in found[response_type]


@pytest.mark.requirement(
    "crd-2.2.1@resp-17", "crd-2.2.1@resp-18", "crd-2.2.1@resp-19", "crd-2.2.1@resp-20", "crd-2.2.1@resp-21",
    "crd-2.2.1@resp-22", "crd-2.2.1@resp-23", "crd-2.2.1@resp-10", "crd-2.0.1@258", "crd-2.0.1@259",
)  # fmt: skip
def test_links_lead_to_the_very_policy_version_and_to_no_portal() -> None:
    linked = [card for _, _, card in cards("2.2") if kind(card) == "external-reference"]
    assert linked
    for card in linked:
        for link in card["links"]:
            assert (link["type"], "appContext" in link) == ("absolute", False)
            assert link["url"].split("/", 3)[3].startswith("policies/")
        assert "**Why**" in card["detail"] or "**What to do**" in card["detail"]
    for _, _, card in cards("2.2"):
        assert "](" not in card["detail"]
        assert "portal" not in card["detail"].lower()


@pytest.mark.requirement("crd-2.2.1@resp-6", "crd-2.2.1@resp-7", "crd-2.2.1@resp-8", "crd-2.2.1@resp-9")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_summary_says_what_is_the_matter_and_the_detail_begins_with_it(version: str) -> None:
    for _, _, card in cards(version):
        assert ": " in card["summary"]
        first, *others = card["detail"].split("\n\n")
        assert first.startswith("Applies to the order for **")
        assert others[-1].startswith("_Coverage information")


@pytest.mark.requirement("crd-2.2.1@dev-24", "crd-2.2.1@dev-25", "crd-2.0.1@140")
@pytest.mark.parametrize("version", VERSIONS)
def test_of_several_orders_each_card_names_its_own(version: str) -> None:
    given = answer(call("order-sign", drug("order-1"), hospital_drug("order-2"), version=version))
    named: dict[str, int] = {"MedicationRequest/order-1": 0, "MedicationRequest/order-2": 0}
    for card in given["cards"]:
        (associated,) = card["extension"]["davinci-crd.associated-resource"]
        reference = associated if version == "2.0" else associated["reference"]
        named[reference] += 1
        text = "Macrilen" if reference.endswith("1") else "Remicade"
        assert text in card["detail"].split("\n\n")[0]
    assert all(named.values())


@pytest.mark.requirement("crd-2.2.1@resp-53", "crd-2.2.1@resp-56", "crd-2.2.1@resp-11", "crd-2.2.1@resp-55")
@pytest.mark.parametrize("version", VERSIONS)
def test_an_alternate_request_is_one_update_of_an_order_of_the_call(version: str) -> None:
    for name, document, card in cards(version):
        if kind(card) != "alternate-request":
            continue
        drafts: dict[str, Resource] = {
            each["resource"]["id"]: each["resource"] for each in document["context"]["draftOrders"]["entry"]
        }
        assert card["selectionBehavior"] == "at-most-one"
        for suggestion in card["suggestions"]:
            (action,) = suggestion["actions"]
            proposed = copy.deepcopy(action["resource"])
            assert action["type"] == "update"
            draft = drafts[proposed["id"]]
            performer = proposed["dispenseRequest"].pop("performer")
            asked = copy.deepcopy(draft)
            asked.get("dispenseRequest", {}).pop("performer", None)
            assert proposed == asked, name
            assert performer["display"] in suggestion["label"]
            assert performer["display"] in card["detail"], "it can be done by hand too"


@pytest.mark.requirement("crd-2.2.1@resp-59", "crd-2.2.1@resp-69", "crd-2.2.1@resp-70", "crd-2.0.1@305")
@pytest.mark.parametrize("version", VERSIONS)
def test_no_answer_sends_a_task_a_questionnaire_or_a_coverage(version: str) -> None:
    sent: list[Any] = []
    for _, _, given in answered_examples(version):
        sent += actions(given)
        for card in given["cards"]:
            for suggestion in card.get("suggestions", ()):
                sent += suggestion["actions"]
    assert {each["type"] for each in sent} == {"update"}
    kinds = {each["resource"]["resourceType"] for each in sent}
    assert kinds.isdisjoint({"Task", "Questionnaire", "Coverage"})
    assert "MedicationRequest" in kinds


@pytest.mark.requirement("crd-2.2.1@found-13", "crd-2.0.1@26")
@pytest.mark.parametrize("version", VERSIONS)
def test_a_card_speaks_of_an_order_of_the_call(version: str) -> None:
    for name, document, card in cards(version):
        text = str(document["context"]) + str(document["prefetch"])
        (associated,) = card["extension"]["davinci-crd.associated-resource"]
        reference = associated if isinstance(associated, str) else associated["reference"]
        assert reference.split("/")[1] in text, name


@pytest.mark.requirement("crd-2.2.1@resp-38", "crd-2.2.1@found-4")
@pytest.mark.parametrize("version", VERSIONS)
def test_documentation_that_is_asked_for_comes_with_a_form_that_can_be_had(version: str) -> None:
    asked = 0
    for name, _, given in answered_examples(version):
        for position in range(len(actions(given))):
            found = said(given, position)
            assert ("questionnaire" in found) is ("doc-needed" in found), name
            for canonical in found.get("questionnaire", ()):
                asked += 1
                address, _, release = canonical.partition("|")
                assert release
                response = app().test_client().get("/" + address.split("/", 3)[3])
                assert response.status_code == 200
                form = orjson.loads(response.data)
                assert (form["resourceType"], form["url"]) == ("Questionnaire", address)
    assert asked
