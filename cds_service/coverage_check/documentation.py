"""What every door for documentation runs: the operations of DTR, the form page, later PAS.

It opens what a hook call left behind, keeps drafts, and decides the order again with the answers given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cds_service.crd.assertion import CoverageAssertion
from cds_service.decisions.model import Determination
from cds_service.dtr.model import Form
from cds_service.orders.model import DrugOrder, MemberCoverage

if TYPE_CHECKING:
    from cds_service.dtr.answers import Answers
    from cds_service.dtr.versions import DtrVersion

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenDocumentation:
    """One order whose documentation is asked for, as it was when the hook was called, and decided again.

    `assertion` is what the hook asserted, its chart alone (`determination` is the same, with the answers of
    an earlier completed questionnaire where there is one); `forms` are the questionnaires that its
    coverage information names, in the policies' order; `resource`, `coverage.resource` and `patient` are as
    the EHR sent them. `client` is who called the hook (`hooks.trust.Caller.label`), None in open mode.
    `now` is the moment of the hook call. `stored` is False for an order that no hook call left behind:
    nothing can be saved or submitted for it.
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
    stored: bool = True
    order_key: str = ""
    state: Any = None


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An answer that says another thing than the chart: `on_record` is the chart's value in words, if any."""

    criterion: str
    name: str
    on_record: str | None


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

    @property
    def determination(self) -> Determination:
        """What is decided now."""
        return self.assertion.determination

    @property
    def authorization_number(self) -> str | None:
        """The number of the prior authorization, when it is given."""
        return self.assertion.identifiers.authorization_number if self.assertion.satisfied else None


class Documentation:
    """The documentation of orders. One instance serves all threads of all processes (it opens nothing early).

    Every method that names a stored order raises RequestError: CDS-1050 (404) for an id or link that is
    unknown, expired, forged or another client's, always with the same words; CDS-1052 (503) when the
    database cannot tell at the moment.
    """

    def open(self, assertion_id: str, client: str | None) -> OpenDocumentation:
        """The order behind a coverage-assertion-id that this client was given."""
        raise NotImplementedError

    def open_link(self, token: str) -> OpenDocumentation:
        """The order behind the signed token of a link on a card; no other proof of who calls is needed."""
        raise NotImplementedError

    def open_order(
        self,
        order: Resource,
        coverage: Resource,
        referenced: Sequence[Resource],
        client: str | None,
        now: datetime,
    ) -> OpenDocumentation | None:
        """An order that came without context: decided by what was sent with it; `stored` is False.

        None when it is no drug order that can be read, or nothing is asked. Raises RequestError as a hook
        call does for a Coverage that cannot be used (CDS-1030, CDS-1031).
        """
        raise NotImplementedError

    def token(self, assertion_id: str, client: str | None) -> str | None:
        """The signed token of a link to the form page; None when no key can be had at the moment."""
        raise NotImplementedError

    def response(self, opened: OpenDocumentation, form: Form, version: DtrVersion) -> dict[str, Any]:
        """The QuestionnaireResponse to begin with: the saved draft, else earlier answers, else what the
        chart and the order tell (status in-progress)."""
        raise NotImplementedError

    def answers(self, form: Form, response: Resource) -> Answers:
        """The answers in a response of any client. Raises RequestError CDS-1051 naming the element."""
        raise NotImplementedError

    def save_draft(self, opened: OpenDocumentation, form: Form, response: Resource, now: datetime) -> None:
        """Keep an unfinished response; the next draft of this order and form replaces it.

        Raises RequestError CDS-1051 for a response that is invalid for the form, CDS-1052 when it cannot be
        kept.
        """
        raise NotImplementedError

    def preview(self, opened: OpenDocumentation, responses: Sequence[Resource], now: datetime) -> Decided:
        """The decision with these responses, nothing kept. Raises RequestError CDS-1051."""
        raise NotImplementedError

    def submit(self, opened: OpenDocumentation, responses: Sequence[Resource], now: datetime) -> Decided:
        """Keep completed responses and decide the order again with them.

        Answers to other forms of the same order that were completed earlier count too. The same response
        again changes nothing. Raises RequestError CDS-1051 for a response that is invalid for its form, names
        none of `opened.forms` or is about another patient; CDS-1052 when it cannot be kept: then nothing is
        decided.
        """
        raise NotImplementedError
