"""From the policies that speak of an order to one Determination (design section 5)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, TypeVar

from cds_service.cql import CqlRuntimeError, Evaluation, ValueSetSource
from cds_service.decisions.finding import Finding
from cds_service.decisions.model import (
    AllowedQuantity,
    Determination,
    Outcome,
    PolicyCitation,
    Reason,
)
from cds_service.decisions.site import NECESSITY_ELSEWHERE, spoken_beside
from cds_service.decisions.statement import NotATruthValueError, find
from cds_service.orders.model import DrugOrder, IdentifiedBy
from cds_service.policies.model import (
    NotAddressed,
    Payer,
    PolicyVersion,
    Selection,
    Statement,
    StatementKind,
)

_LOG = logging.getLogger(__name__)

# The first outcome that any policy gives wins: a refusal stands whatever the others say, trouble never
# becomes approval, and silence of one policy does not matter when another one speaks.
_PRECEDENCE: Final = (
    Outcome.NOT_COVERED,
    Outcome.INDETERMINATE,
    Outcome.DOCUMENTATION_NEEDED,
    Outcome.SITE_UNKNOWN,
    Outcome.LOWER_COST_SITE,
    Outcome.COVERED,
    Outcome.NOT_ADDRESSED,
)

_INFO_NEEDED: Final = {
    Outcome.SITE_UNKNOWN: ("location",),
    Outcome.NOT_ADDRESSED: ("OTH",),
    Outcome.INDETERMINATE: ("OTH",),
}

_ABOUT_THE_SITE: Final = frozenset({Outcome.COVERED, Outcome.LOWER_COST_SITE, Outcome.SITE_UNKNOWN})

_Item = TypeVar("_Item")


def decide(
    order: DrugOrder,
    selection: Selection,
    evaluate: Callable[[PolicyVersion], Evaluation],
    *,
    payer: Payer,
    value_sets: ValueSetSource,
    attestable: bool = True,
) -> Determination:
    """Decide one drug order by every statement that addresses it.

    `evaluate` gives the evaluation of a policy version's library for this order (traced); it is called
    once per version. `attestable`: answers were given, so that criteria may rest on them. Rules that cannot
    be evaluated make the outcome indeterminate; the log names library, definition and place, never a value.
    """
    contradicts = order.drug.contradictions or selection.not_addressed is NotAddressed.CONTRADICTORY_CODES
    if contradicts or not selection.statements:
        return _without_statement(order, selection, payer)
    evaluations: dict[tuple[str, str], Evaluation] = {}
    findings = []
    for version, statement in selection.statements:
        key = (version.policy, version.version)
        try:
            if key not in evaluations:
                evaluations[key] = evaluate(version)
            findings.append(
                find(order, version, statement, evaluations[key], value_sets, attestable=attestable)
            )
        except (CqlRuntimeError, NotATruthValueError) as error:
            findings.append(_trouble(version, statement, error))
    return _merge(order, findings)


def not_addressed(
    reference: str, why: NotAddressed, text: str, drug: str = "", notes: tuple[str, ...] = ()
) -> Determination:
    """The answer for an order that is no drug order: nobody here decides it, and the text says so."""
    return Determination(
        outcome=Outcome.NOT_ADDRESSED,
        order=reference,
        drug=drug,
        service_date=None,
        reasons=(Reason(text),),
        not_addressed=why,
        info_needed=_INFO_NEEDED[Outcome.NOT_ADDRESSED],
        notes=notes,
    )


def indeterminate(reference: str, drug: str, technical_code: str, text: str) -> Determination:
    """The answer when something broke: never a coverage statement. `technical_code` is in TECHNICAL_CODES."""
    return Determination(
        outcome=Outcome.INDETERMINATE,
        order=reference,
        drug=drug,
        service_date=None,
        reasons=(Reason(text, code="technical"),),
        info_needed=_INFO_NEEDED[Outcome.INDETERMINATE],
        technical_code=technical_code,
    )


def no_active_coverage(order: DrugOrder, text: str) -> Determination:
    """The answer for a member whose coverage is not active on the date of service."""
    return Determination(
        outcome=Outcome.NOT_COVERED,
        order=order.reference,
        drug=order.drug.display,
        service_date=order.service_date,
        reasons=(Reason(text, code="no-active-coverage"),),
        identified_by=order.drug.identified_by,
    )


def _without_statement(order: DrugOrder, selection: Selection, payer: Payer) -> Determination:
    why = selection.not_addressed or NotAddressed.NO_POLICY
    info_needed = _INFO_NEEDED[Outcome.NOT_ADDRESSED]
    outcome = Outcome.NOT_ADDRESSED
    reasons: tuple[Reason, ...]
    if order.drug.contradictions or why is NotAddressed.CONTRADICTORY_CODES:
        why = NotAddressed.CONTRADICTORY_CODES
        texts = order.drug.contradictions or (selection.explanation or f"{why.value}.",)
        reasons = tuple(Reason(text, code="detail-code") for text in texts)
        info_needed = ("detail-code",)
    elif why is NotAddressed.NO_POLICY and payer.unlisted_drugs == "no-authorization":
        outcome = Outcome.COVERED
        reasons = (Reason(f"{payer.label} asks no authorization for drugs without a policy of their own."),)
    else:
        reasons = (Reason(selection.explanation or f"{why.value.capitalize()}."),)
    addressed = outcome is not Outcome.NOT_ADDRESSED
    return Determination(
        outcome=outcome,
        order=order.reference,
        drug=order.drug.display,
        service_date=order.service_date,
        reasons=reasons,
        policies=tuple(
            PolicyCitation(each.policy, each.number, each.version, each.title, "", each.label, outcome)
            for each in selection.consulted
        ),
        not_addressed=None if addressed else why,
        info_needed=() if addressed else info_needed,
        billing_code=order.drug.unassigned_code or next(iter(order.drug.billing_codes), None),
        notes=_notes(order) if order.drug.product else order.notes,
        identified_by=order.drug.identified_by,
    )


def _trouble(
    version: PolicyVersion, statement: Statement, error: CqlRuntimeError | NotATruthValueError
) -> Finding:
    code = "CDS-2001" if isinstance(error, CqlRuntimeError) else "CDS-2002"
    _LOG.error(
        "rule not evaluated code=%s library=%s definition=%r locator=%s policy=%s version=%s statement=%s",
        code,
        error.library,
        error.definition,
        getattr(error, "locator", None),
        version.policy,
        version.version,
        statement.id,
    )
    text = f"The rules of {version.label} could not be evaluated for technical reasons ({code})."
    reason = Reason(text, statement.cite, code="technical")
    return Finding(version, statement, Outcome.INDETERMINATE, (reason,), technical_code=code)


def _merge(order: DrugOrder, findings: list[Finding]) -> Determination:
    outcome, deciding = findings[0].outcome, findings
    if len(findings) > 1:
        outcome = min([each.outcome for each in findings], key=_PRECEDENCE.index)
        deciding = [each for each in findings if each.outcome is outcome]
    on_file = _necessity_on_file(findings)
    reasons = _union([each.reasons for each in deciding])
    asks = _union([each.asks for each in deciding])
    beside = spoken_beside(outcome, findings)
    if beside:
        reasons = _union([reasons, *(each.reasons for each in beside)])
        asks = _union([asks, *(each.asks for each in beside)])
    if not on_file and outcome in _ABOUT_THE_SITE:
        reasons = (*reasons, NECESSITY_ELSEWHERE)
    criteria = _union([each.criteria for each in findings])
    allowed_from, allowed_to = _period(order, deciding) if outcome is Outcome.COVERED else (None, None)
    return Determination(
        outcome=outcome,
        order=order.reference,
        drug=order.drug.display,
        service_date=order.service_date,
        reasons=reasons,
        policies=tuple([each.citation for each in findings]),
        criteria=tuple([each.settled() for each in criteria]) if outcome is Outcome.NOT_COVERED else criteria,
        asks=asks,
        precertification=any(each.version.precertification for each in _about_need(findings) or findings),
        not_addressed=NotAddressed.OUT_OF_SCOPE if outcome is Outcome.NOT_ADDRESSED else None,
        info_needed=_information(outcome, on_file),
        allowed_from=allowed_from,
        allowed_to=allowed_to,
        allowed_quantity=_allowed_quantity(deciding),
        billing_code=_billing_code(order, findings),
        notes=_union([_notes(order), *(each.notes for each in deciding)]),
        technical_code=next((each.technical_code for each in deciding if each.technical_code), None),
        identified_by=order.drug.identified_by,
        necessity_on_file=on_file,
        site=next((each.site for each in (*deciding, *beside) if each.site is not None), None),
    )


def _necessity_on_file(findings: list[Finding]) -> bool:
    """False where only the setting was decided: nothing about the need of the drug spoke of the order."""
    spoken = [each for each in findings if each.outcome is not Outcome.NOT_ADDRESSED]
    return not spoken or bool(_about_need(spoken))


def _about_need(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.statement.kind is StatementKind.MEDICAL_NECESSITY]


def _information(outcome: Outcome, necessity_on_file: bool) -> tuple[str, ...]:
    if outcome is Outcome.COVERED and not necessity_on_file:
        return ("OTH",)
    return _INFO_NEEDED.get(outcome, ())


def _union(parts: list[tuple[_Item, ...]]) -> tuple[_Item, ...]:
    """What stands in any of the tuples, each once, in their order."""
    filled = [each for each in parts if each]
    if len(filled) < 2:
        return filled[0] if filled else ()
    return tuple(dict.fromkeys(item for each in filled for item in each))


def _notes(order: DrugOrder) -> tuple[str, ...]:
    notes = order.notes
    if order.drug.identified_by is IdentifiedBy.NAME:
        named = f"Recognised by its name only as {order.drug.display}: the order carries no code of it."
        return (named, *notes)
    if order.drug.identified_by is IdentifiedBy.NOTHING:
        unknown = "No product of the catalogue was recognised; criteria for products not listed apply."
        return (unknown, *notes)
    return notes


def _period(order: DrugOrder, deciding: list[Finding]) -> tuple[date | None, date | None]:
    """From the date of service for the shortest authorization given, last day included."""
    months = [each.statement.authorization_months for each in deciding if each.statement.authorization_months]
    if not months:
        return None, None
    start = order.service_date.date
    return start, add_months(start, min(months)) - timedelta(days=1)


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or the last day of that month when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise ValueError(f"no day for {day} and {months} months")


def _allowed_quantity(deciding: list[Finding]) -> AllowedQuantity | None:
    limit = next((each.limit for each in deciding if each.limit is not None), None)
    return None if limit is None else AllowedQuantity(limit.amount, limit.unit, limit.per_hours, limit.cite)


def _billing_code(order: DrugOrder, findings: list[Finding]) -> str | None:
    """The code the answer is about: the order's own, else the one the policy lists the product under."""
    if order.drug.billing_codes:
        return order.drug.unassigned_code or order.drug.billing_codes[0]
    return next((each.statement.billing_code for each in findings if each.statement.billing_code), None)
