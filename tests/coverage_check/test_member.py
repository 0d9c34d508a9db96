"""Which Coverage an order is about, and what is refused because there is none to point at."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.hooks.errors import ErrorKind, RequestError
from tests.coverage_check.calls import (
    answered,
    call,
    chart,
    coverage,
    found,
    macrilen,
    said,
    standing,
)

STRANGER = {"identifier": {"system": "https://payers.example.org/payer-id", "value": "SOMEBODY"}}


def reference_said(prefetch: dict[str, Any], **elements: Any) -> str:
    text: str = said(answered(call(macrilen(**elements), prefetch=prefetch)))["coverage"][0]["reference"]
    return text


def refused(prefetch: dict[str, Any], **elements: Any) -> RequestError:
    with pytest.raises(RequestError) as raised:
        answered(call(macrilen(**elements), prefetch=prefetch))
    return raised.value


def test_the_only_coverage_of_the_patient_is_the_one() -> None:
    assert reference_said(chart()) == "Coverage/cov-1"


@pytest.mark.parametrize(
    "reference", ["Coverage/cov-2", "Coverage/cov-2/_history/3", {"display": "card"}, "ClaimResponse/c1"]
)
def test_the_order_names_the_coverage_it_is_for(reference: Any) -> None:
    named = {"reference": reference} if isinstance(reference, str) else reference
    other = coverage("cov-2") if isinstance(reference, str) and "cov-2" in reference else None
    expected = "Coverage/cov-2" if other else "Coverage/cov-1"
    prefetch = chart(coverage=found(*([coverage(), other] if other else [coverage()])))
    assert reference_said(prefetch, insurance=[named]) == expected


def test_the_payer_may_stand_in_an_organization() -> None:
    organization = {"resourceType": "Organization", "id": "org-1", "name": "Cigna Healthcare"}
    payor = [{"reference": "Organization/org-1"}]
    prefetch = chart(coverage=found(coverage(payor=payor)), payers=found(organization))
    assert reference_said(prefetch) == "Coverage/cov-1"


def test_the_payer_may_stand_inside_the_coverage() -> None:
    contained = {"resourceType": "Organization", "id": "payer", "name": "Cigna"}
    prefetch = chart(coverage=found(coverage(payor=[{"reference": "#payer"}], contained=[contained])))
    assert reference_said(prefetch) == "Coverage/cov-1"


def test_a_coverage_of_another_payer_beside_ours_does_not_matter() -> None:
    prefetch = chart(coverage=found(coverage("cov-9", payor=[STRANGER]), coverage()))
    assert reference_said(prefetch) == "Coverage/cov-1"


def test_an_inactive_coverage_beside_an_active_one_does_not_matter() -> None:
    prefetch = chart(coverage=found(coverage("cov-9", status="cancelled"), coverage()))
    assert reference_said(prefetch) == "Coverage/cov-1"


def test_a_coverage_without_a_status_counts() -> None:
    bare = coverage()
    del bare["status"]
    assert reference_said(chart(coverage=found(bare))) == "Coverage/cov-1"


@pytest.mark.requirement("crd-2.2.1@hook-13")
@pytest.mark.parametrize(
    ("coverages", "code"),
    [
        ([], "CDS-1030"),
        ([coverage(status="entered-in-error")], "CDS-1030"),
        ([coverage(beneficiary={"reference": "Patient/somebody-else"})], "CDS-1030"),
        ([coverage(payor=[STRANGER])], "CDS-1031"),
        ([coverage(payor=[])], "CDS-1031"),
        ([coverage(), coverage("cov-2")], "CDS-1032"),
    ],
)
def test_without_one_usable_coverage_of_ours_there_is_no_answer(
    coverages: list[dict[str, Any]], code: str
) -> None:
    error = refused(chart(coverage=found(*coverages)))
    assert (error.code, error.kind) == (code, ErrorKind.COVERAGE)
    assert error.expressions


def test_a_client_that_looked_and_found_none_has_none() -> None:
    assert refused(chart(coverage=None)).code == "CDS-1030"


@pytest.mark.requirement("crd-2.2.1@found-32")
def test_coverage_that_nobody_looked_for_is_missing_data() -> None:
    prefetch = chart()
    del prefetch["coverage"]
    error = refused(prefetch)
    assert (error.code, error.kind) == ("CDS-1040", ErrorKind.DATA_UNAVAILABLE)


def test_a_coverage_that_the_order_names_but_nobody_delivered_is_missing_data() -> None:
    error = refused(chart(), insurance=[{"reference": "Coverage/elsewhere"}])
    assert (error.code, error.kind) == ("CDS-1040", ErrorKind.DATA_UNAVAILABLE)
    assert error.expressions == ("context.draftOrders.entry[0].resource.insurance",)


def test_a_coverage_that_the_order_names_must_be_the_patients_own() -> None:
    other = coverage("cov-2", beneficiary={"reference": "Patient/somebody-else"})
    prefetch = chart(coverage=found(coverage(), other))
    assert refused(prefetch, insurance=[{"reference": "Coverage/cov-2"}]).code == "CDS-1030"
    both = [{"reference": "Coverage/cov-2"}, {"reference": "Coverage/cov-1"}]
    assert reference_said(prefetch, insurance=both) == "Coverage/cov-1"


@pytest.mark.parametrize(
    "reference",
    ["Patient/somebody-else", "https://ehr.example.org/fhir/Patient/somebody-else"],
)
def test_the_order_of_another_patient_is_not_decided_by_this_patients_chart(reference: str) -> None:
    error = refused(chart(), subject={"reference": reference})
    assert (error.code, error.kind) == ("CDS-1019", ErrorKind.INVALID)
    assert error.expressions == ("context.draftOrders.entry[0].resource", "context.patientId")


@pytest.mark.parametrize("subject", [None, {"display": "Jane"}, {"reference": "urn:uuid:0-1"}])
def test_an_order_that_does_not_say_whose_it_is_is_the_patients(subject: Any) -> None:
    error_free = answered(call(macrilen(subject=subject), prefetch=chart()))
    assert said(error_free)["covered"] == ["covered"]


@pytest.mark.requirement("crd-2.2.1@resp-45")
@pytest.mark.parametrize(
    ("elements", "text"),
    [
        ({"status": "cancelled"}, "not active"),
        ({"period": {"end": "2024-08-31"}}, "ended on 2024-08-31"),
        ({"period": {"start": "2024-09-02"}}, "starts on 2024-09-02"),
    ],
)
def test_a_coverage_that_is_not_active_is_not_covered(elements: dict[str, Any], text: str) -> None:
    answer = answered(call(prefetch=chart(coverage=found(coverage(**elements)))))
    assert standing(answer) == ("not-covered", None)
    reason = said(answer)["reason"][0]
    assert reason["coding"][0]["code"] == "no-active-coverage"
    assert text in reason["text"]


def test_a_coverage_counts_on_its_first_and_last_day() -> None:
    period = {"start": "2024-09-01", "end": "2024-09-01"}
    assert standing(answered(call(prefetch=chart(coverage=found(coverage(period=period))))))[0] == "covered"


def test_the_payer_is_recognised_by_its_name_on_the_card() -> None:
    prefetch = chart(coverage=found(coverage(payor=[{"display": "CIGNA"}])))
    assert reference_said(prefetch) == "Coverage/cov-1"
