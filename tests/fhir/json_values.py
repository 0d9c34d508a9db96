"""Generates arbitrary JSON that is shaped, more or less, like FHIR."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(
    [
        "resourceType", "id", "coding", "code", "system", "display", "text", "reference", "identifier",
        "type", "value", "unit", "status", "class", "category", "reasonCode", "reasonReference",
        "reason", "concept", "medicationCodeableConcept", "medicationReference", "medication", "contained",
        "dosageInstruction",
        "timing", "repeat", "boundsPeriod", "boundsDuration", "start", "end", "event", "frequency", "period",
        "periodUnit", "doseAndRate", "doseQuantity", "maxDosePerPeriod", "numerator", "denominator", "route",
        "dispenseRequest", "quantity", "validityPeriod", "expectedSupplyDuration", "numberOfRepeatsAllowed",
        "authoredOn", "encounter", "subject", "entry", "resource", "fullUrl", "link", "total", "meta",
        "lastUpdated", "extension", "url", "valueCodeableConcept", "verificationStatus", "clinicalStatus",
        "onsetDateTime", "ingredient", "itemCodeableConcept", "itemReference", "location", "payor", "name",
        "alias", "subscriberId", "issue", "severity",
    ]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(
        [
            "Observation", "Condition", "Medication", "MedicationRequest", "Encounter", "Patient", "Bundle",
            "OperationOutcome", "Condition/c1", "#m1", "urn:uuid:0", "/", "Patient/", "active", "d",
            "2024-06-01", "0002-06-01", "Invalid date", "2024", "J3490", "http://hl7.org/fhir/sid/ndc",
            "inpatient", "1e400",
        ]
    ),
)  # fmt: skip


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value, with the names and words of FHIR in unlikely places."""
    return st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=8),
        max_leaves=25,
    )


def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """Any JSON object with such names."""
    return st.dictionaries(NAMES, json_values(), max_size=12)
