"""What differs on the wire between CRD 2.0.1, 2.1.0 and 2.2.1, each in the letters of its own version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.crd.service import (
    VERSIONS,
    actions,
    answer,
    answered_examples,
    bundle,
    call,
    chart,
    coverage,
    drug,
    hospital_drug,
    post,
    said,
)

TEMPORARY = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
TOPICS = {
    "2.0": TEMPORARY,
    "2.1": TEMPORARY,
    "2.2": "http://terminology.hl7.org/CodeSystem/cdshooks-card-type",
}
DETAILS = {
    "2.0": TEMPORARY,
    "2.1": TEMPORARY,
    "2.2": "http://terminology.hl7.org/CodeSystem/crd-coverage-detail",
}
OPEN = chart(observations=bundle())  # a fact is missing, so documentation is asked for


def everything(version: str) -> list[tuple[str, Any]]:
    """Every sub-extension of every answered example, as name and part."""
    return [
        (part["url"], part)
        for _, _, given in answered_examples(version)
        for action in actions(given)
        for part in action["resource"]["extension"][-1]["extension"]
    ]


def details(version: str) -> list[dict[str, Any]]:
    """Every detail, as url to value."""
    return [
        {
            each["url"]: next(value for key, value in each.items() if key != "url")
            for each in part["extension"]
        }
        for name, part in everything(version)
        if name == "detail"
    ]


@pytest.mark.requirement("crd-2.2.1@resp-5", "crd-2.2.1@dev-2")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_system_of_topics(version: str) -> None:
    systems = {
        card["source"]["topic"]["system"]
        for _, _, given in answered_examples(version)
        for card in given["cards"]
    }
    assert systems == {TOPICS[version]}


@pytest.mark.requirement("crd-2.2.1@resp-30")
@pytest.mark.parametrize("version", VERSIONS)
def test_details_have_the_system_the_category_and_the_values_of_the_version(version: str) -> None:
    found = details(version)
    assert {each["code"]["coding"][0]["system"] for each in found} == {DETAILS[version]}
    assert all(("category" in each) is (version == "2.2") for each in found)
    codes = {each["code"]["coding"][0]["code"] for each in found}
    newer = {"policy-link", "instructions"}
    assert codes & newer == (set() if version == "2.0" else newer)
    assert {"allowed-period"} <= codes


@pytest.mark.parametrize("version", VERSIONS)
def test_the_contact_is_a_point_before_2_2_and_has_a_name_from_then_on(version: str) -> None:
    contacts = [part for name, part in everything(version) if name == "contact"]
    assert contacts
    value = "valueContactDetail" if version == "2.2" else "valueContactPoint"
    assert all(set(part) == {"url", value} for part in contacts)
    if version == "2.2":
        assert all(set(part[value]) == {"name", "telecom"} for part in contacts)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_expiry_date_comes_with_2_1(version: str) -> None:
    assert ("expiry-date" in said(answer(call("order-sign", version=version)))) is (version != "2.0")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_orders_of_a_card_are_texts_in_2_0_and_references_later(version: str) -> None:
    (card,) = answer(call("order-sign", version=version))["cards"]
    (named,) = card["extension"]["davinci-crd.associated-resource"]
    assert named == (
        "MedicationRequest/order-1" if version == "2.0" else {"reference": "MedicationRequest/order-1"}
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_codes_of_reasons_are_those_of_the_version(version: str) -> None:
    ended = chart(coverage=bundle(coverage(status="cancelled")))
    found = said(answer(call("order-sign", prefetch=ended, version=version)))["reason"][0]
    coding = {"system": TEMPORARY, "code": "no-active-coverage"}
    assert found.get("coding") == ([coding] if version == "2.2" else None)
    assert found["text"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_more_detailed_code_is_asked_for_in_the_word_of_the_version(version: str) -> None:
    """Two codes that stand for two drugs: 2.2 has a word for it, before it was `OTH`."""
    order = drug()
    order["medicationCodeableConcept"] = {
        "coding": [
            {"system": "http://hl7.org/fhir/sid/ndc", "code": "0169-1401-01"},
            {"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "J1745"},
        ]
    }
    found = said(answer(call("order-sign", order, version=version)))
    assert found["covered"] == ["conditional"]
    assert found["info-needed"] == (["detail-code"] if version == "2.2" else ["OTH"])


@pytest.mark.parametrize("version", VERSIONS)
def test_documentation_is_asked_for_once_and_never_by_words_of_another_version(version: str) -> None:
    found = said(answer(call("order-sign", prefetch=OPEN, version=version)))
    assert found["doc-needed"] == ["clinical"]
    assert found["doc-purpose"] == ["withpa"]
    assert "response" not in found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_place_is_asked_for_in_the_same_word_everywhere(version: str) -> None:
    assert said(answer(call("order-sign", hospital_drug(), version=version)))["info-needed"] == ["location"]


@pytest.mark.parametrize(("version", "status"), [("2.0", 422), ("2.1", 422), ("2.2", 400)])
def test_a_broken_call_has_the_status_of_the_version(version: str, status: int) -> None:
    document = call("order-sign", version=version)
    del document["context"]["draftOrders"]
    assert post(document).status_code == status


@pytest.mark.requirement("crd-2.2.1@dev-2")
def test_a_client_that_names_no_version_is_answered_in_the_oldest() -> None:
    assert answer(call("order-sign", version=None)) == answer(call("order-sign", version="2.0"))
