"""Decisions to store, made from the one thing a test is about."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from cds_service.store.model import DecisionRecord, RecordedCriterion, RecordedPolicy


def decision(number: int = 1, **changes: Any) -> DecisionRecord:
    """A covered Macrilen order with its authorization."""
    facts: dict[str, Any] = {
        "assertion_id": f"CA-{number}",
        "facts_digest": "digest-of-the-facts",
        "order_reference": "MedicationRequest/order-1",
        "coverage_reference": "Coverage/cov-1",
        "payer": "cigna",
        "product": "macrilen",
        "outcome": "covered",
        "policies": (RecordedPolicy("cigna-1701", "2024-07-01", "macrilen", "covered"),),
        "criteria": (
            RecordedCriterion("age", "met", ("Patient/pat-1",)),
            RecordedCriterion("bmi", "met", ("Observation/bmi-1",), attested=True),
        ),
        "service_date": date(2024, 9, 1),
        "authorization_number": f"PA-{number}",
        "hook_instance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "engine_version": "0.1.0",
        "catalogue_version": "catalogue-1",
        "decided_at": datetime(2024, 9, 1, 12, 30, 15, 123456, tzinfo=UTC),
        "crd_version": "2.0",
        "authorized_from": date(2024, 9, 1),
        "authorized_to": date(2025, 8, 31),
    }
    return DecisionRecord(**(facts | changes))


def without_authorization(number: int = 1, **changes: Any) -> DecisionRecord:
    """A decision that grants nothing."""
    return decision(number, authorization_number=None, authorized_from=None, authorized_to=None, **changes)
