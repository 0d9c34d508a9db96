"""The check of approvals: it agrees with every approved example, and objects when the proof is gone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.robustness.support import objections, resources
from tests.robustness.test_mutations import EXAMPLES

Json = dict[str, Any]
TODAY = date(2026, 5, 4)
APPROVED = {
    "covered-isuprel-tilt-table-test": "satisfied",
    "covered-macrilen-2024": "satisfied",
    "medication-contained": "satisfied",
    "several-orders": "satisfied",
    "hand-over-defitelio": "satisfied",
    "covered-site-entyvio-infusion-center": "conditional",
    "covered-site-privigen-hospital-exception": "conditional",
    "hooks/order-dispatch-1.0-remicade-infusion-center": "conditional",
}


def first_order(request: Json) -> Json:
    """The first order of a request, wherever it stands."""
    return next(each for each in resources(request) if str(each["resourceType"]).endswith("Request"))


@pytest.mark.parametrize("name", APPROVED)
def test_it_has_nothing_against_what_is_approved_rightly(name: str) -> None:
    request = EXAMPLES[name]
    assert objections(request, first_order(request), APPROVED[name], TODAY) == []


@pytest.mark.parametrize(
    "name",
    [
        "not-covered-macrilen-bmi-41",
        "documentation-needed-macrilen-no-bmi",
        "not-covered-ketalar-depression",
        "not-covered-coverage-ended",
        "documentation-needed-unidentified-j3490",
        "sandbox-shape-no-policy",
        "not-addressed-spravato",
    ],
)
def test_it_would_object_to_approving_what_is_not(name: str) -> None:
    request = EXAMPLES[name]
    assert objections(request, first_order(request), "satisfied", TODAY) != []


def change(kind: str, **elements: Any) -> Callable[[Json], None]:
    """Sets elements of every resource of a type."""

    def make(request: Json) -> None:
        for each in resources(request):
            if each["resourceType"] == kind:
                each.update(elements)

    return make


@pytest.mark.parametrize(
    "make",
    [
        change("Observation", status="entered-in-error"),
        change("Observation", valueQuantity={"value": 41}),
        change("Observation", valueQuantity={"value": "many"}),
        change("Observation", subject={"reference": "Patient/somebody-else"}),
        change("Observation", effectiveDateTime="2031-01-01"),
        change("Patient", birthDate="2020-01-01"),
        change("Patient", id="somebody-else"),
        change("Coverage", status="cancelled"),
        change("Coverage", period={"end": "2001"}),
        change("Coverage", beneficiary={"reference": "Patient/somebody-else"}),
        change("MedicationRequest", authoredOn="2026-01-01"),
        change("MedicationRequest", medicationCodeableConcept={"text": "aspirin"}),
    ],
)
def test_it_objects_when_the_proof_is_gone(make: Callable[[Json], None]) -> None:
    request = copy.deepcopy(EXAMPLES["covered-macrilen-2024"])
    make(request)
    assert objections(request, first_order(request), "satisfied", TODAY) != []
