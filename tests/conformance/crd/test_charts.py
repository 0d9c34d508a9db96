"""What a chart holds decides, however it is shaped and coded (CRD 2.2.1 conf-2, conf-4, billopt; 2.0.1 3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.crd.service import (
    HCPCS,
    ICD10,
    NDC,
    PATIENT,
    RXNORM,
    VERSIONS,
    Document,
    Resource,
    actions,
    answer,
    body_mass_index,
    bundle,
    call,
    chart,
    coverage,
    drug,
    hospital_drug,
    said,
)

BILLING_OPTIONS = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-billing-options"
POS = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
MEMBER = {
    "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MB"}]},
    "system": "https://payers.example.org/member",
    "value": "W123456789",
}
RACE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
PAYOR = {"resourceType": "Organization", "id": "org-payer", "active": True, "name": "Cigna"}
REASON = {"coding": [{"system": ICD10, "code": "E23.0"}]}


def patient(**elements: Any) -> Resource:
    own: Resource = chart()["patient"]
    return own | elements


def encounter(**elements: Any) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": "enc-1",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "type": [{"text": "Office visit"}],
        "subject": PATIENT,
    } | elements


US_CORE: dict[str, Document] = {
    # Encounter.reasonCode, Coverage of CRD itself (US Core 3.1.1 has none), Condition.encounter
    "3.1.1": {
        "patient": patient(extension=[{"url": RACE, "extension": [{"url": "text", "valueString": "White"}]}]),
        "encounter": encounter(reasonCode=[REASON]),
        "coverage": bundle(coverage()),
        "observations": bundle(body_mass_index(24)),
    },
    # Encounter.reasonReference, Coverage with class and a payor Organization, meta.lastUpdated
    "6.1.0": {
        "patient": patient(address=[{"period": {"start": "2020-01-01"}, "state": "NY"}]),
        "encounter": encounter(
            reasonReference=[{"reference": "Condition/c-1"}],
            hospitalization={"dischargeDisposition": {"text": "home"}},
        ),
        "conditions": bundle(
            {
                "resourceType": "Condition",
                "id": "c-1",
                "clinicalStatus": {"coding": [{"code": "active"}]},
                "category": [{"coding": [{"code": "problem-list-item"}]}],
                "code": REASON,
                "subject": PATIENT,
            }
        ),
        "coverage": bundle(
            coverage(
                identifier=[MEMBER],
                payor=[{"reference": "Organization/org-payer"}],
                period={"start": "2024-01-01"},
            )
            | {"class": [{"type": {"coding": [{"code": "plan"}]}, "value": "GOLD", "name": "Gold"}]}
        ),
        "payers": bundle(PAYOR),
        "observations": bundle(body_mass_index(24, meta={"lastUpdated": "2024-08-20T10:00:00Z"})),
    },
    # Encounter.interpreter extension and location, Patient.deceased, Observation with several categories
    "7.0.0": {
        "patient": patient(name=[{"family": "Lindqvist", "given": ["Astrid"], "use": "official"}]),
        "encounter": encounter(
            extension=[
                {
                    "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-interpreter-needed",
                    "valueCoding": {"system": "http://snomed.info/sct", "code": "373067005"},
                }
            ],
            location=[{"location": {"reference": "Location/loc-1"}}],
            serviceProvider={"reference": "Organization/org-1"},
        ),
        "coverage": bundle(coverage(identifier=[MEMBER], payor=[{"reference": "Organization/org-payer"}])),
        "payers": bundle(PAYOR),
        "observations": bundle(
            body_mass_index(
                24,
                category=[
                    {"coding": [{"code": "vital-signs"}]},
                    {"coding": [{"code": "exam"}], "text": "screening"},
                ],
            )
        ),
    },
}


@pytest.mark.requirement("crd-2.2.1@conf-2", "crd-2.2.1@conf-13")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shape", US_CORE)
def test_the_same_facts_in_the_shape_of_any_us_core_version_decide_the_same(shape: str, version: str) -> None:
    found = answer(call("order-sign", prefetch=chart(**US_CORE[shape]), version=version))
    assert (said(found)["covered"], said(found)["pa-needed"]) == (["covered"], ["satisfied"])


def without(element: str) -> Resource:
    return {name: value for name, value in drug().items() if name != element}


def place(code: str, kind: str = "Organization") -> Resource:
    return {"resourceType": kind, "id": "place-1", "type": [{"coding": [{"system": POS, "code": code}]}]}


def given_at(code: str) -> tuple[Resource, Document]:
    order = hospital_drug(dispenseRequest={"performer": {"reference": "Organization/place-1"}})
    return order, chart(organizations=bundle(place(code)))


@pytest.mark.requirement("crd-2.2.1@conf-4", "crd-2.0.1@3")
@pytest.mark.parametrize(
    ("order", "prefetch", "covered", "pa_needed"),
    [
        (drug(), chart(), "covered", "satisfied"),
        (drug(), chart(observations=bundle(body_mass_index(41))), "not-covered", None),
        (drug(), chart(patient=patient(birthDate="2012-05-17")), "not-covered", None),
        (drug(), chart(observations=bundle()), "covered", "auth-needed"),
        (
            drug(reasonCode=[{"coding": [{"system": ICD10, "code": "F32.9"}]}]),
            chart(),
            "covered",
            "auth-needed",
        ),
        (without("reasonCode"), chart(), "covered", "auth-needed"),
        (hospital_drug(), chart(), "conditional", "conditional"),
        (*given_at("22"), "covered", "auth-needed"),
        (*given_at("11"), "covered", "conditional"),
    ],
    ids=[
        "met",
        "weight",
        "age",
        "nothing on record",
        "reason",
        "no reason",
        "no place",
        "hospital",
        "office",
    ],
)
def test_what_a_supported_element_says_changes_the_decision(
    order: Resource, prefetch: Document, covered: str, pa_needed: str | None
) -> None:
    found = said(answer(call("order-sign", order, prefetch=prefetch)))
    assert (found["covered"][0], found.get("pa-needed", [None])[0]) == (covered, pa_needed)


CODED = {
    "RxNorm": [{"system": RXNORM, "code": "213361"}],
    "HCPCS": [{"system": HCPCS, "code": "J1745"}],
    "HCPCS, the other way to write its address": [
        {"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "j1745"}
    ],
    "HCPCS with a modifier": [{"system": HCPCS, "code": "J1745-JZ"}],
    "both": [{"system": RXNORM, "code": "213361"}, {"system": HCPCS, "code": "J1745"}],
}


@pytest.mark.requirement("crd-2.2.1@found-10", "crd-2.2.1@resp-51", "crd-2.0.1@309", "crd-2.0.1@310")
@pytest.mark.parametrize("coded", CODED)
def test_one_drug_is_decided_the_same_however_it_is_coded(coded: str) -> None:
    order = hospital_drug(
        medicationCodeableConcept={"coding": CODED[coded]},
        dispenseRequest={"performer": {"reference": "Organization/place-1"}},
    )
    found = said(answer(call("order-sign", order, prefetch=chart(organizations=bundle(place("22"))))))
    assert (found["covered"], found["pa-needed"]) == (["covered"], ["auth-needed"])
    assert {each["code"] for each in found.get("billingCode", ())} <= {"J1745"}


@pytest.mark.requirement("crd-2.2.1@billopt-2", "crd-2.2.1@billopt-3")
@pytest.mark.parametrize("version", VERSIONS)
def test_billing_options_are_considered_and_never_needed(version: str) -> None:
    options = [
        {"url": BILLING_OPTIONS, "valueCodeableConcept": {"coding": [{"system": HCPCS, "code": "J1745"}]}}
    ]
    concept = {"coding": [{"system": "https://ehr.example.org/drugs", "code": "77"}]}
    named_only_there = hospital_drug(medicationCodeableConcept=concept | {"extension": options})
    nowhere = hospital_drug(medicationCodeableConcept=concept)
    beside = hospital_drug()
    beside["medicationCodeableConcept"] = beside["medicationCodeableConcept"] | {"extension": options}
    plain = said(answer(call("order-sign", hospital_drug(), version=version)))
    for order in (named_only_there, beside):
        found = said(answer(call("order-sign", order, version=version)))
        assert found["covered"] == plain["covered"] == ["conditional"]
        assert found["info-needed"] == plain["info-needed"] == ["location"]
        assert found["billingCode"][0]["code"] == "J1745"
    assert len(actions(answer(call("order-sign", nowhere, version=version)))) == 1


@pytest.mark.requirement("crd-2.2.1@conf-13")
def test_everything_sent_is_said_in_standard_elements() -> None:
    """The only extensions of an answer are coverage-information's own, and JSON extensions of CRD."""
    found = answer(call("order-sign"))
    (information,) = actions(found)[0]["resource"]["extension"]
    assert all("/" not in part["url"] for part in information["extension"])
    for card in found["cards"]:
        assert set(card["extension"]) == {"davinci-crd.associated-resource"}
        assert set(card) <= {
            "uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "links",
            "overrideReasons", "extension",
        }  # fmt: skip


@pytest.mark.requirement("crd-2.2.1@impl-5")
def test_what_was_inferred_is_said() -> None:
    found = answer(call("order-sign", drug(medicationCodeableConcept={"text": "Macrilen 60 mg"})))
    assert any("name only" in each["text"] for each in said(found)["reason"])


@pytest.mark.requirement("crd-2.2.1@found-10")
def test_a_national_drug_code_is_a_name_of_the_drug_too() -> None:
    for code in ("0169-1401-01", "00169140101", "00169-1401-01"):
        order = drug(medicationCodeableConcept={"coding": [{"system": NDC, "code": code}]})
        assert said(answer(call("order-sign", order)))["pa-needed"] == ["satisfied"]
