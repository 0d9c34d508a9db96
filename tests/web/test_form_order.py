"""The order and the evidence behind answers, in words; whatever a client sent, nothing breaks."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.codes import Coding
from cds_service.fhir.index import ResourceIndex
from cds_service.orders.model import Indication, ServiceDate, ServiceDateBasis
from cds_service.web.form_evidence import in_words
from cds_service.web.form_order import order_facts, requester

NAMES = st.sampled_from(
    [
        "text",
        "name",
        "given",
        "family",
        "display",
        "reference",
        "quantity",
        "value",
        "unit",
        "code",
        "coding",
        "doseAndRate",
        "doseQuantity",
        "route",
        "prefix",
        "suffix",
        "numberOfRepeatsAllowed",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def facts(
    resource: dict[str, Any],
    patient: dict[str, Any] | None = None,
    indication: Indication | None = None,
    *others: dict[str, Any],
) -> dict[str, str]:
    index = ResourceIndex()
    for each in others:
        index.add(each)
    order = SimpleNamespace(
        indication=indication or Indication(),
        service_date=ServiceDate(date(2024, 9, 2), ServiceDateBasis.AUTHORED_ON),
    )
    opened: Any = SimpleNamespace(
        resource=resource,
        order=order,
        patient=patient,
        determination=SimpleNamespace(drug="Macrilen (macimorelin)"),
        assertion=SimpleNamespace(payer=SimpleNamespace(label="Cigna")),
        state=SimpleNamespace(context=SimpleNamespace(index=index)),
    )
    return dict(order_facts(opened))


def test_what_the_order_does_not_say_is_left_out() -> None:
    assert facts({}) == {
        "Drug": "Macrilen (macimorelin)",
        "Date of service": "2024-09-02 (date the order was written)",
        "Insurer": "Cigna",
    }


@pytest.mark.parametrize(
    ("instructions", "dose"),
    [
        ([{"text": "once,\n fasting"}, {"text": "then rest"}], "once, fasting; then rest"),
        ([{"patientInstruction": "with water"}], "with water"),
        (
            [{"doseAndRate": [{"doseQuantity": {"value": 0.5, "unit": "mg"}}], "route": {"text": "oral"}}],
            "0.5 mg oral",
        ),
    ],
)
def test_the_dose_as_it_is_written_or_coded(instructions: list[Any], dose: str) -> None:
    assert facts({"dosageInstruction": instructions})["Dose"] == dose


def test_the_amount_with_its_refills() -> None:
    request = {"quantity": {"value": 36, "unit": "tablet"}, "numberOfRepeatsAllowed": 2}
    assert facts({"dispenseRequest": request})["Amount"] == "36 tablet, 2 refills"


def test_the_reason_by_words_and_codes() -> None:
    coded = Indication((Coding("http://hl7.org/fhir/sid/icd-10-cm", "E23.0", "Hypopituitarism"),))
    assert facts({}, None, coded)["Reason"] == "Hypopituitarism (E23.0)"
    assert facts({}, None, Indication(texts=("low hormone",)))["Reason"] == "low hormone"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ([{"family": "Lind", "given": ["Marcus", "A"]}], "Marcus A Lind, born 1980-05-17"),
        ([{"text": "Marcus Lind"}], "Marcus Lind, born 1980-05-17"),
        ([], "born 1980-05-17"),
    ],
)
def test_the_patient_by_name_and_birth_date(name: list[Any], shown: str) -> None:
    assert facts({}, {"name": name, "birthDate": "1980-05-17"})["Patient"] == shown


def test_who_ordered_by_the_order_or_by_what_it_refers_to() -> None:
    clinician = {
        "resourceType": "Practitioner",
        "id": "p",
        "name": [{"family": "Okafor", "given": ["Ngozi"], "prefix": ["Dr."], "suffix": ["MD"]}],
    }
    role = {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/p"}}
    by_reference = {"requester": {"reference": "Practitioner/p"}}
    assert facts({"requester": {"display": "Dr. O"}})["Ordered by"] == "Dr. O"
    assert facts(by_reference, None, None, clinician)["Ordered by"] == "Dr. Ngozi Okafor, MD"
    in_role = {"requester": {"reference": "PractitionerRole/r"}}
    assert facts(in_role, None, None, clinician, role)["Ordered by"] == "Dr. Ngozi Okafor, MD"
    assert "Ordered by" not in facts(by_reference)
    assert (requester(by_reference), requester({})) == ("Practitioner/p", None)


@given(st.dictionaries(st.sampled_from(["dosageInstruction", "dispenseRequest", "requester"]), JSON), JSON)
def test_nothing_in_an_order_breaks_the_page(resource: dict[str, Any], name: Any) -> None:
    shown = facts(resource, {"name": name, "birthDate": name})
    assert all(isinstance(each, str) and len(each) <= 300 for each in shown.values())


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (
            {
                "resourceType": "Observation",
                "id": "1",
                "code": {"text": "Body mass index"},
                "effectiveDateTime": "2024-08-20T10:00:00Z",
            },
            "Observation: Body mass index, 2024-08-20",
        ),
        ({"resourceType": "Condition", "id": "1", "recordedDate": "2024-05-01"}, "Condition: 2024-05-01"),
        ({"resourceType": "Condition", "id": "1", "code": 7, "recordedDate": {}}, "Condition 1"),
        ({"resourceType": "Patient", "id": "1", "birthDate": "1980-05-17"}, "Patient"),
    ],
)
def test_evidence_by_what_it_is_and_when_it_was_noted(resource: dict[str, Any], said: str) -> None:
    index = ResourceIndex()
    index.add(resource)
    assert in_words(f"{resource['resourceType']}/1", index) == said


def test_evidence_that_is_not_at_hand_is_named() -> None:
    assert in_words("Observation/other", ResourceIndex()) == "Observation other"
