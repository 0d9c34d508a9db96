"""What a policy page says, as plain values: the templates and the JSON answer are made of the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from cds_service.fhir.codes import Coding
from cds_service.policies.model import (
    UNDATED,
    Connective,
    CriteriaNode,
    Criterion,
    Payer,
    PolicyVersion,
    Product,
    Statement,
)

DISCLAIMER: Final = (
    "This service is not affiliated with any payer. This page puts a policy into other words for software; "
    "the payer's own document prevails. What is said here is coverage information and no treatment advice, "
    "and no guarantee of payment."
)
_CONNECTIVES: Final = {
    Connective.ALL: "All of",
    Connective.ANY: "Any of",
    Connective.NOT: "Not",
}
SYSTEMS: Final = {
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/ndc": "NDC",
}
_ANSWERS: Final = {"boolean": "yes or no", "quantity": "a quantity", "date": "a date", "choice": "a choice"}


@dataclass(frozen=True, slots=True)
class Drugs:
    """The catalogue's products and the codes that stand for them."""

    products: Mapping[str, Product]
    codes: Mapping[str, Sequence[Coding]]

    def named(self, product: str) -> dict[str, Any]:
        """A drug that a statement names; one that the catalogue does not hold is just named."""
        known = self.products.get(product)
        return {
            "product": product,
            "brand": known.brand if known else product,
            "generic": known.generic if known else None,
            "billingCodes": list(known.billing_codes) if known else [],
            "codes": [
                {"system": coding.system, "code": coding.code, "display": coding.display}
                for coding in self.codes.get(product, ())
            ],
            "note": known.note if known else None,
        }


def address(version: PolicyVersion) -> str:
    """The path of a policy version's page, the target of the cards' links."""
    return f"/policies/{version.policy}/{version.version}"


def standing(version: PolicyVersion, today: date) -> str:
    """Whether the version is in force on a day: "in force", "ended" or "not yet in force"."""
    if today < version.effective_from:
        return "not yet in force"
    if version.effective_to is not None and today > version.effective_to:
        return "ended"
    return "in force"


def summary(version: PolicyVersion, payers: Mapping[str, Payer], today: date) -> dict[str, Any]:
    """One line of the list of policies."""
    return {
        "policy": version.policy,
        "version": version.version,
        "number": version.number,
        "title": version.title,
        "payer": payers[version.payer].label if version.payer in payers else version.payer,
        "effectiveFrom": None if version.version == UNDATED else version.effective_from.isoformat(),
        "effectiveTo": version.effective_to.isoformat() if version.effective_to else None,
        "standing": standing(version, today),
        "address": address(version),
    }


def policy_list(
    versions: Iterable[PolicyVersion], payers: Mapping[str, Payer], today: date
) -> list[dict[str, Any]]:
    """All policy versions: by payer and number, the newest version first."""
    lines = [summary(version, payers, today) for version in versions]
    lines.sort(key=lambda line: line["effectiveFrom"] or "", reverse=True)
    lines.sort(key=lambda line: (line["payer"], line["number"]))
    return lines


def policy_page(
    version: PolicyVersion,
    versions: Iterable[PolicyVersion],
    payers: Mapping[str, Payer],
    drugs: Drugs,
    today: date,
) -> dict[str, Any]:
    """Everything that the page of one policy version shows."""
    others = [each for each in versions if each.policy == version.policy and each.version != version.version]
    return {
        **summary(version, payers, today),
        "document": version.document,
        "precertification": version.precertification,
        "documentationRule": version.documentation_rule,
        "statements": [
            {**statement(each, drugs), "neverCovered": never_covered(version, each)}
            for each in version.statements
        ],
        "referrals": [
            {
                "billingCodes": sorted(referral.billing_codes),
                "products": [drugs.named(product)["brand"] for product in sorted(referral.products)],
                "policy": referral.policy,
                "text": referral.text,
                "cite": referral.cite,
            }
            for referral in version.referrals
        ],
        "notes": list(version.notes),
        "otherVersions": policy_list(others, payers, today),
        "disclaimer": DISCLAIMER,
    }


def statement(each: Statement, drugs: Drugs) -> dict[str, Any]:
    """One statement of a version: what it is about, its criteria and limits."""
    limit = each.quantity_limit
    return {
        "id": each.id,
        "title": each.title,
        "cite": each.cite,
        "drugs": [drugs.named(product) for product in sorted(each.products)],
        "unassignedCodes": sorted(each.unassigned_codes),
        "billingCodes": sorted(each.billing_codes),
        "kind": each.kind.value,
        "appliesWhen": each.applies,
        "doesNotApply": each.applies_reason,
        "scope": None if each.scope is None else criteria(each.scope),
        "criteria": criteria(each.criteria),
        "notCoveredReason": each.not_covered_reason,
        "restrictedSetting": each.restricted_setting,
        "lowerCostSettings": [{"name": site.name, "cite": site.cite} for site in each.lower_cost_settings],
        "transition": None
        if each.transition is None
        else {
            "days": each.transition.days,
            "once": each.transition.once,
            "text": each.transition.text,
            "cite": each.transition.cite,
        },
        "conditionsNotCovered": [
            {"name": condition.name, "cite": condition.cite} for condition in each.conditions_not_covered
        ],
        "authorizationMonths": each.authorization_months,
        "quantityLimit": None
        if limit is None
        else {
            "amount": str(limit.amount),
            "unit": limit.unit,
            "perHours": limit.per_hours,
            "cite": limit.cite,
        },
        "billingCode": each.billing_code,
        "notes": list(each.notes),
    }


def never_covered(version: PolicyVersion, each: Statement) -> bool:
    """Whether the document covers no use at all: the conclusion is the constant false."""
    definition = version.library.definitions.get(each.conclusion)
    return definition is not None and (definition.elm.get("type"), definition.elm.get("value")) == (
        "Literal",
        "false",
    )


def criteria(node: CriteriaNode) -> dict[str, Any]:
    """A criteria tree: groups with `connective` and `children`, leaves with `criterion`."""
    if isinstance(node, Criterion):
        return {
            "criterion": node.name,
            "id": node.id,
            "cite": node.cite,
            "question": node.question,
            "answer": _ANSWERS.get(node.answer_type, node.answer_type),
            "unit": node.unit,
            "documentation": node.documentation,
        }
    return {
        "connective": _CONNECTIVES[node.connective],
        "name": node.name,
        "cite": node.cite,
        "children": [criteria(child) for child in node.children],
    }


def amount_in_words(limit: Mapping[str, Any]) -> str:
    """A quantity limit for people: "36 tablets per 72 hours"."""
    unit = limit["unit"]
    is_word = unit.isalpha() and len(unit) > 3 and not unit.endswith("s")
    plural = "s" if is_word and limit["amount"] != "1" else ""
    return f"{limit['amount']} {unit}{plural} per {limit['perHours']} hours"
