"""The card "consider a lower-cost site", and the suggestion that changes the order accordingly.

Source: Da Vinci CRD 2.2.1, response types Instructions and Propose Alternate Request; topic `network`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cds_service.crd.assertion import CoverageAssertion, NetworkSite
from cds_service.crd.card_parts import DISCLAIMER, SUMMARY_LIMIT, Card, bullets, new_card, uuid_of
from cds_service.crd.configuration import NETWORK_CARDS
from cds_service.crd.extension import settings_in_words
from cds_service.crd.markdown import escape, fixed, line
from cds_service.crd.versions import CrdVersion
from cds_service.decisions.model import Outcome, SiteAdvice

_MOST_SUGGESTIONS: Final = 3
_SITE_NAME_LIMIT: Final = 80


def network_card(
    assertion: CoverageAssertion, site: SiteAdvice, version: CrdVersion, hook_instance: str, name: str
) -> Card:
    """Where the drug is covered without an exception, what keeps the setting as ordered, the transition.

    A place in the network that the client knows as an Organization is offered as a change of the order;
    others are named in the text.
    """
    card = new_card(assertion, version, hook_instance, NETWORK_CARDS, "info")
    card["summary"] = line(f"{name}: consider a lower-cost site - {settings_in_words(site)}", SUMMARY_LIMIT)
    blocks = [f"Applies to the order for **{escape(name)}** ({escape(assertion.determination.order, 80)})."]
    blocks.append(
        bullets(
            "Covered without an exception",
            [_cited(each.name, each.cite) for each in site.lower_cost_settings],
        )
    )
    if assertion.network_sites:
        blocks.append(bullets("In the network", [_in_words(each) for each in assertion.network_sites]))
    if site.exceptions:
        kept = "Any one of these keeps a hospital setting, when documented"
        blocks.append(bullets(kept, [fixed(each) for each in site.exceptions]))
    if site.transition is not None:
        blocks.append(bullets("Transition", [_cited(site.transition.text, site.transition.cite)]))
    blocks.append(DISCLAIMER)
    card["detail"] = "\n\n".join(blocks)
    offered = [each for each in assertion.network_sites if _can_be_ordered(assertion.resource, each)]
    if (
        offered
        and assertion.rules.alternatives
        and assertion.determination.outcome is not Outcome.DOCUMENTATION_NEEDED
    ):
        card["suggestions"] = [
            _suggestion(assertion, each, hook_instance, recommended=number == 0)
            for number, each in enumerate(offered[:_MOST_SUGGESTIONS])
        ]
        card["selectionBehavior"] = "at-most-one"
    return card


def _can_be_ordered(order: Mapping[str, Any], site: NetworkSite) -> bool:
    """Whether dispenseRequest.performer alone says where: another performer would contradict the site."""
    dispense = order.get("dispenseRequest")
    return (
        order.get("resourceType") == "MedicationRequest"
        and site.reference is not None
        and "performer" not in order
        and (dispense is None or type(dispense) is dict)
    )


def _suggestion(
    assertion: CoverageAssertion, site: NetworkSite, hook_instance: str, *, recommended: bool
) -> dict[str, Any]:
    """The whole order with nothing changed but the organization that is to give the drug."""
    label = line(f"Give it at {site.name} ({site.setting})", SUMMARY_LIMIT)
    order = dict(assertion.resource)
    order["dispenseRequest"] = {
        **(order.get("dispenseRequest") or {}),
        "performer": {"reference": site.reference, "display": line(site.name, _SITE_NAME_LIMIT)},
    }
    return {
        "label": label,
        "uuid": uuid_of(
            hook_instance, assertion.identifiers.assertion_id, NETWORK_CARDS, str(site.reference)
        ),
        "isRecommended": recommended,
        "actions": [{"type": "update", "description": label, "resource": order}],
    }


def _in_words(site: NetworkSite) -> str:
    contact = f", {site.contact}" if site.contact else ""
    return escape(f"{site.name} ({site.setting}){contact}")


def _cited(text: str, cite: str) -> str:
    return f"{fixed(text)} ({fixed(cite)})"
