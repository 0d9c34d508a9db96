"""What differs on the wire between the CRD versions. The only place that knows one version from another.

Source: Da Vinci CRD 2.0.1, 2.1.0 and 2.2.1, StructureDefinition ext-coverage-information, value sets
coverage-information codes, coverage detail codes and coverage assertion reasons, CRD response types.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

COVERAGE_INFORMATION: Final = (
    "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
)
TEMPORARY_CODES: Final = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/temp"
HCPCS: Final = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT: Final = "http://www.ama-assn.org/go/cpt"


class AssociatedResource(enum.Enum):
    """How a card names the orders it is about (`davinci-crd.associated-resource`)."""

    STRING = "string"  # ["MedicationRequest/1"]
    REFERENCE = "reference"  # [{"reference": "MedicationRequest/1"}]


class ContactType(enum.Enum):
    """The data type of the `contact` sub-extension."""

    CONTACT_POINT = "valueContactPoint"
    CONTACT_DETAIL = "valueContactDetail"


@dataclass(frozen=True, slots=True)
class CrdVersion:
    """One CRD version: code systems, allowed codes and shapes of what this service sends.

    `maximum` gives the sub-extensions that may appear and how often (None: any number); `codes` the
    allowed values of the coded ones; `detail_codes` the detail codes and the value types they may carry;
    `reasons` the reason codes; `detail_category` whether a detail must say its category; `form_links` whether
    cards may link to a form of the payer's, as clients without DTR need it (from 2.2 on they must not).
    """

    version: str
    topic_system: str
    detail_system: str
    detail_category: bool
    contact: ContactType
    associated_resource: AssociatedResource
    maximum: Mapping[str, int | None]
    codes: Mapping[str, frozenset[str]]
    detail_codes: Mapping[str, str]
    reasons: frozenset[str]
    form_links: bool

    def knows(self, sub_extension: str, code: str) -> bool:
        """Whether a coded sub-extension may carry a code in this version."""
        return code in self.codes[sub_extension]


_COVERED: Final = frozenset({"covered", "not-covered", "conditional"})
_PA_NEEDED: Final = frozenset({"no-auth", "auth-needed", "satisfied", "performpa", "conditional"})
_DOC_PURPOSE: Final = frozenset({"withpa", "withclaim", "withorder", "retain-doc", "OTH"})
_INFO_NEEDED: Final = frozenset({"performer", "location", "timeframe", "contract-window", "OTH"})
_ONCE: Final = ("coverage", "covered", "pa-needed", "date", "coverage-assertion-id", "satisfied-pa-id")
_OFTEN: Final = (
    "doc-purpose", "info-needed", "billingCode", "reason", "detail", "dependency", "questionnaire", "contact",
)  # fmt: skip
_DETAILS_2_0: Final = {
    "allowed-quantity": "valueQuantity",
    "allowed-period": "valuePeriod",
    "in-network-copay": "valueQuantity",
    "out-network-copay": "valueQuantity",
    "concurrent-review": "valueBoolean",
    "appropriate-use-needed": "valueBoolean",
}
_DETAILS_2_1: Final = {**_DETAILS_2_0, "policy-link": "valueUrl", "instructions": "valueString"}


def _maximum(**more: int | None) -> Mapping[str, int | None]:
    named = {name.replace("_", "-"): count for name, count in more.items()}
    return MappingProxyType(dict.fromkeys(_ONCE, 1) | dict.fromkeys(_OFTEN, None) | named)


def _codes(
    extra: frozenset[str], doc_needed: frozenset[str], info_needed: frozenset[str]
) -> Mapping[str, frozenset[str]]:
    return MappingProxyType(
        {
            "covered": _COVERED | extra,
            "pa-needed": _PA_NEEDED | extra,
            "doc-needed": frozenset({"clinical", "admin", "conditional"}) | doc_needed | extra,
            "doc-purpose": _DOC_PURPOSE,
            "info-needed": _INFO_NEEDED | info_needed,
        }
    )


_NONE: Final[frozenset[str]] = frozenset()
_INDETERMINATE: Final = frozenset({"indeterminate"})

CRD_2_0: Final = CrdVersion(
    version="2.0",
    topic_system=TEMPORARY_CODES,
    detail_system=TEMPORARY_CODES,
    detail_category=False,
    contact=ContactType.CONTACT_POINT,
    associated_resource=AssociatedResource.STRING,
    maximum=_maximum(doc_needed=1, response=None),
    codes=_codes(_NONE, frozenset({"both"}), _NONE),
    detail_codes=MappingProxyType(_DETAILS_2_0 | {"auth-out-network-only": "valueBoolean"}),
    reasons=frozenset({"gold-card", "detail-code"}),
    form_links=True,
)

CRD_2_1: Final = CrdVersion(
    version="2.1",
    topic_system=TEMPORARY_CODES,
    detail_system=TEMPORARY_CODES,
    detail_category=False,
    contact=ContactType.CONTACT_POINT,
    associated_resource=AssociatedResource.REFERENCE,
    maximum=_maximum(doc_needed=None, expiry_date=1),
    codes=_codes(_NONE, frozenset({"patient"}), _NONE),
    detail_codes=MappingProxyType(_DETAILS_2_1 | {"auth-out-network-only": "valueBoolean"}),
    reasons=frozenset({"gold-card", "detail-code"}),
    form_links=True,
)

CRD_2_2: Final = CrdVersion(
    version="2.2",
    topic_system="http://terminology.hl7.org/CodeSystem/cdshooks-card-type",
    detail_system="http://terminology.hl7.org/CodeSystem/crd-coverage-detail",
    detail_category=True,
    contact=ContactType.CONTACT_DETAIL,
    associated_resource=AssociatedResource.REFERENCE,
    maximum=_maximum(doc_needed=None, expiry_date=1),
    codes=_codes(_INDETERMINATE, frozenset({"patient"}), frozenset({"detail-code"})),
    detail_codes=MappingProxyType(_DETAILS_2_1),
    reasons=frozenset(
        {
            "gold-card",
            "no-member-found",
            "no-active-coverage",
            "coverage-not-found",
            "auth-out-network",
            "technical",
        }
    ),
    form_links=False,
)

VERSIONS: Final[Mapping[str, CrdVersion]] = MappingProxyType(
    {each.version: each for each in (CRD_2_0, CRD_2_1, CRD_2_2)}
)

DETAIL_CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "allowed-quantity": "cat-limitation",
        "allowed-period": "cat-limitation",
        "in-network-copay": "cat-decisional",
        "out-network-copay": "cat-decisional",
        "concurrent-review": "cat-decisional",
        "appropriate-use-needed": "cat-decisional",
        "policy-link": "cat-other",
        "instructions": "cat-decisional",
    }
)
