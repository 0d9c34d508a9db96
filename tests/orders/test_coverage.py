"""Which Coverage counts, and what it says of member and plan."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cds_service.orders.coverage import coverages_of, is_active, member_coverage, payor_organization
from tests.orders.examples import index_of

DAY = date(2025, 3, 10)


def coverage(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Coverage", "id": "cov-1", "status": "active", **elements}


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, True),
        ({"status": None}, True),
        ({"status": "cancelled"}, False),
        ({"status": "draft"}, False),
        ({"status": "entered-in-error"}, False),
        ({"period": {"start": "2025-03-10", "end": "2025-03-10"}}, True),
        ({"period": {"end": "2025-03-09"}}, False),
        ({"period": {"start": "2025-03-11"}}, False),
        ({"period": {"start": "2025", "end": "2025-03"}}, True),
        ({"period": {"end": "2024"}}, False),
        ({"period": {"end": "2025-02"}}, False),
        ({"period": {"start": "2025-04"}}, False),
        ({"period": {"end": None}}, True),
        ({"period": None}, True),
        ({"period": "2025"}, None),
        ({"period": [{"end": "2025-03-09"}]}, None),
        ({"period": {"end": "Invalid date"}}, None),
        ({"period": {"end": "2025-13"}}, None),
        ({"period": {"start": ["2025-01-01"]}}, None),
        ({"status": {}}, None),
        ({"status": 7}, None),
        ({"status": "cancelled", "period": {"end": "Invalid date"}}, False),
        ({"status": {}, "period": {"end": "2025-03-09"}}, False),
    ],
)
def test_a_coverage_covers_a_day_or_leaves_that_open(elements: dict[str, Any], expected: bool | None) -> None:
    assert is_active(coverage(**elements), DAY) is expected


def test_only_usable_coverages_of_this_patient_are_candidates() -> None:
    others = coverage(id="cov-2", beneficiary={"reference": "Patient/p2"})
    index = index_of(coverage(), others, coverage(id="cov-3", status="cancelled"))
    assert [found["id"] for found in coverages_of(index, DAY)] == ["cov-1"]


ACME = {"resourceType": "Organization", "id": "org", "name": "Acme"}


@pytest.mark.parametrize(
    ("elements", "others"),
    [
        ({"payor": [{"reference": "Organization/org"}]}, [ACME]),
        ({"payor": {"reference": "Organization/org"}}, [ACME]),
        ({"payor": ["Organization/org"]}, [ACME]),
        ({"payor": [{"reference": "#org"}], "contained": [ACME]}, []),
        ({"payor": [{"reference": "Patient/p1"}, {"reference": "Organization/org"}]}, [ACME]),
    ],
)
def test_the_organization_behind_a_coverage(elements: dict[str, Any], others: list[dict[str, Any]]) -> None:
    found = coverage(**elements)
    assert payor_organization(found, index_of(found, *others)) == ACME


def test_an_organization_that_was_not_delivered_is_none() -> None:
    assert payor_organization(coverage(payor=[{"reference": "Organization/org"}]), index_of()) is None


def test_member_plan_and_line_of_business() -> None:
    found = member_coverage(
        coverage(
            subscriberId="W1",
            **{"class": [{"type": {"coding": [{"code": "plan"}]}, "value": "PPO-7", "name": "Open Access"}]},
        ),
        "acme",
        "commercial",
    )
    assert (found.reference, found.payer, found.member_id) == ("Coverage/cov-1", "acme", "W1")
    assert (found.plan, found.line_of_business) == ("PPO-7", "commercial")


def test_a_coverage_does_not_say_what_the_plan_excludes() -> None:
    assert member_coverage(coverage(), "acme").service_excluded is None


def test_the_member_number_may_be_an_identifier() -> None:
    number = {"type": {"coding": [{"code": "MB"}]}, "value": "W2"}
    assert member_coverage(coverage(identifier=[{"value": "x"}, number]), "acme").member_id == "W2"


def test_a_bare_coverage_says_nothing_more() -> None:
    found = member_coverage({"resourceType": "Coverage", "class": "gold", "type": 7}, "acme")
    assert (found.member_id, found.plan, found.line_of_business) == (None, None, None)
