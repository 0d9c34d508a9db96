"""Small policies, without rules behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import cast

from cds_service.cql import CompiledLibrary
from cds_service.policies.model import Criterion, PolicyVersion, Referral, Statement

LIBRARY = cast("CompiledLibrary", None)  # selection never looks at the rules


def statement(identity: str, products: str = "", codes: str = "", billing_codes: str = "") -> Statement:
    return Statement(
        id=identity,
        title=identity,
        cite="1",
        conclusion="C",
        criteria=Criterion("c", "C", "1"),
        products=frozenset(products.split()),
        unassigned_codes=frozenset(codes.split()),
        billing_codes=frozenset(billing_codes.split()),
    )


def version(
    policy: str,
    start: str,
    end: str | None,
    *statements: Statement,
    payer: str = "acme",
    referrals: tuple[Referral, ...] = (),
) -> PolicyVersion:
    return PolicyVersion(
        policy=policy,
        number=policy.rpartition("-")[2],
        version=start,
        title="Drugs",
        payer=payer,
        effective_from=date.fromisoformat(start),
        effective_to=date.fromisoformat(end) if end else None,
        precertification=True,
        statements=statements,
        library=LIBRARY,
        document="",
        referrals=referrals,
    )


@dataclass
class Drug:
    product: str | None = None
    display: str = "Ketalar"
    billing_codes: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


@dataclass
class Member:
    payer: str = "acme"


@dataclass
class Order:
    drug: Drug
    coverage: Member = field(default_factory=Member)
