"""A small vocabulary and small resources for reading orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from cds_service.fhir.codes import Coding
from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.systems import CodeSystem, CodeSystems
from cds_service.fhir.vocabulary import SettingCodes, Vocabulary
from cds_service.orders.model import DrugOrder, MemberCoverage
from cds_service.orders.read import read_drug_order

TODAY = date(2025, 3, 10)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CATEGORY = "http://terminology.hl7.org/CodeSystem/medicationrequest-category"

VOCABULARY = Vocabulary(
    CodeSystems(
        [
            CodeSystem("rxnorm", RXNORM),
            CodeSystem("hcpcs", HCPCS),
            CodeSystem("icd10cm", ICD),
            CodeSystem("snomed", SNOMED),
            CodeSystem("act-code", ACT),
            CodeSystem("medicationrequest-category", CATEGORY),
        ]
    ),
    SettingCodes(
        inpatient_classes=frozenset({(ACT, "IMP"), ("", "INPATIENT")}),
        outpatient_classes=frozenset({(ACT, "AMB"), ("", "OUTPATIENT")}),
        inpatient_categories=frozenset({"inpatient"}),
        outpatient_categories=frozenset({"outpatient", "community", "discharge"}),
        after_stay_categories=frozenset({"community", "discharge"}),
        past_encounter_statuses=frozenset({"finished"}),
        void_encounter_statuses=frozenset({"cancelled", "entered-in-error"}),
    ),
)
COVERAGE = MemberCoverage({"resourceType": "Coverage", "id": "cov-1"}, "Coverage/cov-1", "acme")
KETAMINE: dict[str, Any] = {
    "coding": [{"system": RXNORM, "code": "6130", "display": "ketamine"}],
    "text": "Ketamine 50 mg/mL",
}


@dataclass
class Found:
    """What the stand-in for the catalogue answers."""

    codings: tuple[Coding, ...]
    texts: tuple[str, ...]
    routes: tuple[Coding, ...]
    product: str | None = "ketalar"
    identified_by: str = "name"
    display: str = "Ketalar"
    billing_codes: tuple[str, ...] = ()
    unassigned_code: str | None = None
    contradictions: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


def identify(
    codings: Sequence[Coding],
    texts: Sequence[str],
    routes: Sequence[Coding] = (),
    route_texts: Sequence[str] = (),
) -> Found:
    return Found(tuple(codings), tuple(texts), tuple(routes), display=" / ".join((*texts, *route_texts)))


def index_of(*resources: dict[str, Any]) -> ResourceIndex:
    entries = [{"resource": resource} for resource in resources]
    index = ResourceIndex.from_prefetch({"everything": {"resourceType": "Bundle", "entry": entries}})
    index.set_patient("p1")
    return index


def order(**elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "mr",
        "medicationCodeableConcept": KETAMINE,
        **elements,
    }


def read(resource: dict[str, Any], *others: dict[str, Any]) -> DrugOrder:
    return read_drug_order(resource, index_of(*others), COVERAGE, identify, TODAY, VOCABULARY)
