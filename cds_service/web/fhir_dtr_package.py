"""The answer to $questionnaire-package: the union of what each parameter asks for, each form once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cds_service.coverage_check.documentation import Documentation
from cds_service.coverage_check.open_documentation import OpenDocumentation
from cds_service.decisions.model import Outcome
from cds_service.dtr import adaptive
from cds_service.dtr.model import Form
from cds_service.dtr.responses import Subject
from cds_service.dtr.versions import DtrVersion
from cds_service.fhir import reads
from cds_service.fhir.references import reference_text, reference_to
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.request import ORDER_TYPES
from cds_service.web.fhir_dtr_bundles import PackageBundles, Wanted
from cds_service.web.fhir_dtr_coverage import check_coverages, coverage_for, member_reference
from cds_service.web.fhir_dtr_request import PackageRequest
from cds_service.web.fhir_exchange import issue
from cds_service.web.services import Services

Resource = Mapping[str, Any]

_NOT_NEEDED: Final = frozenset({Outcome.COVERED, Outcome.NOT_COVERED, Outcome.NOT_ADDRESSED})
_SUBJECTS: Final = ("subject", "patient")
_CODED: Final = ("code", "codeCodeableConcept", "productOrService", "medicationCodeableConcept", "reasonCode")


class PackageAnswer:
    """Answers one call of $questionnaire-package in one version of DTR."""

    def __init__(
        self, asked: PackageRequest, version: DtrVersion, here: Services, client: str | None, now: datetime
    ) -> None:
        self._asked = asked
        self._version = version
        self._here = here
        self._forms, _ = here.of_forms()
        self._client = client
        self._now = now
        self._wanted: list[Wanted] = []
        self._issues: list[dict[str, Any]] = []
        self._context: OpenDocumentation | None = None
        self._decided_again: Resource | None = None

    def parameters(self) -> dict[str, Any]:
        """The answer; raises RequestError for a context or a coverage that is not known."""
        self._of_context()
        self._of_orders()
        self._of_questionnaires()
        changed = [each for each in self._wanted if self._has_changed(each.form)]
        if not changed and not self._issues:
            text = "Nothing has changed." if self._wanted else "No questionnaire applies."
            self._issues.append(issue("information", "informational", "CDS-1221", text))
        parameters = [
            {"name": self._version.package_parameter, "resource": each} for each in self._bundles(changed)
        ]
        if self._issues:
            outcome = {"resourceType": "OperationOutcome", "issue": self._issues}
            parameters.append({"name": self._version.outcome_parameter, "resource": outcome})
        return {"resourceType": "Parameters", "parameter": parameters}

    @property
    def _documentation(self) -> Documentation:
        found = self._here.documentation
        if found is None:
            raise RuntimeError("this application opens no documentation")
        return found

    def _bundles(self, wanted: Sequence[Wanted]) -> Iterator[dict[str, Any]]:
        made = PackageBundles(self._here, self._documentation, self._version, self._now)
        subject = self._subject() if any(each.opened is None for each in wanted) else None
        measures = self._here.measures
        for each in wanted:
            measures.note((measures.packages, (self._version.name, each.form.canonical)))
            yield made.bundle(each, subject)

    # -- which forms ---------------------------------------------------------------------------------------

    def _of_context(self) -> None:
        """What a coverage-assertion-id asks for; nothing without one, or when its order came changed."""
        if self._asked.context is None:
            check_coverages(self._asked, self._here.check, self._now.date())
            return
        opened = self._documentation.open(self._asked.context, self._client)
        self._check_coverage_of(opened)
        self._context = opened
        sent = next(
            (
                order
                for _, order in self._asked.orders
                if reference_to(order) == reference_to(opened.resource)
            ),
            None,
        )
        if sent is not None and _differs(sent, opened.resource):
            text = "The order has changed since its coverage was decided; it was decided again."
            self._issues.append(issue("information", "informational", "CDS-1222", text))
            self._decided_again = sent
            return
        for form in opened.forms:
            self._want(form, opened)
        if opened.assertion.determination.outcome in _NOT_NEEDED:
            self._issues.append(_settled(opened))
        elif not opened.forms:
            self._issues.append(_without_forms(opened))

    def _of_orders(self) -> None:
        decided = reference_to(self._context.resource) if self._context is not None else None
        for place, order in self._asked.orders:
            if reference_to(order) == decided and order is not self._decided_again:
                continue
            if order["resourceType"] not in ORDER_TYPES:
                self._issues.append(_not_understood(place))
                continue
            if not self._asked.coverages:
                text = "The parameter coverage is missing; the order is not the one of the context."
                raise RequestError("CDS-1220", text, ("Parameters.parameter",), ErrorKind.OPERATION)
            coverage = coverage_for(order, self._asked, self._here.check)
            opened = self._documentation.open_order(
                order, coverage, self._asked.referenced, self._client, self._now
            )
            if opened.order is None:
                self._issues.append(_not_understood(place))
            for form in opened.forms:
                self._want(form, opened)

    def _of_questionnaires(self) -> None:
        for place, canonical in self._asked.questionnaires:
            form = self._forms.find(canonical, self._now.date())
            variant = adaptive.find_adaptive(self._forms, canonical) if form is None else None
            if form is None and variant is None:
                text = "The questionnaire that was asked for is not on file, or not in this version."
                self._issues.append(issue("warning", "not-found", "CDS-1217", text, place))
            elif form is not None:
                self._want(form, None, place=place)
            elif variant is not None:
                self._want(variant, None, place=place, is_adaptive=True)

    def _want(
        self,
        form: Form,
        opened: OpenDocumentation | None,
        *,
        place: str | None = None,
        is_adaptive: bool = False,
    ) -> None:
        """Package a form once; two versions of one for two orders only (oper-7), else the first counts."""
        if is_adaptive:  # filled by the decision that the static form is packaged for
            opened = next((each.opened for each in self._wanted if each.form == form), None)
        new = Wanted(form, opened, is_adaptive)
        for each in self._wanted:
            if each.name != new.name:
                continue
            if each.form.version == form.version:
                if opened is not None and each.opened is not None:
                    each.others.append(opened)
                return
            if opened is None or each.opened is None:
                text = "Another version of this questionnaire is in the answer; there can be only one."
                self._issues.append(
                    issue("warning", "multiple-matches", "CDS-1217", text, *([place] if place else []))
                )
                return
        self._wanted.append(new)

    def _check_coverage_of(self, opened: OpenDocumentation) -> None:
        known = opened.coverage.resource.get("id")
        given = [coverage.get("id") for _, coverage in self._asked.coverages if coverage.get("id")]
        if given and known and known not in given:
            text = "The Coverage is not the one that the decision of this context is about."
            raise RequestError("CDS-1212", text, (self._asked.coverages[0][0],), ErrorKind.COVERAGE)

    def _has_changed(self, form: Form) -> bool:
        """Whether a package may differ from an earlier one: rules change with a start, or come into force."""
        since = self._asked.changed_since
        if since is None or since < self._here.started_at:
            return True
        return form.effective_from is not None and since.date() < form.effective_from <= self._now.date()

    def _subject(self) -> Subject:
        """Whom a form that was asked for by name is about: the member of the Coverage, and the only order."""
        if self._context is not None:
            return self._context.subject
        place, coverage = self._asked.coverages[0]
        orders = [order for _, order in self._asked.orders]
        named = (reference_text(each.get("subject") or each.get("patient")) for each in orders)
        patient = member_reference(coverage) or next(filter(None, named), None)
        if patient is None:
            text = "The Coverage names no beneficiary."
            raise RequestError("CDS-1220", text, (f"{place}.beneficiary",), ErrorKind.OPERATION)
        return Subject(patient, reference_to(coverage), reference_to(orders[0]) if len(orders) == 1 else None)


def _differs(sent: Resource, known: Resource) -> bool:
    """Whether an order is another one by drug, reason or patient (prof-1); else it is the same (spec-128)."""
    return _deciding(sent) != _deciding(known)


def _deciding(order: Resource) -> list[object]:
    references = [reference_text(order.get(each)) for each in (*_SUBJECTS, "medicationReference")]
    return [*(_meaning(reads.objects(order.get(each))) for each in _CODED), *references]


def _meaning(concepts: Sequence[Resource]) -> list[str]:
    """The codes of concepts, else their texts."""
    codings = [one for each in concepts for one in reads.objects(each.get("coding"))]
    if codings:
        return sorted(f"{each.get('system')}|{each.get('code')}" for each in codings)
    return sorted(str(each.get("text")) for each in concepts)


def _not_understood(place: str) -> dict[str, Any]:
    text = "No questionnaire can be chosen for this order: only orders of drugs are decided here."
    return issue("warning", "not-supported", "CDS-1219", text, place)


def _settled(opened: OpenDocumentation) -> dict[str, Any]:
    """That the decision no longer waits for documentation (oper-8)."""
    text = "The decision is settled: no further documentation is needed for it."
    if opened.forms:
        text += " What was answered can be looked at and amended."
    return issue("information", "informational", "CDS-1221", text)


def _without_forms(opened: OpenDocumentation) -> dict[str, Any]:
    """What to do instead, where a decision has no questionnaire (oper-8)."""
    return issue("warning", "business-rule", "CDS-1218", " ".join(_instructions(opened)))


def _instructions(opened: OpenDocumentation) -> Iterator[str]:
    payer = opened.assertion.payer
    yield "There is no questionnaire for this decision."
    for each in opened.assertion.determination.reasons:
        yield each.text
    contacts = [each for each in (payer.phone, payer.url) if each]
    yield f"Ask {payer.label} what to send" + (f": {', '.join(contacts)}." if contacts else ".")
