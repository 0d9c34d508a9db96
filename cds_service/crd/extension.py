"""The coverage-information extension of one assertion, in one CRD version (design section 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.hook_rules import HookRules
from cds_service.crd.versions import (
    COVERAGE_INFORMATION,
    CPT,
    DETAIL_CATEGORIES,
    HCPCS,
    TEMPORARY_CODES,
    ContactType,
    CrdVersion,
)
from cds_service.decisions.model import Determination, Outcome, Reason, SiteAdvice
from cds_service.orders.model import IdentifiedBy
from cds_service.policies.model import Payer

Extension = dict[str, Any]
PolicyPage = Callable[[str, str], str]  # policy id and version -> absolute address of its page


class Standing(NamedTuple):
    """The codes of one outcome."""

    covered: str
    pa_needed: str | None = None
    doc_needed: str | None = None
    doc_purpose: str | None = None


_TO_DOCUMENT: Final = Standing("covered", "auth-needed", "clinical", "withpa")
_OPEN: Final = Standing("conditional", "conditional")
# CRD, contact: only where it belongs to this very answer; the payers' number is that for prior authorization.
_NOTHING_TO_ASK: Final = (None, "no-auth", "satisfied")

STANDINGS: Final = {
    Outcome.COVERED: Standing("covered", "no-auth"),
    Outcome.DOCUMENTATION_NEEDED: _TO_DOCUMENT,
    Outcome.LOWER_COST_SITE: _TO_DOCUMENT,
    Outcome.NOT_COVERED: Standing("not-covered"),
    Outcome.SITE_UNKNOWN: _OPEN,
    Outcome.NOT_ADDRESSED: _OPEN,
    Outcome.INDETERMINATE: Standing("indeterminate", "indeterminate"),
}


def standing(assertion: CoverageAssertion, version: CrdVersion) -> Standing:
    """The codes of an assertion; a version without "indeterminate" says conditional instead."""
    determination = assertion.determination
    found = allowed(STANDINGS[determination.outcome], assertion.rules)
    if not version.knows("covered", found.covered):
        return _OPEN
    if determination.outcome is Outcome.COVERED and not determination.necessity_on_file:
        return found._replace(pa_needed="conditional")
    if determination.outcome is Outcome.LOWER_COST_SITE and not determination.asks:
        return found._replace(doc_needed=None, doc_purpose=None)  # every exception is ruled out
    if determination.authorizes:
        return found._replace(pa_needed="satisfied" if assertion.satisfied else "auth-needed")
    return found


def allowed(standing: Standing, rules: HookRules) -> Standing:
    """The codes that may be sent at a hook: documentation that must not be asked for there stays out."""
    if standing.doc_needed in rules.doc_needed:
        return standing._replace(doc_needed=None, doc_purpose=None)
    return standing


def coverage_information(
    assertion: CoverageAssertion, version: CrdVersion, today: date, policy_page: PolicyPage
) -> Extension:
    """The extension to put on the order; `today` is its date. Keeps every rule in `crd.invariants`."""
    return {
        "url": COVERAGE_INFORMATION,
        "extension": list(_parts(assertion, version, today, policy_page)),
    }


def _parts(
    assertion: CoverageAssertion, version: CrdVersion, today: date, policy_page: PolicyPage
) -> Iterator[Extension]:
    determination = assertion.determination
    codes = standing(assertion, version)
    yield {"url": "coverage", "valueReference": {"reference": assertion.coverage.reference}}
    yield {"url": "covered", "valueCode": codes.covered}
    if codes.pa_needed is not None:
        yield {"url": "pa-needed", "valueCode": codes.pa_needed}
    if codes.doc_needed is not None:
        yield {"url": "doc-needed", "valueCode": codes.doc_needed}
        yield {"url": "doc-purpose", "valueCode": codes.doc_purpose}
        for canonical in assertion.questionnaires:
            yield {"url": "questionnaire", "valueCanonical": canonical}
    if "conditional" in (codes.covered, codes.pa_needed):
        for code in _information_needed(determination, version):
            yield {"url": "info-needed", "valueCode": code}
    if determination.billing_code is not None:
        yield {"url": "billingCode", "valueCoding": _billing_code(determination.billing_code)}
    for reason in _reasons(determination):
        yield {"url": "reason", "valueCodeableConcept": _concept(reason, version)}
    yield from _details(determination, assertion.payer, version, policy_page)
    for reference in assertion.dependencies:
        yield {"url": "dependency", "valueReference": {"reference": reference}}
    yield {"url": "date", "valueDate": today.isoformat()}
    yield {"url": "coverage-assertion-id", "valueString": assertion.identifiers.assertion_id}
    if assertion.satisfied:
        yield {"url": "satisfied-pa-id", "valueString": assertion.identifiers.authorization_number}
    if assertion.payer.phone and codes.pa_needed not in _NOTHING_TO_ASK:
        yield {"url": "contact", version.contact.value: _contact(assertion.payer, version)}
    if determination.allowed_to is not None and "expiry-date" in version.maximum:
        yield {"url": "expiry-date", "valueDate": determination.allowed_to.isoformat()}


def _information_needed(determination: Determination, version: CrdVersion) -> tuple[str, ...]:
    known = (code if version.knows("info-needed", code) else "OTH" for code in determination.info_needed)
    return tuple(dict.fromkeys(known)) or ("OTH",)


def _billing_code(code: str) -> dict[str, str]:
    return {"system": CPT if code[:1].isdigit() else HCPCS, "code": code}


def _reasons(determination: Determination) -> tuple[Reason, ...]:
    """The reasons to state; an approval states only what it rests on besides the record."""
    if determination.outcome is not Outcome.COVERED or not determination.necessity_on_file:
        return determination.reasons
    stated = []
    if determination.identified_by is IdentifiedBy.NAME:
        stated.append(Reason(f"The drug was recognised by its name only, as {determination.drug}."))
    if determination.attested:
        stated.append(Reason("Rests on answers given by the practice in addition to the record."))
    return tuple(stated)


def _concept(reason: Reason, version: CrdVersion) -> dict[str, Any]:
    text = f"{reason.text} ({reason.cite})" if reason.cite else reason.text
    if reason.code is None or reason.code not in version.reasons:
        return {"text": text}
    return {"coding": [{"system": TEMPORARY_CODES, "code": reason.code}], "text": text}


def _contact(payer: Payer, version: CrdVersion) -> dict[str, Any]:
    phone = {"system": "phone", "value": payer.phone, "use": "work"}
    if version.contact is ContactType.CONTACT_DETAIL:
        return {"name": f"{payer.label}, prior authorization", "telecom": [phone]}
    return phone


def _details(
    determination: Determination, payer: Payer, version: CrdVersion, policy_page: PolicyPage
) -> Iterator[Extension]:
    start, end = determination.allowed_from, determination.allowed_to
    if start is not None and end is not None:
        yield _detail(version, "allowed-period", {"start": start.isoformat(), "end": end.isoformat()})
    limit = determination.allowed_quantity
    if limit is not None:
        quantity = {"value": number(limit.amount), "unit": limit.unit}
        yield _detail(version, "allowed-quantity", quantity, f"per {limit.per_hours} hours")
    for policy, release in dict.fromkeys((each.policy, each.version) for each in determination.policies):
        if "policy-link" in version.detail_codes:
            yield _detail(version, "policy-link", policy_page(policy, release))
    if "instructions" in version.detail_codes:
        if "OTH" in determination.info_needed:
            yield _detail(version, "instructions", instructions(determination, payer))
        if determination.site is not None:
            yield _detail(version, "instructions", without_exception(determination.site))


def instructions(determination: Determination, payer: Payer) -> str:
    """What to do when this service decides nothing, or not all."""
    if determination.outcome is Outcome.COVERED:
        return f"Ask {payer.label} whether the drug itself needs prior authorization; the setting needs none."
    if determination.outcome is Outcome.INDETERMINATE:
        return f"Send the order for checking again later, or ask {payer.label} about it."
    return f"Ask {payer.label} about authorization: this answer neither approves nor refuses the order."


def without_exception(site: SiteAdvice) -> str:
    """Where the drug is covered although no exception is shown."""
    return f"No exception has to be shown in these settings: {settings_in_words(site)}."


def settings_in_words(site: SiteAdvice) -> str:
    """The lower-cost settings in one phrase: "a, b or c"."""
    *others, last = [each.name for each in site.lower_cost_settings]
    return f"{', '.join(others)} or {last}" if others else last


def _detail(version: CrdVersion, code: str, value: Any, qualification: str | None = None) -> Extension:
    parts: list[Extension] = []
    if version.detail_category:
        parts.append({"url": "category", "valueCode": DETAIL_CATEGORIES[code]})
    coding = {"system": version.detail_system, "code": code}
    parts.append({"url": "code", "valueCodeableConcept": {"coding": [coding]}})
    parts.append({"url": "value", version.detail_codes[code]: value})
    if qualification is not None:
        parts.append({"url": "qualification", "valueString": qualification})
    return {"url": "detail", "extension": parts}


def number(amount: Decimal) -> int | float:
    """A decimal as a JSON number, whole where it is whole."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
