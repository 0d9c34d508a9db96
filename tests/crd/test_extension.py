"""coverage-information: every outcome in every version, valid and saying what was decided."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.crd.extension import coverage_information
from cds_service.crd.invariants import check_coverage_information
from cds_service.crd.versions import COVERAGE_INFORMATION, CRD_2_0, CRD_2_1, CRD_2_2, VERSIONS, CrdVersion
from cds_service.decisions.model import Outcome
from tests.crd.assertions import DETERMINATIONS, TODAY, assertion, determination, policy_page

VERSION = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
OUTCOME = pytest.mark.parametrize("outcome", DETERMINATIONS)


def said(outcome: str, version: CrdVersion, satisfied: bool | None = None) -> dict[str, list[Any]]:
    """The values of the sub-extensions by url."""
    extension = coverage_information(
        assertion(DETERMINATIONS[outcome], satisfied=satisfied), version, TODAY, policy_page
    )
    found: dict[str, list[Any]] = {}
    for part in extension["extension"]:
        value = next(value for key, value in part.items() if key != "url")
        found.setdefault(part["url"], []).append(value)
    return found


def details(outcome: str, version: CrdVersion) -> dict[str, dict[str, Any]]:
    """The detail sub-extensions by code, each as url to value."""
    found = {}
    for parts in said(outcome, version).get("detail", []):
        values = {part["url"]: next(v for k, v in part.items() if k != "url") for part in parts}
        found[values["code"]["coding"][0]["code"]] = values
    return found


@VERSION
@OUTCOME
@pytest.mark.parametrize("satisfied", [None, False], ids=["granted", "not granted"])
@pytest.mark.requirement("crd-2.2.1@resp-14", "crd-2.2.1@conf-13")
def test_every_outcome_is_valid_in_every_version(
    outcome: str, version: CrdVersion, satisfied: bool | None
) -> None:
    extension = coverage_information(
        assertion(DETERMINATIONS[outcome], satisfied=satisfied), version, TODAY, policy_page
    )
    assert extension["url"] == COVERAGE_INFORMATION
    assert check_coverage_information(extension, version) == []


@VERSION
@pytest.mark.parametrize(
    ("outcome", "covered", "pa_needed", "doc_needed", "doc_purpose", "info_needed"),
    [
        ("covered", "covered", "satisfied", None, None, None),
        ("covered without authorization", "covered", "no-auth", None, None, None),
        ("documentation needed", "covered", "auth-needed", "clinical", "withpa", None),
        ("lower-cost site", "covered", "auth-needed", "clinical", "withpa", None),
        ("lower-cost site, no exception possible", "covered", "auth-needed", None, None, None),
        ("not covered", "not-covered", None, None, None, None),
        ("quantity over the limit", "not-covered", None, None, None, None),
        ("coverage not active", "not-covered", None, None, None, None),
        ("site unknown", "conditional", "conditional", None, None, "location"),
        ("not addressed", "conditional", "conditional", None, None, "OTH"),
        ("no drug order", "conditional", "conditional", None, None, "OTH"),
    ],
)
def test_the_codes_of_each_outcome(
    version: CrdVersion,
    outcome: str,
    covered: str,
    pa_needed: str | None,
    doc_needed: str | None,
    doc_purpose: str | None,
    info_needed: str | None,
) -> None:
    found = said(outcome, version)
    expected = {
        "covered": covered,
        "pa-needed": pa_needed,
        "doc-needed": doc_needed,
        "doc-purpose": doc_purpose,
        "info-needed": info_needed,
    }
    for url, code in expected.items():
        assert found.get(url) == (None if code is None else [code]), url


@VERSION
def test_an_approval_that_may_not_be_given_at_once_asks_for_the_request(version: CrdVersion) -> None:
    found = said("covered", version, satisfied=False)
    assert (found["covered"], found["pa-needed"]) == (["covered"], ["auth-needed"])
    assert "satisfied-pa-id" not in found


@pytest.mark.requirement("crd-2.2.1@resp-43")
def test_technical_trouble_is_indeterminate_where_the_version_has_the_word() -> None:
    found = said("indeterminate", CRD_2_2)
    assert (found["covered"], found["pa-needed"]) == (["indeterminate"], ["indeterminate"])
    assert "info-needed" not in found
    assert found["reason"][0]["coding"][0]["code"] == "technical"
    assert found["reason"][0]["text"]


@pytest.mark.parametrize("version", [CRD_2_0, CRD_2_1], ids=["2.0", "2.1"])
def test_technical_trouble_is_conditional_where_it_has_not(version: CrdVersion) -> None:
    found = said("indeterminate", version)
    assert (found["covered"], found["pa-needed"]) == (["conditional"], ["conditional"])
    assert found["info-needed"] == ["OTH"]
    assert "coding" not in found["reason"][0]


def test_a_detailed_code_is_asked_for_in_the_words_of_each_version() -> None:
    assert said("contradictory codes", CRD_2_2)["info-needed"] == ["detail-code"]
    assert said("contradictory codes", CRD_2_1)["info-needed"] == ["OTH"]
    older = said("contradictory codes", CRD_2_0)
    assert older["info-needed"] == ["OTH"]
    assert older["reason"][0]["coding"][0]["code"] == "detail-code"


@pytest.mark.requirement("crd-2.2.1@resp-45")
def test_inactive_coverage_says_so_in_the_first_reason() -> None:
    assert said("coverage not active", CRD_2_2)["reason"][0]["coding"][0]["code"] == "no-active-coverage"
    assert "coding" not in said("coverage not active", CRD_2_1)["reason"][0]


@pytest.mark.requirement("crd-2.2.1@resp-30")
def test_limits_and_periods_are_details_of_the_answer() -> None:
    found = details("covered", CRD_2_2)
    assert found["allowed-period"]["value"] == {"start": "2024-09-01", "end": "2025-08-31"}
    assert found["allowed-quantity"]["value"] == {"value": 36, "unit": "tablets"}
    assert found["allowed-quantity"]["qualification"] == "per 72 hours"
    assert found["allowed-quantity"]["category"] == "cat-limitation"
    assert found["policy-link"]["value"] == "https://service.example/policies/acme-1/2024-07-01"
    assert said("covered", CRD_2_2)["expiry-date"] == ["2025-08-31"]


def test_fractions_stay_fractions() -> None:
    assert details("quantity over the limit", CRD_2_2)["allowed-quantity"]["value"]["value"] == 0.5


def test_older_versions_get_none_of_the_newer_words() -> None:
    assert set(details("covered", CRD_2_0)) == {"allowed-period", "allowed-quantity"}
    assert "category" not in details("covered", CRD_2_1)["allowed-period"]
    assert "expiry-date" not in said("covered", CRD_2_0)
    assert said("covered", CRD_2_1)["expiry-date"] == ["2025-08-31"]


def test_the_contact_has_the_type_of_the_version() -> None:
    phone = {"system": "phone", "value": "+1-555-0100", "use": "work"}
    asked = "documentation needed"
    assert said(asked, CRD_2_0)["contact"] == said(asked, CRD_2_1)["contact"] == [phone]
    desk = {"name": "Acme Health, prior authorization", "telecom": [phone]}
    assert said(asked, CRD_2_2)["contact"] == [desk]


def test_a_number_for_prior_authorization_is_given_only_where_it_is_open() -> None:
    for version in (CRD_2_0, CRD_2_1, CRD_2_2):
        for name in DETERMINATIONS:
            parts = said(name, version)
            open_still = parts.get("pa-needed", ["satisfied"])[0] in (
                "auth-needed",
                "conditional",
                "indeterminate",
            )
            assert ("contact" in parts) is open_still, name


@pytest.mark.requirement("crd-2.2.1@impl-5")
def test_what_an_approval_rests_on_is_stated() -> None:
    texts = [reason["text"] for reason in said("covered by attestation, known by name", CRD_2_2)["reason"]]
    assert any("by its name only" in text for text in texts)
    assert any("answers" in text for text in texts)


@pytest.mark.requirement("crd-2.2.1@billopt-3")
def test_the_billing_code_is_named_with_its_system() -> None:
    assert said("covered", CRD_2_2)["billingCode"] == [
        {"system": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "J3490"}
    ]
    cpt = coverage_information(
        assertion(determination(Outcome.NOT_COVERED, billing_code="96365")), CRD_2_2, TODAY, policy_page
    )
    coding = next(part["valueCoding"] for part in cpt["extension"] if part["url"] == "billingCode")
    assert coding == {"system": "http://www.ama-assn.org/go/cpt", "code": "96365"}
