"""Cards that a clinician can read: what was decided, why, what to do, by which policy (CRD response types).

Coverage information itself travels on the order, never as a card (CRD 2.2.1, resp-25): these cards carry
the policy behind it (topic `guideline`) and its quantity limit (topic `limits`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.card_parts import DISCLAIMER, NAME_LIMIT, SUMMARY_LIMIT, Card, bullets, new_card
from cds_service.crd.configuration import LIMIT_CARDS, POLICY_CARDS
from cds_service.crd.extension import PolicyPage, instructions, settings_in_words
from cds_service.crd.markdown import escape, fixed, line
from cds_service.crd.network import network_card
from cds_service.crd.versions import CrdVersion
from cds_service.decisions.model import CriterionResult, CriterionStatus, Outcome, Reason
from cds_service.decisions.quantity import plain
from cds_service.policies.model import NotAddressed, in_force_since

_SUMMARIES: Final = {
    Outcome.DOCUMENTATION_NEEDED: "documentation needed for prior authorization",
    Outcome.NOT_COVERED: "not covered as ordered",
    Outcome.SITE_UNKNOWN: "coverage depends on where it is given",
    Outcome.LOWER_COST_SITE: "consider a lower-cost site; this setting needs prior authorization",
    Outcome.NOT_ADDRESSED: "no policy on file decides this order",
    Outcome.INDETERMINATE: "coverage could not be checked",
}
_WARNINGS: Final = frozenset({Outcome.NOT_COVERED, Outcome.DOCUMENTATION_NEEDED, Outcome.LOWER_COST_SITE})

FORM_LINK: Final = "Answer the open questions"

URGENCY: Final = (
    Outcome.NOT_COVERED,
    Outcome.DOCUMENTATION_NEEDED,
    Outcome.LOWER_COST_SITE,
    Outcome.SITE_UNKNOWN,
    Outcome.INDETERMINATE,
    Outcome.NOT_ADDRESSED,
    Outcome.COVERED,
)


FormPage = Callable[[str], str | None]  # assertion id -> absolute, signed address of its form


def no_form_page(_assertion_id: str) -> None:
    """Where no form can be reached."""


def cards(
    assertion: CoverageAssertion,
    version: CrdVersion,
    hook_instance: str,
    policy_page: PolicyPage,
    form_page: FormPage = no_form_page,
) -> Iterator[Card]:
    """The cards about one order; none for an order that is no drug order, which nobody here speaks of."""
    determination = assertion.determination
    if determination.not_addressed is NotAddressed.NOT_A_DRUG:
        return
    name = line(determination.drug or "This order", NAME_LIMIT)
    indicator = "warning" if determination.outcome in _WARNINGS else "info"
    card = new_card(assertion, version, hook_instance, POLICY_CARDS, indicator)
    card["summary"] = line(f"{name}: {_said(assertion)}", SUMMARY_LIMIT)
    card["detail"] = _detail(assertion, name)
    pages = dict.fromkeys((each.policy, each.version, each.number) for each in determination.policies)
    links = [
        {
            "label": f"Policy {number}, {in_force_since(release)}",
            "url": policy_page(policy, release),
            "type": "absolute",
        }
        for policy, release, number in pages
    ]
    if version.form_links and assertion.questionnaires:
        form = form_page(assertion.identifiers.assertion_id)
        if form is not None:
            links.insert(0, {"label": FORM_LINK, "url": form, "type": "absolute"})
    if links:
        card["links"] = links
    yield card
    if determination.site is not None:
        yield network_card(assertion, determination.site, version, hook_instance, name)
    limit = determination.allowed_quantity
    if limit is not None:
        amount = f"{plain(limit.amount)} {limit.unit} per {limit.per_hours} hours"
        card = new_card(assertion, version, hook_instance, LIMIT_CARDS, indicator)
        card["summary"] = line(f"{name}: limited to {amount}", SUMMARY_LIMIT)
        card["detail"] = (
            f"Applies to the order for **{escape(name)}**. The policy authorizes "
            f"{fixed(amount)} ({fixed(limit.cite)}).\n\n{DISCLAIMER}"
        )
        yield card


def topic_of(card: Card) -> str:
    """The topic code of a card made here."""
    code: str = card["source"]["topic"]["code"]
    return code


def _said(assertion: CoverageAssertion) -> str:
    determination = assertion.determination
    if determination.outcome is not Outcome.COVERED:
        return _SUMMARIES[determination.outcome]
    if not determination.necessity_on_file:
        return "setting in keeping with the site-of-care policy; see the drug's own policy"
    if assertion.satisfied:
        return "policy criteria met, prior authorization satisfied"
    if determination.precertification:
        return "policy criteria met; send the prior authorization request"
    return "covered, no prior authorization needed"


def _detail(assertion: CoverageAssertion, name: str) -> str:
    determination = assertion.determination
    blocks = [f"Applies to the order for **{escape(name)}** ({escape(determination.order, 80)})."]
    why = [_reason(each) for each in determination.reasons]
    if determination.outcome is Outcome.COVERED:
        why += [_met(each) for each in determination.criteria if each.status is CriterionStatus.MET]
    blocks.append(bullets("Why", why))
    blocks.append(bullets("What to do", list(_to_do(assertion))))
    if determination.notes:
        blocks.append(bullets("Please note", [escape(note, 1000) for note in determination.notes]))
    policies = list(
        dict.fromkeys(
            fixed(f"{each.number} {each.title}, {in_force_since(each.version)}")
            for each in determination.policies
        )
    )
    service = determination.service_date
    if policies and service is not None:
        policies.append(f"Date of service {service.date} ({service.basis.value})")
    if policies:
        blocks.append(bullets("Policy", policies))
    blocks.append(DISCLAIMER)
    return "\n\n".join(blocks)


def _reason(reason: Reason) -> str:
    if reason.lead is None:
        return escape(reason.text, 1000) + _cited(reason.cite)
    alternatives = "".join(f"\n  - {escape(item)}" for item in reason.items)
    return f"{fixed(reason.lead)}{_cited(reason.cite)}:{alternatives}"


def _cited(cite: str | None) -> str:
    return f" ({fixed(cite)})" if cite else ""


def _met(result: CriterionResult) -> str:
    source = "answered" if result.attested else "on record"
    found = f" ({source}: {escape(result.value)})" if result.value else ""
    return f"Met: {fixed(result.name)}{found}"


def _to_do(assertion: CoverageAssertion) -> Iterator[str]:
    determination, payer = assertion.determination, assertion.payer
    outcome = determination.outcome
    if outcome is Outcome.COVERED:
        yield from _after_approval(assertion)
    elif outcome is Outcome.DOCUMENTATION_NEEDED:
        yield from _documentation(assertion)
    elif outcome is Outcome.NOT_COVERED:
        label = fixed(payer.label)
        yield f"Change the order, or complete the record if something is missing in it, or ask {label}."
    elif outcome is Outcome.SITE_UNKNOWN:
        yield "Say on the order where the drug will be given (category, encounter or dispensing performer)."
        if determination.site is not None:
            yield fixed(f"No exception is needed in these settings: {settings_in_words(determination.site)}.")
    elif outcome is Outcome.LOWER_COST_SITE and determination.site is not None:
        yield fixed(f"Consider a lower-cost site: {settings_in_words(determination.site)}.")
        yield from _keep_the_setting(assertion)
    elif determination.not_addressed is NotAddressed.CONTRADICTORY_CODES:
        yield "Correct the codes on the order so that they stand for one drug, and sign it again."
    else:
        yield fixed(instructions(determination, payer))


def _keep_the_setting(assertion: CoverageAssertion) -> Iterator[str]:
    """What would keep the restricted setting; where the record rules every exception out, nothing would."""
    determination = assertion.determination
    if not determination.asks:
        return
    if assertion.questionnaires:
        yield "To keep the setting as ordered, answer the open questions and show an exception:"
    else:
        yield "To keep the setting as ordered, send the prior authorization request and show an exception:"
    for ask in determination.asks:
        yield fixed(ask.question or ask.name)
    for documentation in dict.fromkeys(ask.documentation for ask in determination.asks):
        if documentation:
            yield fixed(documentation)


def _documentation(assertion: CoverageAssertion) -> Iterator[str]:
    determination = assertion.determination
    doubted = [ask for ask in determination.asks if ask.attested]
    asks = [ask for ask in determination.asks if not ask.attested]
    alternatives = " ".join(item for reason in determination.reasons for item in reason.items)
    for ask in doubted:
        yield f"Answered, and not counted: {fixed(ask.name)}."
    if doubted:
        label = fixed(assertion.payer.label)
        yield f"Correct the answer or the record where it is wrong, or send the documents to {label}."
    if not asks:
        return
    if assertion.questionnaires:
        yield "Answer the open questions of the questionnaire; the answers decide at once:"
    elif alternatives:
        yield "Send the prior authorization request and say which of the alternatives above holds."
    else:
        yield "Send the prior authorization request with what the record does not show yet:"
    for ask in asks:
        if ask.name not in alternatives:
            yield fixed(ask.question or ask.name)
    for documentation in dict.fromkeys(ask.documentation for ask in asks):
        if documentation:
            yield fixed(documentation)


def _after_approval(assertion: CoverageAssertion) -> Iterator[str]:
    determination = assertion.determination
    if assertion.satisfied:
        yield f"Nothing more: the authorization number is {assertion.identifiers.authorization_number}."
    elif not determination.necessity_on_file:
        yield fixed(instructions(determination, assertion.payer))
    elif determination.precertification:
        shown = "the record and the answers show" if determination.attested else "the record shows"
        yield f"Send the prior authorization request; {shown} what the policy asks."
    else:
        yield "Nothing: no authorization is needed."
    if determination.allowed_from is not None:
        yield f"Authorization period: {determination.allowed_from} to {determination.allowed_to}."
    if determination.attested:
        yield "Keep the documents behind the answers given."
