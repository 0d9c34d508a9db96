"""The coverage check, step by step: what the hook, the command line and later doors all run."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import quote

from cds_service.coverage_check.call_context import CallContext
from cds_service.coverage_check.fetching import fetch
from cds_service.coverage_check.member import coverage_of, inactive, unreadable
from cds_service.coverage_check.membership import (
    Member,
    MemberLookup,
    Refusal,
    by_table,
    enrolled,
    excluded,
    look_up,
    refused,
)
from cds_service.coverage_check.network import network_sites
from cds_service.coverage_check.questionnaires import ASKING, Questionnaires
from cds_service.coverage_check.recording import decision_record
from cds_service.coverage_check.report import EVALUATE, FETCH, INDEX, READ, RESPOND, CallReport
from cds_service.coverage_check.scope import in_scope, orders_in_scope, resource_index
from cds_service.coverage_check.trouble import after_trouble, without_coverage
from cds_service.cql import Evaluation, EvaluationInput
from cds_service.crd.assertion import CoverageAssertion, NetworkSite
from cds_service.crd.configuration import Configuration
from cds_service.crd.extension import STANDINGS, allowed
from cds_service.crd.hook_rules import HOOK_RULES
from cds_service.crd.respond import respond
from cds_service.crd.versions import VERSIONS
from cds_service.decisions.attestation import Attested
from cds_service.decisions.decide import decide, indeterminate, no_active_coverage, not_addressed
from cds_service.decisions.digest import identifiers
from cds_service.decisions.model import TECHNICAL_CODES, Determination, SiteAdvice
from cds_service.fhir.ehr import EhrClient
from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.references import reference_to
from cds_service.hooks.errors import RequestError
from cds_service.hooks.request import HookRequest
from cds_service.orders.model import DrugOrder, MemberCoverage
from cds_service.orders.parameters import order_parameters
from cds_service.orders.read import OrderError, is_drug_order, read_drug_order
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.model import NotAddressed, Payer, PolicyVersion
from cds_service.store.model import DecisionRecord

_LOG: Final = logging.getLogger(__name__)
_NONE: Final[frozenset[str]] = frozenset()
_NO_DRUG_ORDER: Final = {
    "": "This is no drug order; the policies on file decide drug orders only.",
    "Appointment": "The appointment leads to no order that can be read; the policies on file decide drug "
    "orders only.",
}


class Recorder(Protocol):
    """Where decisions are kept; `store.DecisionRecorder` implements it."""

    def record(self, record: DecisionRecord) -> None: ...


class CoverageCheck:
    """Decides orders by the policies of one catalogue. One instance serves all threads.

    `public_base_url` starts the addresses of policy pages; `assertion_key` keys the assertion ids.
    `ehr` reads what calls lack from their FHIR servers; without it nothing is fetched. `members` looks
    members up; without it the Coverage of the call is believed. `questionnaires` name what may be answered
    and know what was; without them nothing is asked that way.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        recorder: Recorder | None = None,
        *,
        public_base_url: str = "http://127.0.0.1:8000",
        assertion_key: str = "",
        ehr: EhrClient | None = None,
        members: MemberLookup | None = None,
        questionnaires: Questionnaires | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._questionnaires = questionnaires
        self._recorder = recorder
        self._ehr = ehr
        self._members = members
        self._base_url = public_base_url.rstrip("/")
        self._key = assertion_key.encode()
        self._pages: dict[tuple[str, str], str] = {}

    def policy_page(self, policy: str, version: str) -> str:
        """The absolute address of the page about one policy version."""
        page = self._pages.get((policy, version))
        if page is None:
            page = f"{self._base_url}/policies/{quote(policy, safe='')}/{quote(version, safe='')}"
            self._pages[(policy, version)] = page
        return page

    def answer(self, request: HookRequest, now: datetime, report: CallReport | None = None) -> dict[str, Any]:
        """The whole answer to one hook call; `now` is aware, in the time zone that counts the days.

        `report` is told how long each stage took and what was asserted.
        Raises RequestError when an order has no single usable Coverage of a payer on file, or its data can
        neither be found in the call nor read from the FHIR server.
        """
        configuration = Configuration.read(request.configuration)
        if not configuration.coverage_information:
            return {"cards": []}
        report = report or CallReport()
        report.enter(INDEX)
        index = resource_index(request)
        failed = _NONE
        if self._ehr is not None:
            report.enter(FETCH)
            failed = fetch(index, in_scope(request, index), self._ehr, self.catalogue, now.date())
        request = orders_in_scope(request, index, failed)
        report.enter(READ)
        try:
            coverages = [
                coverage_of(order, path, index, self.catalogue) for path, order in request.draft_orders
            ]
        except RequestError as error:
            raise without_coverage(error, failed) from None
        client = request.client.label if request.client is not None else None
        assertions = [
            self._assert(
                CallContext(
                    request.hook,
                    request.requested_version,
                    now,
                    request.fhir_server or "",
                    client,
                    configuration.unsolicited_determination,
                    path,
                    order,
                    index,
                ),
                coverage,
                request.hook_instance,
                report,
                failed,
                member,
            )
            for (path, order), coverage, member in zip(
                request.draft_orders, coverages, self.members(coverages), strict=True
            )
        ]
        report.assertions = assertions
        report.enter(RESPOND)
        return respond(
            assertions,
            VERSIONS[request.requested_version],
            configuration,
            today=now.date(),
            hook_instance=request.hook_instance,
            policy_page=self.policy_page,
            form_page=partial(self._form_page, client),
        )

    def _form_page(self, client: str | None, assertion_id: str) -> str | None:
        """The address of the form page for an assertion of this call; None when there is none."""
        asking = self._questionnaires
        return asking.form_page(assertion_id, client) if asking is not None else None

    def members(self, coverages: Sequence[MemberCoverage]) -> Sequence[Member | None]:
        """What is known of the member of each Coverage, by one read; None where the Coverage is believed."""
        return [None] * len(coverages) if self._members is None else look_up(self._members, coverages)

    def determine(
        self,
        resource: Mapping[str, Any],
        index: ResourceIndex,
        coverage: MemberCoverage,
        today: date,
        now: datetime,
        answers: Mapping[str, Any] | None = None,
        report: CallReport | None = None,
        member: Member | None = None,
        attested: Attested | None = None,
    ) -> tuple[DrugOrder | None, Determination]:
        """Decide one order; the DrugOrder is None when it is no drug order or could not be read.

        `answers` are values of definitions that stand for the chart ("Name" or "Alias.Name"); `attested` are
        those that somebody gave on a questionnaire, which are weighed against the chart. Never raises:
        what breaks inside becomes an indeterminate outcome, and the log says where without patient data.
        """
        try:
            return self._determine(
                resource, index, coverage, today, now, answers or {}, report or CallReport(), member, attested
            )
        except Exception as error:
            _log_trouble(error)
            text = f"{TECHNICAL_CODES['CDS-2003']} (CDS-2003)"
            return None, indeterminate(reference_to(resource), "", "CDS-2003", text)

    def _determine(
        self,
        resource: Mapping[str, Any],
        index: ResourceIndex,
        coverage: MemberCoverage,
        today: date,
        now: datetime,
        answers: Mapping[str, Any],
        report: CallReport,
        member: Member | None,
        attested: Attested | None = None,
    ) -> tuple[DrugOrder | None, Determination]:
        report.enter(READ)
        reference = reference_to(resource)
        if not is_drug_order(resource, self.catalogue.vocabulary):
            text = _NO_DRUG_ORDER.get(str(resource.get("resourceType")), _NO_DRUG_ORDER[""])
            answer = not_addressed(reference, NotAddressed.NOT_A_DRUG, text)
            return None, _refusal(reference, coverage, index, today, member) or answer
        catalogue = self.catalogue
        try:
            order = read_drug_order(
                resource, index, coverage, catalogue.identify, today, catalogue.vocabulary
            )
        except OrderError as error:
            text = f"The drug of this order cannot be read: {error.message}"
            answer = not_addressed(reference, NotAddressed.NO_POLICY, text)
            return None, _refusal(reference, coverage, index, today, member) or answer
        if member is not None:
            enrolments = enrolled(member, coverage, index.patient, order.service_date.date)
            if isinstance(enrolments, Refusal):
                return order, refused(enrolments, reference, order)
            product = catalogue.products.get(order.drug.product or "")
            coverage = by_table(coverage, enrolments, order, product)
            order = order._replace(coverage=coverage)
        text_inactive = inactive(coverage, order.service_date.date)
        if text_inactive is not None:
            return order, no_active_coverage(order, text_inactive)
        if unreadable(coverage, order.service_date.date):
            text = f"{TECHNICAL_CODES['CDS-2006']} (CDS-2006)"
            return order, indeterminate(reference, order.drug.display, "CDS-2006", text)
        selection = catalogue.select(order, order.service_date.date)
        parameters = {**order_parameters(order), **selection.parameters} if selection.statements else {}

        def run(version: PolicyVersion, given: Mapping[str, Any]) -> Evaluation:
            given = {name: value for name, value in given.items() if version.library.defines(name)}
            return version.library.evaluate(
                EvaluationInput(index, catalogue.value_sets, parameters, now, given, trace=True)
            )

        def evaluate(version: PolicyVersion) -> Evaluation:
            if attested is None:
                return run(version, answers)
            statements = [each for of, each in selection.statements if of is version]
            return attested.decide(
                version.policy, lambda given: run(version, {**answers, **given}), statements
            )

        report.enter(EVALUATE)
        determination = decide(
            order,
            selection,
            evaluate,
            payer=catalogue.payers[coverage.payer],
            value_sets=catalogue.value_sets,
            attestable=bool(answers) or attested is not None,
        )
        if coverage.service_excluded and member is not None:
            determination = excluded(order, determination)
        return order, determination

    def _assert(
        self,
        context: CallContext,
        coverage: MemberCoverage,
        hook_instance: str,
        report: CallReport,
        failed: frozenset[str],
        member: Member | None,
    ) -> CoverageAssertion:
        """Decide one order, name the decision, and hand it to the recorder."""
        now, index = context.now, context.index

        def determine(attested: Attested | None = None) -> tuple[DrugOrder | None, Determination]:
            order, found = self.determine(
                context.order,
                index,
                coverage,
                now.date(),
                now,
                report=report,
                member=member,
                attested=attested,
            )
            return order, after_trouble(found, context.order, failed) if failed else found

        order, determination = determine()
        asking, key = self._questionnaires, ""
        if asking is not None and order is not None and determination.outcome in ASKING:
            key = asking.order_key(order, context)
            attested = asking.attested(key, order, determination)
            if attested is not None:
                order, determination = determine(attested)
        assertion = self.assertion(context, order, determination, coverage)
        if asking is not None and assertion.questionnaires:
            asking.keep(assertion, context, key)
        if self._recorder is not None or report.decisions is not None:
            record = decision_record(
                assertion,
                order,
                catalogue_version=self.catalogue.version,
                crd_version=context.crd_version,
                hook_instance=hook_instance,
                now=now,
                hook=context.hook,
                client=context.client,
            )
            if report.decisions is not None:
                report.decisions.append(record)
            elif self._recorder is not None:
                self._recorder.record(record)
        return assertion

    def assertion(
        self,
        context: CallContext,
        order: DrugOrder | None,
        determination: Determination,
        coverage: MemberCoverage,
    ) -> CoverageAssertion:
        """What a decision asserts in a call, with the names that any worker gives it."""
        if order is not None:
            coverage = order.coverage
        payer = self.catalogue.payers[coverage.payer]
        satisfied = determination.authorizes and payer.real_time_approval and context.unsolicited
        stage = _stage(determination, context.hook)
        asking = self._questionnaires if not stage else None
        forms = asking.forms_of(determination) if asking is not None else ()
        questionnaires = tuple([each.canonical for each in forms])
        names = identifiers(
            determination,
            order,
            context.order,
            coverage,
            self._key,
            origin=context.origin,
            satisfied=satisfied,
            stage=stage or " ".join(questionnaires),
        )
        sites: tuple[NetworkSite, ...] = ()
        if determination.site is not None:
            sites = self._network_sites(determination.site, payer, coverage, context.index)
        return CoverageAssertion(
            context.order,
            determination,
            coverage,
            payer,
            names,
            satisfied,
            sites,
            HOOK_RULES[context.hook],
            order.depends_on if order is not None else (),
            questionnaires,
        )

    def _network_sites(
        self, site: SiteAdvice, payer: Payer, coverage: MemberCoverage, index: ResourceIndex
    ) -> tuple[NetworkSite, ...]:
        """Lower-cost places to name; none when something of them cannot be read: they are advice only."""
        catalogue = self.catalogue
        try:
            systems = catalogue.vocabulary.systems
            return network_sites(site, payer, coverage, index, systems, catalogue.value_sets)
        except Exception as error:
            _log_trouble(error)
            return ()


def _refusal(
    reference: str, coverage: MemberCoverage, index: ResourceIndex, on: date, member: Member | None
) -> Determination | None:
    """Why the member of an order that is not decided here has no coverage; None when there is some."""
    found = enrolled(member, coverage, index.patient, on) if member is not None else ()
    return refused(found, reference, None) if isinstance(found, Refusal) else None


def _stage(determination: Determination, hook: str) -> str:
    """What keeps the answer of a hook apart from the one that the same facts get when the order is signed."""
    standing = STANDINGS[determination.outcome]
    return hook if allowed(standing, HOOK_RULES[hook]) != standing else ""


def _log_trouble(error: Exception) -> None:
    """Say where it broke: type and place of the error, never its message, which may quote the record."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{each.name}:{each.lineno}" for each in reversed(frames[-4:]))
    _LOG.error("order not processed code=CDS-2003 error=%s at=%s", type(error).__name__, place)
