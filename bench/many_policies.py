"""What a decision costs with 10,000 policies on file, compared with two.

`python -m bench.many_policies [policies]`. The synthetic policies are of the same payer, each about a drug
of its own with product codes, names and near-names, so that matching has as much to look through as
selection. Both catalogues answer the same request in turn; the ratio is that of the medians.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from datetime import UTC, datetime

import orjson

from bench.report import figure
from bench.request import order_sign_request
from cds_service.coverage_check import CoverageCheck
from cds_service.fhir.codes import Coding
from cds_service.hooks.request import parse_hook_request
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.model import PolicyVersion, Product
from cds_service.policies.products import ProductEntry
from cds_service.settings import default_rules_directory

NOW = datetime(2024, 9, 1, 12, tzinfo=UTC)
FEW, MANY = 2, 10_000
LIMIT = 1.2
ROUNDS, CALLS = 40, 25


def synthetic_product(number: int, rxnorm: str) -> ProductEntry:
    """A drug that nobody orders here."""
    name = f"syntheticdrug{number}"
    return ProductEntry(
        product=Product(
            f"synthetic-{number}", name.title(), f"substance {name}", (f"Z{number % 10_000:04}",)
        ),
        names=frozenset({(name,)}),
        generic_names=frozenset({("substance", name)}),
        not_names=frozenset({(name, "oral"), ("near", name)}),
        forms=frozenset({("injection",), ("vial",)}),
        routes=frozenset(),
        codes=(Coding(rxnorm, f"9{number:08}"),),
        ingredient_codes=(),
        only_form=False,
    )


def synthetic_policy(number: int, pattern: PolicyVersion) -> PolicyVersion:
    """A policy about that drug, with the rules of a real one."""
    statement = dataclasses.replace(pattern.statements[0], products=frozenset({f"synthetic-{number}"}))
    return dataclasses.replace(
        pattern,
        policy=f"synthetic-{number}",
        number=str(number),
        statements=(statement,),
        referrals=(),
    )


def catalogue_with(policies: int, shipped: Catalogue) -> Catalogue:
    """The shipped policies, filled up with synthetic ones."""
    pattern = shipped.versions[0]
    real = len({version.policy for version in shipped.versions})
    numbers = range(max(0, policies - real))
    rxnorm = shipped.vocabulary.systems.url("rxnorm") or ""
    return shipped.with_versions(
        (*shipped.versions, *(synthetic_policy(number, pattern) for number in numbers)),
        (*shipped.entries, *(synthetic_product(number, rxnorm) for number in numbers)),
    )


def measure(many: int = MANY) -> tuple[float, float]:
    """Median seconds of one decision with two policies and with many."""
    shipped = Catalogue.load(default_rules_directory())
    request = parse_hook_request(orjson.dumps(order_sign_request()), "order-sign", default_version="2.2")
    checks = [CoverageCheck(catalogue_with(policies, shipped)) for policies in (FEW, many)]
    times: list[list[float]] = [[], []]
    for turn in range(ROUNDS + 2):
        for which, check in enumerate(checks):
            started = time.perf_counter()
            for _ in range(CALLS):
                check.answer(request, NOW)
            if turn >= 2:
                times[which].append((time.perf_counter() - started) / CALLS)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    """Print the figures."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else MANY
    with_few, with_many = measure(many)
    ratio = with_many / with_few
    print(f"one decision with {FEW:6,} policies {with_few * 1e6:8.1f} microseconds")
    print(f"one decision with {many:6,} policies {with_many * 1e6:8.1f} microseconds")
    print(figure("ratio", ratio, 2, at_most=LIMIT))


if __name__ == "__main__":
    main()
