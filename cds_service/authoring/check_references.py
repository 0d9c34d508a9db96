"""Checks across files: everything that a policy names exists, and its versions do not overlap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from cds_service.authoring.findings import Content, Finding
from cds_service.policies.model import UNDATED


def check_references(content: Content) -> Iterator[Finding]:
    """All findings about names that lead nowhere and versions that compete."""
    yield from _code_systems(content)
    for name, policy in content.policies():
        yield from _policy(content, name, policy)
    yield from _versions(content)


def _code_systems(content: Content) -> Iterator[Finding]:
    known = content.ids("catalog/code_systems.yaml", "code_systems")
    for name, data in content.value_sets():
        yield from _unknown_systems(name, "codes", data, known)
    for name in content.drug_files():
        for position, product in enumerate(content.entries(name, "products")):
            for key in ("codes", "routes"):
                yield from _unknown_systems(name, key, product, known, f"products[{position}].")


def _unknown_systems(
    name: str, key: str, data: Mapping[str, Any], known: set[str], before: str = ""
) -> Iterator[Finding]:
    for number, each in enumerate(data.get(key) or ()):
        if isinstance(each, dict) and each.get("system") not in known:
            yield Finding(name, f"{before}{key}[{number}].system", f"no code system {each.get('system')!r}")


def _policy(content: Content, name: str, policy: Mapping[str, Any]) -> Iterator[Finding]:
    path = PurePosixPath(name)
    if policy.get("policy") != path.parent.parent.name:
        yield Finding(name, "policy", f"must be the name of its folder, {path.parent.parent.name}")
    if policy.get("payer") not in content.ids("catalog/payers.yaml", "payers"):
        yield Finding(name, "payer", f"no payer {policy.get('payer')!r} in catalog/payers.yaml")
    products = {each for file in content.drug_files() for each in content.ids(file, "products")}
    value_sets = {str(data.get("id")) for _, data in content.value_sets()}
    owners: dict[str, tuple[str, object]] = {}
    identities: set[str] = set()
    for position, statement in enumerate(content.entries(name, "statements")):
        place = f"statements[{position}]"
        identity = str(statement.get("id"))
        if identity in identities:
            yield Finding(name, f"{place}.id", f"a second statement is called {identity}")
        identities.add(identity)
        for product in statement.get("products") or ():
            if product not in products:
                yield Finding(name, f"{place}.products", f"no product {product!r} in the drug list")
            owner, scope = owners.setdefault(str(product), (identity, statement.get("applies")))
            shared = scope is not None and statement.get("applies") not in (None, scope)
            if owner != identity and not shared:
                yield Finding(name, f"{place}.products", f"{product} is decided by statement {owner} too")
        yield from _codes(content, name, place, statement)
        for number, condition in enumerate(statement.get("conditions_not_covered") or ()):
            wanted = condition.get("value_set") if isinstance(condition, dict) else None
            if wanted is not None and wanted not in value_sets:
                where = f"{place}.conditions_not_covered[{number}].value_set"
                yield Finding(name, where, f"no value set {wanted!r} in catalog/value_sets")


def _codes(content: Content, name: str, place: str, statement: Mapping[str, Any]) -> Iterator[Finding]:
    unassigned = content.ids("catalog/unassigned_codes.yaml", "unassigned_codes", "code")
    for code in statement.get("unassigned_codes") or ():
        if str(code) not in unassigned:
            yield Finding(
                name, f"{place}.unassigned_codes", f"{code} is not in catalog/unassigned_codes.yaml"
            )
    assigned = _billing_codes(content) - unassigned
    for code in statement.get("billing_codes") or ():
        if str(code) not in assigned:
            yield Finding(name, f"{place}.billing_codes", f"{code} is no assigned code of the drug list")


def _billing_codes(content: Content) -> set[str]:
    listed = {code for file in content.drug_files() for code in content.ids(file, "class_codes", "code")}
    for file in content.drug_files():
        for product in content.entries(file, "products"):
            codes = product.get("billing_codes")
            listed |= {str(each.get("code")) for each in codes or () if isinstance(each, dict)}
    return listed


def _versions(content: Content) -> Iterator[Finding]:
    """The folder says the day from which a version is in force; no day belongs to two versions."""
    periods: dict[str, list[tuple[date, date, str]]] = {}
    for name, policy in content.policies():
        period = _period(policy)
        if period is None:
            continue  # the schema has said so
        start, end = period
        folder = PurePosixPath(name).parent
        if folder.name != (UNDATED if start == date.min else start.isoformat()):
            yield Finding(name, "effective.from", f"must be the name of its folder, {folder.name}")
        if end < start:
            yield Finding(name, "effective.to", "is before effective.from")
        periods.setdefault(folder.parent.name, []).append((start, end, name))
    for versions in periods.values():
        versions.sort()
        for (_, end, earlier), (start, _, later) in pairwise(versions):
            if start <= end:
                yield Finding(later, "effective.from", f"is in force together with {earlier}")


def _period(policy: Mapping[str, Any]) -> tuple[date, date] | None:
    effective = policy.get("effective")
    if not isinstance(effective, dict):
        return None
    try:
        start = date.fromisoformat(str(effective["from"])) if effective.get("from") else date.min
        end = date.fromisoformat(str(effective["to"])) if effective.get("to") else date.max
    except ValueError:
        return None
    return start, end
