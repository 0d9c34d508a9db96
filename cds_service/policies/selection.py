"""Which statements of which policy version decide an order, or why none does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple, Protocol

from cds_service.policies.model import (
    UNDATED,
    NotAddressed,
    Payer,
    PolicyVersion,
    Referral,
    Selection,
    Statement,
)

_MOST_BRANDS = 6  # in a sentence that people can read


class DrugFacts(Protocol):
    """What selection needs to know of the drug on an order."""

    @property
    def product(self) -> str | None: ...
    @property
    def display(self) -> str: ...
    @property
    def billing_codes(self) -> tuple[str, ...]: ...
    @property
    def contradictions(self) -> tuple[str, ...]: ...
    @property
    def possible(self) -> tuple[str, ...]: ...


class PayerFacts(Protocol):
    """What selection needs to know of the coverage."""

    @property
    def payer(self) -> str: ...


class OrderFacts(Protocol):
    """What selection needs to know of an order."""

    @property
    def drug(self) -> DrugFacts: ...
    @property
    def coverage(self) -> PayerFacts: ...


class _Addressed(NamedTuple):
    version: PolicyVersion
    statement: Statement


class PolicyIndex:
    """Policy versions by payer and product, and by payer and billing code.

    A look-up touches only the versions that name the product or the code, however many policies there are.
    """

    def __init__(
        self,
        versions: Iterable[PolicyVersion],
        payers: Mapping[str, Payer],
        billing_codes: Mapping[str, tuple[str, ...]],
    ) -> None:
        """`billing_codes` are the codes under which each product is billed, by product id."""
        self._payers = payers
        self._billing_codes = billing_codes
        self._by_product: dict[tuple[str, str], list[_Addressed]] = {}
        self._by_assigned_code: dict[tuple[str, str], list[_Addressed]] = {}
        self._by_code: dict[tuple[str, str], list[_Addressed]] = {}
        self._referrals: dict[tuple[str, str], list[tuple[PolicyVersion, Referral]]] = {}
        self._own_products: dict[tuple[str, str], frozenset[str]] = {}
        self._timelines: dict[str, list[PolicyVersion]] = {}
        for version in versions:
            self._add(version)

    def _add(self, version: PolicyVersion) -> None:
        payer = version.payer
        self._timelines.setdefault(version.policy, []).append(version)
        own: set[str] = set()
        for statement in version.statements:
            own |= statement.products
            for product in statement.products:
                self._by_product.setdefault((payer, product), []).append(_Addressed(version, statement))
            for code in statement.billing_codes:
                self._by_assigned_code.setdefault((payer, code), []).append(_Addressed(version, statement))
            for code in statement.unassigned_codes:
                self._by_code.setdefault((payer, code), []).append(_Addressed(version, statement))
        self._own_products[(version.policy, version.version)] = frozenset(own)
        for referral in version.referrals:
            for key in referral.billing_codes | referral.products:
                self._referrals.setdefault((payer, key), []).append((version, referral))

    def select(self, order: OrderFacts, on: date) -> Selection:
        """The statements in force on the date of service that speak of the order's drug.

        A statement about the product, or about an assigned code that may leave the product open, goes
        before one about any drug under its unassigned code, within each policy. When the order gives no
        billing code, the one under which the product is billed counts. A policy that refers a code
        elsewhere does not decide; others that speak of the product do.
        """
        drug, payer = order.drug, order.coverage.payer
        if drug.contradictions:
            explanation = " ".join(drug.contradictions)
            return Selection(not_addressed=NotAddressed.CONTRADICTORY_CODES, explanation=explanation)
        codes = drug.billing_codes
        if not codes and drug.product is not None:
            codes = self._billing_codes.get(drug.product, ())

        keys = codes if drug.product is None else (*codes, drug.product)
        referrals = self._in_force_referrals(payer, keys, on)
        referring = {version.policy for version, _ in referrals}
        addressed = list(self._by_product.get((payer, drug.product), ())) if drug.product else []
        for code in codes:
            for found in self._by_assigned_code.get((payer, code), ()):
                if found not in addressed:
                    addressed.append(found)
        for code in codes:
            for found in self._by_code.get((payer, code), ()):
                own = self._own_products[(found.version.policy, found.version.version)]
                if drug.product not in own and found not in addressed:
                    addressed.append(found)
        statements = tuple(
            found
            for found in addressed
            if found.version.policy not in referring and is_in_force(found.version, on)
        )
        if statements:
            return Selection(
                statements=statements, consulted=_versions(found.version for found in statements)
            )
        if referrals:
            version, referral = referrals[0]
            return Selection(
                not_addressed=NotAddressed.REFERRED,
                explanation=f"{referral.text} Look at policy {referral.policy}.",
                consulted=(version,),
            )
        return self._why_none(payer, drug, codes, addressed, on)

    def _in_force_referrals(
        self, payer: str, keys: tuple[str, ...], on: date
    ) -> list[tuple[PolicyVersion, Referral]]:
        return [
            (version, referral)
            for key in keys
            for version, referral in self._referrals.get((payer, key), ())
            if is_in_force(version, on)
        ]

    def _why_none(
        self, payer: str, drug: DrugFacts, codes: tuple[str, ...], addressed: list[_Addressed], on: date
    ) -> Selection:
        spoken = _versions(found.version for found in addressed)
        what = f"{drug.display} under {' or '.join(codes)}" if codes else drug.display
        label = self._payers[payer].label if payer in self._payers else payer
        if not spoken:
            explanation = f"No policy of {label} on file speaks of {what}; ask {label} which one does."
            if len(drug.possible) > 1:
                explanation += f" {_which_product(drug.possible)}"
            return Selection(not_addressed=NotAddressed.NO_POLICY, explanation=explanation)
        in_force = _versions(
            version
            for policy in dict.fromkeys(version.policy for version in spoken)
            for version in self._timelines[policy]
            if is_in_force(version, on)
        )
        dates = "; ".join(_in_words(version) for version in spoken)
        if in_force:
            current = " and ".join(version.label for version in in_force)
            return Selection(
                not_addressed=NotAddressed.NO_POLICY,
                explanation=f"{current} does not speak of {what}; what did was in force {dates}.",
                consulted=in_force,
            )
        number = " and ".join(dict.fromkeys(version.number for version in spoken))
        return Selection(
            not_addressed=NotAddressed.NOT_IN_FORCE,
            explanation=(
                f"{label} {number} speaks of {what}, but was not in force on {on.isoformat()}; "
                f"versions on file: {dates}."
            ),
            consulted=spoken,
        )


def is_in_force(version: PolicyVersion, on: date) -> bool:
    """Whether a version holds on a day; both ends of its dates are included."""
    return version.effective_from <= on and (version.effective_to is None or on <= version.effective_to)


def _which_product(brands: tuple[str, ...]) -> str:
    if len(brands) > _MOST_BRANDS:
        return f"The order leaves open which of {len(brands)} products on file is meant."
    return f"The order leaves open which product is meant: {', '.join(brands[:-1])} or {brands[-1]}."


def _versions(versions: Iterable[PolicyVersion]) -> tuple[PolicyVersion, ...]:
    return tuple({(version.policy, version.version): version for version in versions}.values())


def _in_words(version: PolicyVersion) -> str:
    if version.version == UNDATED:
        return "at any date"
    start = f"from {version.effective_from.isoformat()}"
    return start if version.effective_to is None else f"{start} to {version.effective_to.isoformat()}"
