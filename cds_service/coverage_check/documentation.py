"""What every door for documentation runs: the operations of DTR, the form page, later PAS.

It opens what a hook call left behind, keeps drafts, and decides the order again with the answers given.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson

from cds_service.coverage_check.call_context import CallContext, context_of
from cds_service.coverage_check.check import CoverageCheck
from cds_service.coverage_check.kept_answers import attestation, to_bytes
from cds_service.coverage_check.member import coverage_of
from cds_service.coverage_check.open_documentation import Decided, OpenDocumentation, State
from cds_service.coverage_check.prefill import prefilled
from cds_service.coverage_check.questionnaires import ASKING, Questionnaires
from cds_service.coverage_check.recording import decision_record
from cds_service.coverage_check.responses import (
    check_subject,
    digest,
    identity,
    invalid,
    not_found,
    unavailable,
)
from cds_service.crd.assertion import CoverageAssertion
from cds_service.decisions.attestation import Attestation, Attested, Contradiction
from cds_service.decisions.digest import is_assertion_id
from cds_service.decisions.model import Determination
from cds_service.dtr.answers import MAX_ATTACHMENT_BYTES, Answers, ResponseError, is_about, read_answers
from cds_service.dtr.conditions import asked
from cds_service.dtr.model import Form
from cds_service.dtr.responses import draft, restated
from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.references import parse_reference, reference_text
from cds_service.hooks.reading import write_json
from cds_service.orders.model import DrugOrder
from cds_service.store.errors import describe
from cds_service.store.model import StoredResponse
from cds_service.store.payload import SealedError

if TYPE_CHECKING:
    from cds_service.dtr.versions import DtrVersion
    from cds_service.store.documentation import DocumentationStore, RequestFound

__all__ = ["Contradiction", "Decided", "Documentation", "OpenDocumentation"]

Resource = Mapping[str, Any]

_LOG: Final = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_WAITS: Final = (0.1, 0.2, 0.3)  # seconds: another worker may not have written its queue yet
_ANSWERED: Final = ("completed", "amended")


class Documentation:
    """The documentation of orders. One instance serves all threads, before and after a fork.

    Every method that names a stored order raises RequestError: CDS-1050 (404) for an id or link that is
    unknown, expired, forged or another client's, always with the same words; CDS-1052 (503) when the
    database cannot tell at the moment.
    """

    def __init__(
        self,
        check: CoverageCheck,
        questionnaires: Questionnaires,
        store: DocumentationStore,
        *,
        max_attachment_bytes: int = MAX_ATTACHMENT_BYTES,
    ) -> None:
        self._check = check
        self._questionnaires = questionnaires
        self._store = store
        self.max_attachment_bytes = max_attachment_bytes

    def prepare(self) -> None:
        """Open the database before anybody waits for it; never raises."""
        self._questionnaires.signer()

    # -- opening -----------------------------------------------------------------------------------------

    def open(self, assertion_id: str, client: str | None) -> OpenDocumentation:
        """The order behind a coverage-assertion-id that this client was given."""
        found = self._request(assertion_id) if is_assertion_id(assertion_id) else None
        if found is None or found.client != client or found.expires_at <= datetime.now(UTC):
            raise not_found()
        return self._opened(context_of(found.content), found)

    def open_link(self, token: str) -> OpenDocumentation:
        """The order behind the signed token of a link on a card; no other proof of who calls is needed."""
        signer = self._questionnaires.signer()
        if signer is None:
            raise unavailable()
        link = signer.read(token)
        if link is None:
            raise not_found()
        return self.open(link.assertion_id, link.client)

    def open_order(
        self,
        order: Resource,
        coverage: Resource,
        referenced: Sequence[Resource],
        client: str | None,
        now: datetime,
    ) -> OpenDocumentation:
        """An order that came without context: decided by what was sent with it; `stored` is False.

        `order` of the result is None when it is no drug order that can be read. Raises RequestError as a
        hook call does for a Coverage that cannot be used (CDS-1030, CDS-1031).
        """
        index = ResourceIndex()
        patient = parse_reference(order.get("subject") or order.get("patient") or coverage.get("beneficiary"))
        if patient is not None and patient.id is not None:
            index.set_patient(patient.id)
        for each in (coverage, *referenced):
            index.add(each)
        path = "Parameters.parameter.where(name = 'order').resource"
        context = CallContext("order-sign", "2.2", now, "", client, True, path, order, index)
        return self._opened(context, None)

    def token(self, assertion_id: str, client: str | None) -> str | None:
        """The signed token of a link to the form page; None when no key can be had at the moment."""
        page = self._questionnaires.form_page(assertion_id, client)
        return page.rpartition("/")[2] if page is not None else None

    # -- responses ---------------------------------------------------------------------------------------

    def prefilled(self, opened: OpenDocumentation, form: Form) -> dict[str, Any]:
        """What the chart and the order answer of a form, values by link id."""
        version = self._check.catalogue.policy_version(form.policy, form.policy_version)
        chart = opened.state.charts.charts.get(form.policy)
        return {} if version is None or chart is None else prefilled(form, version.library, chart)

    def response(self, opened: OpenDocumentation, form: Form, version: DtrVersion) -> dict[str, Any]:
        """The QuestionnaireResponse as it stands: the saved draft, else the answers that were completed
        (status completed), else a new one."""
        kept = self._kept(opened, form)
        if kept is None:
            return self.fresh_response(opened, form, version)
        return restated(orjson.loads(kept.response), form, version, opened.subject, kept.status)

    def draft_response(self, opened: OpenDocumentation, form: Form, version: DtrVersion) -> dict[str, Any]:
        """The same to begin with: status in-progress, without answers to questions that are not asked."""
        kept = self._kept(opened, form)
        if kept is not None:
            return restated(orjson.loads(kept.response), form, version, opened.subject, "in-progress")
        known = self.prefilled(opened, form)
        enabled = asked(form, _comparable(known))
        shown = {link_id: value for link_id, value in known.items() if link_id in enabled}
        return draft(form, version, opened.subject, shown, opened.now)

    def fresh_response(self, opened: OpenDocumentation, form: Form, version: DtrVersion) -> dict[str, Any]:
        """What the chart and the order answer, whatever anybody answered since."""
        return draft(form, version, opened.subject, self.prefilled(opened, form), opened.now)

    def answers(self, form: Form, response: Resource, opened: OpenDocumentation | None = None) -> Answers:
        """The answers in a response of any client; with `opened` the chart's own let questions be asked.

        Raises RequestError CDS-1051 naming the element.
        """
        known = _comparable(self.prefilled(opened, form)) if opened is not None else {}
        try:
            return read_answers(form, response, known=known, max_attachment_bytes=self.max_attachment_bytes)
        except ResponseError as error:
            raise invalid(error.element, error.text) from None

    def save_draft(self, opened: OpenDocumentation, form: Form, response: Resource, now: datetime) -> None:
        """Keep an unfinished response; the next draft of this order and form replaces it.

        Raises RequestError CDS-1051 for a response that is invalid for the form, CDS-1052 when it cannot be
        kept.
        """
        check_subject(opened, response)
        answers = self.answers(form, response, opened)
        name = digest(opened.order_key, form.id, "draft")
        kept = self._stored(opened, answers, response, name, "in-progress", now, None)
        self._reached(lambda: self._store.save_draft(kept))

    # -- deciding ----------------------------------------------------------------------------------------

    def preview(self, opened: OpenDocumentation, responses: Sequence[Resource], now: datetime) -> Decided:
        """The decision with these responses, nothing kept. Raises RequestError CDS-1051."""
        return self._decide(opened, [self._read(opened, each) for each in responses])

    def submit(self, opened: OpenDocumentation, responses: Sequence[Resource], now: datetime) -> Decided:
        """Keep completed responses and decide the order again with them.

        Answers to other forms of the same order that were completed earlier count too. The same response
        again changes nothing. Raises RequestError CDS-1051 for a response that is invalid for its form, names
        none of `opened.forms` or is about another patient; CDS-1052 when it cannot be kept: then nothing is
        decided.
        """
        if not opened.stored:
            raise not_found()
        for each in responses:
            if each.get("status") not in _ANSWERED:
                raise invalid("QuestionnaireResponse.status", "must be completed or amended")
        read = [self._read(opened, each) for each in responses]
        decided = self._decide(opened, read)
        assertion, context = decided.assertion, opened.state.context
        kept = [
            self._stored(opened, answers, each, identity(opened, answers, each), "completed", now, assertion)
            for answers, each in zip(read, responses, strict=True)
        ]
        record = decision_record(
            assertion,
            decided.order,
            catalogue_version=self._check.catalogue.version,
            crd_version=context.crd_version,
            hook_instance=None,
            now=now,
        )
        request = None
        if assertion.questionnaires:
            request = self._questionnaires.request_for(
                assertion, context, opened.order_key, lambda: opened.state.content
            )
        self._reached(lambda: self._store.submit(kept, record, request))
        return Decided(
            assertion, decided.contradictions, decided.undocumented, completed=True, order=decided.order
        )

    # -- inside ------------------------------------------------------------------------------------------

    def _request(self, assertion_id: str) -> RequestFound | None:
        """What is kept, waiting shortly for the worker that answered the hook to write it."""
        for wait in (*_WAITS, None):
            try:
                found = self._reached(lambda: self._store.request(assertion_id))
            except SealedError as error:
                _LOG.error("a request for documentation cannot be opened: %s", error)
                return None
            if found is not None or wait is None:
                return found
            time.sleep(wait)
        return None

    def _opened(self, context: CallContext, found: RequestFound | None) -> OpenDocumentation:
        check, index = self._check, context.index
        coverage = coverage_of(context.order, context.path, index, check.catalogue)
        member = next(iter(check.members([coverage])), None)
        charts = Attested({})
        day = context.now.date()
        order, alone = check.determine(
            context.order, index, coverage, day, context.now, member=member, attested=charts
        )
        determination, key = alone, ""
        if found is not None:
            key = found.order_key
            earlier = self._earlier(key, order, alone)
            if earlier and alone.outcome in ASKING:
                attested = Attested(earlier)
                order, determination = check.determine(
                    context.order, index, coverage, day, context.now, member=member, attested=attested
                )
        reference = reference_text(context.order.get("subject") or context.order.get("patient"))
        return OpenDocumentation(
            assertion=check.assertion(context, order, determination, coverage),
            determination=alone,
            order=order,
            forms=self._questionnaires.forms_of(alone),
            resource=context.order,
            coverage=order.coverage if order is not None else coverage,
            patient=index.patient,
            patient_reference=reference or f"Patient/{index.patient_id or ''}",
            client=context.client,
            crd_version=context.crd_version,
            now=context.now,
            expires_at=found.expires_at if found is not None else None,
            stored=found is not None,
            order_key=key,
            state=State(context, charts, member, found.content if found is not None else b""),
        )

    def _kept(self, opened: OpenDocumentation, form: Form) -> StoredResponse | None:
        """The draft of a form, else its latest completed response."""
        if not opened.stored:
            return None
        return self._reached(lambda: self._store.latest(opened.order_key, form.id))

    def _read(self, opened: OpenDocumentation, response: Resource) -> Answers:
        form = next((each for each in opened.forms if is_about(each, response)), None)
        if form is None:
            raise invalid("QuestionnaireResponse.questionnaire", "is none that this order needs")
        named = str(response.get("questionnaire")).partition("|")[2]
        if named and named != form.version:
            form = self._questionnaires.forms.by_id(form.id, named)
            if form is None:
                raise invalid("QuestionnaireResponse.questionnaire", "names a version that is not on file")
        check_subject(opened, response)
        return self.answers(form, response, opened)

    def _decide(self, opened: OpenDocumentation, read: Sequence[Answers]) -> Decided:
        state, context = opened.state, opened.state.context
        new = {each.form.id for each in read}
        earlier: Mapping[str, Attestation] = {}
        if opened.stored:
            earlier = self._earlier(opened.order_key, opened.order, opened.determination, new)
        attested = Attested(_joined(earlier, read, {each.id: each for each in opened.forms}))
        order, determination = self._check.determine(
            context.order,
            context.index,
            opened.coverage,
            context.now.date(),
            context.now,
            member=state.member,
            attested=attested,
        )
        assertion = self._check.assertion(context, order, determination, opened.coverage)
        return Decided(assertion, tuple(attested.contradictions), tuple(attested.undocumented), order=order)

    def _earlier(
        self,
        key: str,
        order: DrugOrder | None,
        alone: Determination,
        answered_now: AbstractSet[str] = frozenset(),
    ) -> Mapping[str, Attestation]:
        """What was answered about an order before, but for the forms that are answered now (their ids)."""
        if order is None:
            return {}
        kept = self._reached(lambda: self._store.completed(key))
        contents = (each.answers for each in kept if each.form not in answered_now)
        return self._questionnaires.counting(contents, order, alone)

    def _stored(
        self,
        opened: OpenDocumentation,
        answers: Answers,
        response: Resource,
        name: str,
        status: str,
        now: datetime,
        decided: CoverageAssertion | None,
    ) -> StoredResponse:
        return StoredResponse(
            id=name,
            assertion_id=opened.assertion.identifiers.assertion_id,
            order_key=opened.order_key,
            form=answers.form.id,
            form_version=answers.form.version,
            client=opened.client,
            status=status,
            updated_at=now,
            answers=to_bytes(answers, decided.determination.allowed_to if decided is not None else None),
            response=write_json(response),
            decided_assertion_id=decided.identifiers.assertion_id if decided is not None else None,
        )

    def _reached(self, work: Callable[[], _Result]) -> _Result:
        """Use the database; raises RequestError CDS-1052 when it fails."""
        try:
            return work()
        except SealedError:
            raise
        except Exception as error:  # whatever the driver raises
            _LOG.error("documentation cannot be read or kept: %s", describe(error))
            raise unavailable() from None


def _joined(
    earlier: Mapping[str, Attestation], read: Iterable[Answers], forms: Mapping[str, Form]
) -> dict[str, Attestation]:
    found = dict(earlier)
    for each in read:
        policy, made = each.form.policy, attestation(each, forms[each.form.id])
        found[policy] = found[policy].joined(made) if policy in found else made
    return found


def _comparable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as conditions compare them: a quantity is its number."""
    return {link_id: getattr(value, "value", value) for link_id, value in values.items()}
