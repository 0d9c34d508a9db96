"""An order whose documentation is open, and the decision that answers lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cds_service.coverage_check.call_context import CallContext
from cds_service.coverage_check.membership import Member
from cds_service.crd.assertion import CoverageAssertion
from cds_service.decisions.attestation import Attested, Contradiction
from cds_service.decisions.model import Determination
from cds_service.dtr.model import Form
from cds_service.dtr.responses import Subject
from cds_service.orders.model import DrugOrder, MemberCoverage

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What deciding again needs, beside what the doors see."""

    context: CallContext
    charts: Attested
    member: Member | None
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class OpenDocumentation:
    """One order whose documentation is asked for, as it was when the hook was called, and decided again.

    `assertion` is what is asserted now, with the answers of an earlier completed questionnaire where there
    is one; `determination` is what the chart alone decides. `forms` are the questionnaires that may change
    that, in the policies' order; `resource`, `coverage.resource` and `patient` are as the EHR sent them.
    `client` is who called the hook (`hooks.trust.Caller.label`), None in open mode. `now` is the moment of
    the hook call. `stored` is False for an order that no hook call left behind: nothing can be saved or
    submitted for it.
    """

    assertion: CoverageAssertion
    determination: Determination
    order: DrugOrder | None
    forms: tuple[Form, ...]
    resource: Resource
    coverage: MemberCoverage
    patient: Resource | None
    patient_reference: str
    client: str | None
    crd_version: str
    now: datetime
    expires_at: datetime | None
    stored: bool
    order_key: str
    state: State = field(repr=False)

    @property
    def subject(self) -> Subject:
        """What responses are about."""
        return Subject(
            self.patient_reference, self.coverage.reference, self.assertion.determination.order or None
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision with answers.

    `assertion` is new, with its own identifiers, and what the next hook call for the same order will say.
    `contradictions` and `undocumented` are the answers that do not count, and why nothing is covered by
    them; `authorization_number` is set when the answers were enough and the payer authorizes at once.
    `completed` says that the answers are kept (False for `preview`).
    """

    assertion: CoverageAssertion
    contradictions: tuple[Contradiction, ...] = ()
    undocumented: tuple[str, ...] = ()  # names of criteria whose answer needs a document
    completed: bool = False
    order: DrugOrder | None = None

    @property
    def determination(self) -> Determination:
        """What is decided now."""
        return self.assertion.determination

    @property
    def authorization_number(self) -> str | None:
        """The number of the prior authorization, when it is given."""
        return self.assertion.identifiers.authorization_number if self.assertion.satisfied else None
