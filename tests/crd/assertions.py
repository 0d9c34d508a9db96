"""Decided orders of every outcome, to be said in every CRD version."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from cds_service.crd.assertion import CoverageAssertion
from cds_service.decisions.digest import identifiers
from cds_service.decisions.model import (
    AllowedQuantity,
    CriterionResult,
    CriterionStatus,
    Determination,
    Outcome,
    PolicyCitation,
    Reason,
)
from cds_service.orders.model import IdentifiedBy, MemberCoverage, ServiceDate, ServiceDateBasis
from cds_service.policies.model import NotAddressed, Payer

TODAY: Final = date(2024, 9, 1)
PAYER: Final = Payer("acme", "Acme Health", (), url="https://acme.example", phone="+1-555-0100")
COVERAGE: Final = MemberCoverage({"resourceType": "Coverage", "id": "cov-1"}, "Coverage/cov-1", "acme", "W1")


def order(**elements: Any) -> dict[str, Any]:
    """An order with things a typed model would lose: unknown extensions, wrong shapes, exact decimals."""
    return {
        "resourceType": "MedicationRequest",
        "id": "mr-1",
        "status": "draft",
        "category": {"coding": [{"code": "outpatient"}]},
        "medicationCodeableConcept": {"text": "Macrilen"},
        "subject": {"reference": "Patient/p1"},
        "_authoredOn": {"extension": [{"url": "https://x.example/precision", "valueCode": "day"}]},
        "dispenseRequest": {"quantity": {"value": 5.0}},
        "somethingUnknown": [1, 2.50, None],
    } | elements


def citation(outcome: Outcome) -> PolicyCitation:
    return PolicyCitation(
        "acme-1", "0001", "2024-07-01", "Unassigned codes", "macrilen", "Section 3", outcome
    )


MET: Final = CriterionResult(
    "age", "Is 18 years of age or older", CriterionStatus.MET, "3.1", value="44 years"
)
OPEN: Final = CriterionResult(
    "bmi",
    "Body mass index is at most 40 kg/m2",
    CriterionStatus.UNKNOWN,
    "3.2",
    why="no such observation on record",
    question="What is the patient's most recent body mass index (kg/m2)?",
    documentation="Chart notes with height and weight.",
)


def determination(outcome: Outcome, **fields: Any) -> Determination:
    defaults: dict[str, Any] = {
        "order": "MedicationRequest/mr-1",
        "drug": "Macrilen",
        "service_date": ServiceDate(TODAY, ServiceDateBasis.AUTHORED_ON),
        "reasons": (Reason("Something the policy says", "Section 3"),),
        "policies": (citation(outcome),),
        "precertification": True,
        "billing_code": "J3490",
        "identified_by": IdentifiedBy.PRODUCT_CODE,
    }
    return Determination(outcome=outcome, **(defaults | fields))


DETERMINATIONS: Final[dict[str, Determination]] = {
    "covered": determination(
        Outcome.COVERED,
        criteria=(MET,),
        allowed_from=TODAY,
        allowed_to=date(2025, 8, 31),
        allowed_quantity=AllowedQuantity(Decimal(36), "tablets", 72, "Section 3"),
    ),
    "covered by attestation, known by name": determination(
        Outcome.COVERED,
        criteria=(CriterionResult("bmi", "BMI", CriterionStatus.MET, "3.2", attested=True),),
        identified_by=IdentifiedBy.NAME,
        notes=("Recognised by its name only as Macrilen: the order carries no code of it.",),
    ),
    "covered without authorization": determination(
        Outcome.COVERED, precertification=False, policies=(), billing_code=None
    ),
    "documentation needed": determination(
        Outcome.DOCUMENTATION_NEEDED,
        criteria=(MET, OPEN),
        asks=(OPEN,),
        reasons=(Reason("Not yet shown: BMI"),),
    ),
    "not covered": determination(Outcome.NOT_COVERED),
    "quantity over the limit": determination(
        Outcome.NOT_COVERED, allowed_quantity=AllowedQuantity(Decimal("0.5"), "mL", 24, "Section 3")
    ),
    "coverage not active": determination(
        Outcome.NOT_COVERED,
        reasons=(Reason("The coverage ended.", code="no-active-coverage"),),
        policies=(),
    ),
    "site unknown": determination(Outcome.SITE_UNKNOWN, info_needed=("location",)),
    "lower-cost site": determination(Outcome.LOWER_COST_SITE, criteria=(OPEN,), asks=(OPEN,)),
    "lower-cost site, no exception possible": determination(Outcome.LOWER_COST_SITE),
    "not addressed": determination(
        Outcome.NOT_ADDRESSED, not_addressed=NotAddressed.REFERRED, info_needed=("OTH",)
    ),
    "contradictory codes": determination(
        Outcome.NOT_ADDRESSED,
        not_addressed=NotAddressed.CONTRADICTORY_CODES,
        info_needed=("detail-code",),
        reasons=(Reason("J1745 is infliximab, the RxNorm code is ketamine.", code="detail-code"),),
        policies=(),
    ),
    "no drug order": determination(
        Outcome.NOT_ADDRESSED,
        not_addressed=NotAddressed.NOT_A_DRUG,
        info_needed=("OTH",),
        policies=(),
        billing_code=None,
        service_date=None,
        drug="",
    ),
    "indeterminate": determination(
        Outcome.INDETERMINATE,
        info_needed=("OTH",),
        reasons=(Reason("The rules could not be evaluated (CDS-2001).", code="technical"),),
        technical_code="CDS-2001",
    ),
}


def assertion(
    decided: Determination,
    *,
    resource: dict[str, Any] | None = None,
    satisfied: bool | None = None,
    coverage: MemberCoverage = COVERAGE,
) -> CoverageAssertion:
    """The assertion about a decision, satisfied where it can be unless told otherwise."""
    resource = order() if resource is None else resource
    given = decided.authorizes if satisfied is None else satisfied
    names = identifiers(decided, None, resource, coverage, b"key", satisfied=given)
    return CoverageAssertion(resource, decided, coverage, PAYER, names, given)


def policy_page(policy: str, version: str) -> str:
    return f"https://service.example/policies/{policy}/{version}"
