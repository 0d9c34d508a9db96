"""The checker refuses what the specification refuses, and accepts the worked examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cds_service.crd.extension import coverage_information
from cds_service.crd.invariants import check_answer, check_coverage_information
from cds_service.crd.versions import CRD_2_0, CRD_2_1, CRD_2_2, CrdVersion
from tests.crd.assertions import DETERMINATIONS, TODAY, assertion, policy_page

Parts = list[dict[str, Any]]


def problems(outcome: str, version: CrdVersion, change: Callable[[Parts], Parts]) -> list[str]:
    extension = coverage_information(assertion(DETERMINATIONS[outcome]), version, TODAY, policy_page)
    extension["extension"] = change(extension["extension"])
    return check_coverage_information(extension, version)


def without(*urls: str) -> Callable[[Parts], Parts]:
    return lambda parts: [part for part in parts if part["url"] not in urls]


def plus(**part: Any) -> Callable[[Parts], Parts]:
    return lambda parts: [*parts, part]


def coded(url: str, code: str) -> Callable[[Parts], Parts]:
    return lambda parts: [part | {"valueCode": code} if part["url"] == url else part for part in parts]


@pytest.mark.parametrize(
    ("outcome", "version", "change", "named"),
    [
        ("documentation needed", CRD_2_2, without("doc-needed"), "purpose-has-documents"),
        ("documentation needed", CRD_2_2, without("reason"), "crd-ci-q8"),
        ("covered", CRD_2_0, without("pa-needed", "satisfied-pa-id"), "crd-ci-q2"),
        ("not covered", CRD_2_2, plus(url="pa-needed", valueCode="no-auth"), "crd-ci-q2"),
        ("site unknown", CRD_2_1, without("info-needed"), "crd-ci-q3"),
        ("covered", CRD_2_0, plus(url="info-needed", valueCode="location"), "crd-ci-q3"),
        ("documentation needed", CRD_2_2, coded("pa-needed", "no-auth"), "crd-ci-q4"),
        ("covered", CRD_2_1, without("satisfied-pa-id"), "crd-ci-q5"),
        ("documentation needed", CRD_2_1, plus(url="satisfied-pa-id", valueString="PA-1"), "crd-ci-q5"),
        ("not addressed", CRD_2_2, without("reason"), "crd-ci-q6"),
        ("indeterminate", CRD_2_2, without("reason"), "crd-ci-q9"),
        ("covered", CRD_2_2, plus(url="questionnaire", valueCanonical="https://x.example/q|1"), "crd-ci-q1"),
        (
            "documentation needed",
            CRD_2_2,
            plus(url="questionnaire", valueCanonical="https://x.example/q"),
            "versioned",
        ),
        (
            "covered",
            CRD_2_2,
            plus(url="reason", valueCodeableConcept={"coding": [{"code": "technical"}]}),
            "crd-ci-q7",
        ),
        ("covered", CRD_2_2, without("coverage"), "coverage: missing"),
        ("covered", CRD_2_2, without("date"), "date: missing"),
        ("covered", CRD_2_2, without("coverage-assertion-id"), "coverage-assertion-id: missing"),
        ("covered", CRD_2_2, plus(url="covered", valueCode="covered"), "covered: more than 1"),
        ("covered", CRD_2_0, plus(url="expiry-date", valueDate="2025-01-01"), "expiry-date: not in CRD 2.0"),
        (
            "covered",
            CRD_2_2,
            plus(url="response", valueReference={"reference": "x/1"}),
            "response: not in CRD 2.2",
        ),
        ("indeterminate", CRD_2_1, coded("covered", "indeterminate"), "indeterminate is no code of CRD 2.1"),
        ("covered", CRD_2_2, plus(url="contact", valueContactPoint={"value": "1"}), "valueContactDetail"),
        ("covered", CRD_2_1, plus(url="contact", valueContactDetail={"name": "1"}), "valueContactPoint"),
        ("covered", CRD_2_2, plus(url="dependency", valueReference={"reference": ""}), "empty"),
        (
            "documentation needed",
            CRD_2_0,
            plus(url="doc-needed", valueCode="admin"),
            "doc-needed: more than 1",
        ),
        (
            "not covered",
            CRD_2_1,
            plus(url="reason", valueCodeableConcept={"coding": [{"code": "technical"}], "text": "x"}),
            "technical is no reason of CRD 2.1",
        ),
    ],
)
def test_each_broken_rule_is_named(
    outcome: str, version: CrdVersion, change: Callable[[Parts], Parts], named: str
) -> None:
    found = problems(outcome, version, change)
    assert any(named in problem for problem in found), found


def test_a_coverage_invented_inside_the_order_is_refused() -> None:
    def contained(parts: Parts) -> Parts:
        return [{"url": "coverage", "valueReference": {"reference": "#cov"}}, *without("coverage")(parts)]

    assert any("coverage-of-the-client" in each for each in problems("covered", CRD_2_2, contained))


def test_details_of_another_version_are_refused() -> None:
    newer = coverage_information(assertion(DETERMINATIONS["covered"]), CRD_2_2, TODAY, policy_page)
    found = check_coverage_information(newer, CRD_2_0)
    assert any("category is for versions that define it" in problem for problem in found)
    assert any("policy-link is no detail of CRD 2.0" in problem for problem in found)


def test_another_extension_is_no_coverage_information() -> None:
    assert check_coverage_information({"url": "https://x.example"}, CRD_2_2) == [
        "url: not a coverage-information extension"
    ]


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ({}, "cards: missing"),
        ({"cards": [{"summary": "x" * 140}]}, "1 to 139"),
        ({"cards": [{"indicator": "critical"}]}, "indicator"),
        ({"cards": [{"source": {"topic": {"code": "coverage-info"}}}]}, "never a card"),
        ({"cards": [{"links": [{"type": "smart", "url": "https://x.example"}]}]}, "links are absolute"),
        ({"cards": [], "systemActions": []}, "empty"),
        (
            {"cards": [], "systemActions": [{"type": "create", "resource": {"extension": []}}]},
            "not an update",
        ),
    ],
)
def test_answers_that_may_not_be_sent(answer: dict[str, Any], named: str) -> None:
    assert any(named in problem for problem in check_answer(answer, CRD_2_2))
