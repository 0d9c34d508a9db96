"""The hook answer: cards and one update action per order (CDS Hooks 2.0, CRD 2.2.1 resp-25 to resp-37)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.card_parts import Card
from cds_service.crd.cards import URGENCY, FormPage, cards, no_form_page, topic_of
from cds_service.crd.configuration import Configuration
from cds_service.crd.extension import PolicyPage, coverage_information, standing
from cds_service.crd.versions import COVERAGE_INFORMATION, CrdVersion
from cds_service.decisions.digest import is_assertion_id


def respond(
    assertions: Sequence[CoverageAssertion],
    version: CrdVersion,
    configuration: Configuration,
    *,
    today: date,
    hook_instance: str,
    policy_page: PolicyPage,
    form_page: FormPage = no_form_page,
) -> dict[str, Any]:
    """The answer about all orders of one call. `form_page` gives the address of the form for an assertion id.

    `cards` is always there; nothing else is ever empty or null. An order that already carries this very
    assertion is left alone, without action and without card.
    """
    if not configuration.coverage_information:
        return {"cards": []}
    news = [each for each in assertions if not already_says(each)]
    answer: dict[str, Any] = {
        "cards": _cards(news, version, configuration, hook_instance, policy_page, form_page)
    }
    if news:
        answer["systemActions"] = [_action(each, version, today, policy_page) for each in news]
    return answer


def already_says(assertion: CoverageAssertion) -> bool:
    """Whether the order carries this assertion already, for the same coverage."""
    wanted = assertion.identifiers.assertion_id
    return any(
        _value(each, "coverage-assertion-id", "valueString") == wanted
        and _same_coverage(each, assertion.coverage.reference)
        for each in _extensions(assertion.resource)
    )


def _action(
    assertion: CoverageAssertion, version: CrdVersion, today: date, policy_page: PolicyPage
) -> dict[str, Any]:
    """The whole order as received, with our coverage information and without an earlier one of ours."""
    resource = dict(assertion.resource)
    reference = assertion.coverage.reference
    kept = [each for each in _extensions(resource) if not _is_ours(each, reference)]
    resource["extension"] = [*kept, coverage_information(assertion, version, today, policy_page)]
    return {"type": "update", "description": _description(assertion, version), "resource": resource}


def _description(assertion: CoverageAssertion, version: CrdVersion) -> str:
    codes = standing(assertion, version)
    said = codes.covered + (f", prior authorization {codes.pa_needed}" if codes.pa_needed else "")
    return f"Added coverage information to {assertion.determination.order or 'the order'}: {said}"


def _cards(
    assertions: Sequence[CoverageAssertion],
    version: CrdVersion,
    configuration: Configuration,
    hook_instance: str,
    policy_page: PolicyPage,
    form_page: FormPage,
) -> list[Card]:
    urgent = sorted(assertions, key=lambda each: URGENCY.index(each.determination.outcome))
    found = [card for each in urgent for card in cards(each, version, hook_instance, policy_page, form_page)]
    if configuration.hidden:
        found = [card for card in found if topic_of(card) not in configuration.hidden]
    return found if configuration.max_cards is None else found[: configuration.max_cards]


def _extensions(resource: Mapping[str, Any]) -> list[Any]:
    """The order's extensions as a list, also when a client sent a single object."""
    found = resource.get("extension")
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def earlier_assertion(resource: Mapping[str, Any], reference: str) -> str | None:
    """The id of the latest answer of this service that an order carries about a coverage."""
    ours = [each for each in _extensions(resource) if _is_ours(each, reference)]
    named: str | None = _value(ours[-1], "coverage-assertion-id", "valueString") if ours else None
    return named


def _is_ours(extension: object, reference: str) -> bool:
    """Whether an extension is an earlier answer of this service about the same coverage."""
    given = _value(extension, "coverage-assertion-id", "valueString")
    return is_assertion_id(given) and _same_coverage(extension, reference)


def _same_coverage(extension: object, reference: str) -> bool:
    said = _value(extension, "coverage", "valueReference")
    text = said.get("reference") if isinstance(said, Mapping) else None
    if not isinstance(text, str):
        return False
    return text == reference or _tail(text) == _tail(reference)


def _tail(reference: str) -> str:
    """The "Coverage/id" at the end of a relative or absolute reference, without its version."""
    parts = reference.split("/_history/", 1)[0].rsplit("/", 2)
    return "/".join(parts[-2:])


def _value(extension: object, url: str, value: str) -> Any:
    if not isinstance(extension, Mapping) or extension.get("url") != COVERAGE_INFORMATION:
        return None
    parts = extension.get("extension")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping) and part.get("url") == url:
            return part.get(value)
    return None
