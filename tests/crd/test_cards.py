"""Cards: a clinician can read every outcome, and no text of an order can do anything but be read."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.crd.cards import cards
from cds_service.crd.markdown import escape, line
from cds_service.crd.versions import CRD_2_0, CRD_2_1, CRD_2_2, VERSIONS, CrdVersion
from cds_service.decisions.model import Determination, Outcome, Reason
from tests.crd.assertions import DETERMINATIONS, OPEN, assertion, determination, policy_page

CALL = "b3d0c1f0-7a3e-4c41-9d0c-3f0a2a4c8f11"
SPOKEN = [name for name in DETERMINATIONS if name != "no drug order"]


def made(decided: Determination, version: CrdVersion = CRD_2_2, **options: Any) -> list[dict[str, Any]]:
    return list(cards(assertion(decided, **options), version, CALL, policy_page))


@pytest.mark.parametrize("outcome", SPOKEN)
@pytest.mark.requirement("crd-2.2.1@resp-4", "crd-2.2.1@resp-6", "crd-2.2.1@dev-24")
def test_every_outcome_is_told(outcome: str) -> None:
    card = made(DETERMINATIONS[outcome])[0]
    assert card["summary"].startswith("Macrilen: ")
    assert card["source"]["label"] == "Acme Health"
    assert "Applies to the order for **Macrilen**" in card["detail"]
    assert "**Why**" in card["detail"]
    assert "**What to do**" in card["detail"]
    assert "not treatment advice" in card["detail"]


def test_an_order_that_is_no_drug_order_gets_no_card() -> None:
    assert made(DETERMINATIONS["no drug order"]) == []


@pytest.mark.parametrize(
    ("outcome", "indicator"),
    [
        ("covered", "info"),
        ("not covered", "warning"),
        ("documentation needed", "warning"),
        ("not addressed", "info"),
        ("indeterminate", "info"),
    ],
)
@pytest.mark.requirement("crd-2.2.1@resp-1", "crd-2.2.1@resp-2")
def test_only_what_asks_for_action_warns(outcome: str, indicator: str) -> None:
    assert made(DETERMINATIONS[outcome])[0]["indicator"] == indicator


def test_the_policy_its_date_and_its_page_are_named() -> None:
    card = made(DETERMINATIONS["not covered"])[0]
    assert "0001 Unassigned codes, effective 2024-07-01" in card["detail"]
    assert "Date of service 2024-09-01 (date the order was written)" in card["detail"]
    assert card["links"] == [
        {
            "label": "Policy 0001, effective 2024-07-01",
            "url": "https://service.example/policies/acme-1/2024-07-01",
            "type": "absolute",
        }
    ]


@pytest.mark.requirement("crd-2.2.1@resp-17", "crd-2.2.1@resp-18", "crd-2.2.1@resp-19", "crd-2.2.1@resp-20")
def test_a_policy_card_is_an_external_reference() -> None:
    card = made(DETERMINATIONS["covered"])[0]
    assert {link["type"] for link in card["links"]} == {"absolute"}
    assert "suggestions" not in card


@pytest.mark.requirement("crd-2.2.1@resp-22", "crd-2.2.1@resp-23")
def test_a_limit_card_is_an_instruction() -> None:
    card = made(DETERMINATIONS["covered"])[1]
    assert card["summary"] == "Macrilen: limited to 36 tablets per 72 hours"
    assert card["source"]["topic"]["code"] == "limits"
    assert "links" not in card
    assert "suggestions" not in card


def test_missing_facts_are_asked_in_the_words_of_the_policy() -> None:
    detail = made(DETERMINATIONS["documentation needed"])[0]["detail"]
    assert "What is the patient's most recent body mass index (kg/m2)?" in detail
    assert "Chart notes with height and weight." in detail


def test_the_authorization_number_is_on_the_card_when_it_is_given() -> None:
    granted = assertion(DETERMINATIONS["covered"])
    number = granted.identifiers.authorization_number
    assert number in made(DETERMINATIONS["covered"])[0]["detail"]
    assert number not in made(DETERMINATIONS["covered"], satisfied=False)[0]["detail"]


def test_a_drug_known_by_name_only_says_so() -> None:
    detail = made(DETERMINATIONS["covered by attestation, known by name"])[0]["detail"]
    assert "by its name only" in detail
    assert "Keep the documents behind the answers given" in detail


@pytest.mark.requirement("crd-2.2.1@dev-25")
def test_the_order_is_linked_in_the_form_of_each_version() -> None:
    key, decided = "davinci-crd.associated-resource", DETERMINATIONS["covered"]
    assert made(decided, CRD_2_0)[0]["extension"][key] == ["MedicationRequest/mr-1"]
    for version in (CRD_2_1, CRD_2_2):
        assert made(decided, version)[0]["extension"][key] == [{"reference": "MedicationRequest/mr-1"}]


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_the_topic_has_the_system_of_the_version(version: CrdVersion) -> None:
    assert made(DETERMINATIONS["covered"], version)[0]["source"]["topic"] == {
        "system": version.topic_system,
        "code": "guideline",
        "display": "Guideline",
    }


def test_each_card_has_its_own_identifier_and_keeps_it_when_the_call_is_repeated() -> None:
    first, again = made(DETERMINATIONS["covered"]), made(DETERMINATIONS["covered"])
    identifiers = [card["uuid"] for card in first]
    assert identifiers == [card["uuid"] for card in again]
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize("length", [1, 60, 139, 140, 500])
def test_a_summary_is_always_short_enough(length: int) -> None:
    for card in made(determination(Outcome.DOCUMENTATION_NEEDED, drug="x" * length)):
        assert 0 < len(card["summary"]) < 140


@pytest.mark.parametrize(
    "hostile",
    [
        "[click](https://evil.example)",
        "![x](https://evil.example/p.png)",
        "<script>alert(1)</script>",
        "<https://evil.example>",
        "https://evil.example/path",
        "www.evil.example",
        "a@evil.example",
        "x\n\n# heading\n- item",
        "`code` **bold** _it_ ~~no~~ | a | b |",
        "&lt;img src=x&gt;",
    ],
)
def test_texts_from_the_order_can_only_be_read(hostile: str) -> None:
    decided = determination(Outcome.NOT_COVERED, drug=hostile, reasons=(Reason(hostile),), notes=(hostile,))
    card = made(decided)[0]
    for place in (card["detail"], card["summary"]):
        unescaped = place.replace("\\[", "").replace("\\<", "").replace("\\!", "")
        assert "](" not in unescaped.replace("\\](", "")
        assert "<" not in unescaped
        assert "\n# " not in place
    assert "https://" not in card["detail"]
    assert "www.e" not in card["detail"]
    assert "@e" not in card["detail"]


def test_plain_texts_stay_as_they_are() -> None:
    text = "Body mass index is at most 40 kg/m2 (e.g. 39.5 kg/m2), 18 years and older"
    assert escape(text).replace("\u200b", "") == text


@pytest.mark.parametrize(
    ("text", "shown"), [("- item", "\\- item"), ("1. first", "1\\. first"), ("+1", "\\+1")]
)
def test_a_text_starts_no_list(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_long_texts_are_cut() -> None:
    assert escape("x" * 500, 10) == "x" * 9 + "…"
    assert line("a  \u202e b\x00c", 20) == "a b c"


def test_alternatives_are_a_list_and_not_asked_twice() -> None:
    either = Reason(
        "Not yet shown: a; b", "3", lead="One of these is enough", items=(OPEN.name, "Another way")
    )
    decided = determination(Outcome.DOCUMENTATION_NEEDED, asks=(OPEN,), reasons=(either,))
    detail = made(decided)[0]["detail"]
    assert f"- One of these is enough (3):\n  - {OPEN.name}\n  - Another way" in detail
    assert "say which of the alternatives above holds" in detail
    assert OPEN.question is not None
    assert OPEN.question not in detail
