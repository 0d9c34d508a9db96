"""The facts of one order, read once from FHIR and then passed on unchanged.

Every fact says where it came from, because the answer and the decision log must say it too.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from cds_service.fhir.codes import Coding


class IdentifiedBy(enum.Enum):
    """How the product on an order was recognised (policies/README point 7)."""

    PRODUCT_CODE = "product code"  # RxNorm or NDC of the catalogue
    BILLING_CODE = "billing code"  # a HCPCS code that stands for exactly this product
    NAME = "name"  # whole words of the order's text or displays; shown in the answer
    NOTHING = "nothing"


class ProductIdentification(NamedTuple):
    """Which catalogue product an order is for.

    `product` is a catalogue product id or None. `billing_codes` are upper-case HCPCS/CPT codes without
    modifiers, as the order gives them. `unassigned_code` is the first of them that names no drug
    (J3490, J3590, C9399, J9999 as listed in the catalogue). `contradictions` are sentences for people,
    non-empty when two codings of one order stand for different products. `possible` are the brands that an
    order which names only their substance leaves open.
    """

    product: str | None
    identified_by: IdentifiedBy
    display: str
    codings: tuple[Coding, ...] = ()
    billing_codes: tuple[str, ...] = ()
    unassigned_code: str | None = None
    contradictions: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


class ServiceDateBasis(enum.Enum):
    """Which element gave the date of service (design section 3)."""

    APPOINTMENT = "day of the appointment"
    OCCURRENCE = "start of the ordered occurrence"
    DOSAGE_TIMING = "start of the dosage timing"
    DISPENSE_VALIDITY = "start of the dispense validity period"
    AUTHORED_ON = "date the order was written"
    DAY_OF_CALL = "day of this request"


class ServiceDate(NamedTuple):
    """The date that picks the policy version, and the element it came from."""

    date: date
    basis: ServiceDateBasis


class Indication(NamedTuple):
    """Why the drug is ordered: the order's reason, else the encounter's (policies/README point 5).

    `source` is "order", "encounter" or None when neither gives a reason. `evidence` holds references
    ("Condition/c1"). `unusable` are sentences about reasons that must not count (refuted, entered in
    error, resolved, unresolvable reference). `is_coded` is True when every reason has an
    ICD-10-CM or SNOMED CT code and none is unusable, `in_icd10cm` when every reason has an ICD-10-CM
    code and none is unusable; both are None without a reason.
    """

    codes: tuple[Coding, ...] = ()
    texts: tuple[str, ...] = ()
    source: str | None = None
    evidence: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    is_coded: bool | None = None
    in_icd10cm: bool | None = None


class PatientStatus(enum.Enum):
    """Whether the patient is hospitalized at the time of service."""

    INPATIENT = "inpatient"
    OUTPATIENT = "outpatient"
    UNKNOWN = "unknown"


class CareSetting(NamedTuple):
    """Where the drug is to be given: encounter class and order category; place-of-service codes if any.

    `basis` names the element that settled it, for people. `codes` are all setting codes found.

    `site_codes` say what kind of place the order itself names for giving the drug, `affiliation_codes` what
    that place is part of, and `affiliation_known` whether all of that was at hand. `encounter_site_codes` say
    where the encounter takes place, when the order names no place: that is where the drug is ordered, and
    perhaps where it is given. `site_basis` says in words where they were found, or what is missing;
    `site_named` whether the order itself names a place.
    """

    patient_status: PatientStatus
    basis: str | None = None
    codes: tuple[Coding, ...] = ()
    site_codes: tuple[Coding, ...] = ()
    affiliation_codes: tuple[Coding, ...] = ()
    affiliation_known: bool = True
    encounter_site_codes: tuple[Coding, ...] = ()
    site_basis: str | None = None
    site_named: bool = False


class OrderedQuantity(NamedTuple):
    """How much is ordered. All None when the order does not say.

    `amount`/`unit` from dispenseRequest.quantity (times refills + 1), `supply_hours` from
    expectedSupplyDuration or the dosage's bounds, `maximum_per_hour` from dosage timing and dose or
    maxDosePerPeriod (units of `unit` per hour).
    """

    amount: Decimal | None = None
    unit: str | None = None
    supply_hours: Decimal | None = None
    maximum_per_hour: Decimal | None = None


class MemberCoverage(NamedTuple):
    """The Coverage that this answer is about, and the payer it belongs to.

    `reference` is the reference as the EHR knows it ("Coverage/cov-1"), never invented. `line_of_business` is
    the id of one of the payer's product lines, None when unknown. `service_excluded` says whether the plan
    excludes the ordered service; a Coverage does not tell, so it is None until the member is looked up.
    """

    resource: Mapping[str, Any]
    reference: str
    payer: str  # catalogue payer id
    member_id: str | None = None
    plan: str | None = None
    line_of_business: str | None = None
    service_excluded: bool | None = None


class DrugOrder(NamedTuple):
    """One medication order with everything a policy may ask of the order itself."""

    resource: Mapping[str, Any]  # the order exactly as received
    reference: str  # "MedicationRequest/mr-1"
    drug: ProductIdentification
    service_date: ServiceDate
    indication: Indication
    setting: CareSetting
    quantity: OrderedQuantity
    coverage: MemberCoverage
    route: tuple[Coding, ...] = ()
    route_text: str | None = None
    status: str | None = None
    notes: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()  # references of the drug orders that a service of giving the drug is for
