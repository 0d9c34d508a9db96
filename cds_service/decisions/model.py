"""The Determination: what was decided, why, and what is still missing."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from cds_service.orders.model import IdentifiedBy, ServiceDate
from cds_service.policies.model import CareSite, NotAddressed, Transition


class Outcome(enum.Enum):
    """The answers this service can give (design section 5). `merge` order: the first one wins."""

    NOT_COVERED = "not-covered"
    DOCUMENTATION_NEEDED = "documentation-needed"
    SITE_UNKNOWN = "site-unknown"
    LOWER_COST_SITE = "lower-cost-site"
    COVERED = "covered"
    NOT_ADDRESSED = "not-addressed"
    INDETERMINATE = "indeterminate"

    __hash__ = object.__hash__  # members are singletons; the hash of Enum is Python code, 0.3 us each time


class CriterionStatus(enum.Enum):
    """How one criterion stands for one order."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"
    NOT_NEEDED = "not needed"  # the conclusion is settled without it

    __hash__ = object.__hash__  # as of Outcome


SETTLED: Final = frozenset({CriterionStatus.MET, CriterionStatus.NOT_MET})


class CriterionResult(NamedTuple):
    """One criterion of a decision.

    `why` explains an unknown in words (missing, imprecise date, unit mismatch, data unavailable);
    `evidence` holds references of the resources behind the value; `attested` is True when the value is
    somebody's answer and not the chart; `unavailable` holds the types of resources that an unknown one read
    and nobody could tell about.
    """

    id: str
    name: str
    status: CriterionStatus
    cite: str
    why: str | None = None
    evidence: tuple[str, ...] = ()
    question: str | None = None
    documentation: str | None = None
    attested: bool = False
    value: str | None = None
    unavailable: frozenset[str] = frozenset()

    def settled(self) -> CriterionResult:
        """The same criterion when the decision no longer hangs on it: unknown becomes not needed."""
        if self.status is not CriterionStatus.UNKNOWN:
            return self
        return self._replace(status=CriterionStatus.NOT_NEEDED)


class PolicyCitation(NamedTuple):
    """Which policy version said it, and where. `policy`/`version` make the page's address."""

    policy: str
    number: str
    version: str
    title: str
    statement: str
    cite: str
    outcome: Outcome


class AllowedQuantity(NamedTuple):
    """A limit that belongs to the answer, e.g. 36 tablets per 72 hours."""

    amount: Decimal
    unit: str
    per_hours: int
    cite: str


class Reason(NamedTuple):
    """One sentence of the answer, with its citation when a policy said it.

    `code` is a CRD coverage assertion reason ("no-active-coverage", "technical", "detail-code") where the
    specification has one for it. `items` are the alternatives in the sentence, where it is a list, and
    `lead` the words before them; the text says all of it.
    """

    text: str
    cite: str | None = None
    code: str | None = None
    lead: str | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteAdvice:
    """What a site-of-care policy says besides its outcome.

    `lower_cost_settings` are covered without an exception; `exceptions` are the criteria of which any one
    keeps the restricted setting; `transition` is the limited approval for those who move.
    """

    lower_cost_settings: tuple[CareSite, ...]
    exceptions: tuple[str, ...] = ()
    transition: Transition | None = None
    cite: str | None = None


class Determination(NamedTuple):
    """The decision about one order, before any protocol version shapes it.

    `precertification`: the policy asks for prior authorization. `asks`: the unknown criteria that can
    still change the outcome, in the policy's order. `info_needed`: CRD info-needed codes ("location",
    "OTH", "detail-code"). `allowed_from`/`allowed_to`: the authorization period. `attested`: somebody's
    answers, not the chart alone, settled it. `identified_by` is None for orders that are no drug orders.
    `necessity_on_file` is False when only the site of care was decided: the drug's own policy is elsewhere.
    `site` says what a site-of-care policy advises where the setting is restricted or unknown.
    """

    outcome: Outcome
    order: str
    drug: str
    service_date: ServiceDate | None
    reasons: tuple[Reason, ...]
    policies: tuple[PolicyCitation, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    asks: tuple[CriterionResult, ...] = ()
    precertification: bool = False
    not_addressed: NotAddressed | None = None
    info_needed: tuple[str, ...] = ()
    allowed_from: date | None = None
    allowed_to: date | None = None
    allowed_quantity: AllowedQuantity | None = None
    billing_code: str | None = None
    notes: tuple[str, ...] = ()
    technical_code: str | None = None  # key of TECHNICAL_CODES when the outcome is indeterminate
    identified_by: IdentifiedBy | None = None
    necessity_on_file: bool = True
    site: SiteAdvice | None = None

    @property
    def attested(self) -> bool:
        """True when at least one criterion rests on an answer and not on the chart."""
        return any(each.attested and each.status in SETTLED for each in self.criteria)

    @property
    def authorizes(self) -> bool:
        """True when a policy asks precertification and the record shows every criterion that decides."""
        return self.outcome is Outcome.COVERED and self.precertification and self.necessity_on_file


TECHNICAL_CODES: Final[dict[str, str]] = {
    "CDS-2001": "A rule of the policy could not be evaluated.",
    "CDS-2002": "A rule of the policy gave something else than true, false or unknown.",
    "CDS-2003": "The order could not be processed.",
    "CDS-2004": "Data that decides could not be read from the FHIR server.",
    "CDS-2005": "The member could not be looked up.",
    "CDS-2006": "Status or period of the coverage cannot be read.",
}
