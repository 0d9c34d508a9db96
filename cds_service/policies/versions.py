"""Loads `policies/<policy>/<effective date>/policy.yaml` into policy versions ready to evaluate."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

from cds_service.cql import CompiledLibrary
from cds_service.fhir.systems import CodeSystems
from cds_service.policies.criteria import criteria_tree
from cds_service.policies.errors import CatalogueError
from cds_service.policies.files import CatalogueFiles, Entry
from cds_service.policies.model import (
    UNDATED,
    CareSite,
    ConditionNotCovered,
    CriteriaNode,
    PolicyVersion,
    QuantityLimit,
    Referral,
    Statement,
    StatementKind,
    Transition,
)
from cds_service.policies.questions import read_questions
from cds_service.policies.value_sets import ValueSets

_PATTERN = "policies/*/*/policy.yaml"
_SOURCE = "criteria.cql"
_SITE, _DOCUMENTATION = "site", "documentation"


@dataclass(frozen=True, slots=True)
class Known:
    """What a policy may name: payers, products, codes, value sets, libraries by ELM file.

    `billing_codes` are those under which products of the drug list are billed, and those that name a class.
    """

    payers: Set[str]
    products: Set[str]
    unassigned_codes: Set[str]
    billing_codes: Set[str]
    value_sets: ValueSets
    libraries: Mapping[str, CompiledLibrary]
    systems: CodeSystems


def load_versions(files: CatalogueFiles, known: Known) -> tuple[PolicyVersion, ...]:
    """Every policy version, by policy and date.

    Raises CatalogueError for whatever a policy file names that does not exist, and for versions of one
    policy that overlap, double each other or change the payer.
    """
    found = [_version(files, name, known) for name in files.names(_PATTERN)]
    check_timelines(found)
    return tuple(sorted(found, key=lambda version: (version.policy, version.effective_from)))


def check_timelines(versions: Sequence[PolicyVersion]) -> None:
    """Each policy has at most one version in force on any day, all of one payer; else CatalogueError."""
    by_policy: dict[str, list[PolicyVersion]] = {}
    for version in versions:
        by_policy.setdefault(version.policy, []).append(version)
    for policy, timeline in by_policy.items():
        timeline.sort(key=lambda version: version.effective_from)
        for earlier, later in itertools.pairwise(timeline):
            file = f"policies/{policy}/{later.version}/policy.yaml"
            if earlier.payer != later.payer:
                raise CatalogueError(file, f"{policy} belongs to {earlier.payer} before", "payer")
            if earlier.effective_to is None or earlier.effective_to >= later.effective_from:
                end = earlier.effective_to or "open"
                raise CatalogueError(
                    file, f"overlaps the version of {earlier.version} (in force to {end})", "effective"
                )


def _version(files: CatalogueFiles, name: str, known: Known) -> PolicyVersion:
    entry = files.yaml(name)
    _, policy, folder, _ = name.split("/")
    if entry.text("policy") != policy:
        entry.fail("policy", f"must be the name of its folder, {policy}")
    effective = entry.entry("effective")
    start, end = effective.date("from"), effective.date("to")
    if (start.isoformat() if start is not None else UNDATED) != folder:
        effective.fail("from", f"must be the date in the name of its folder, {folder}")
    if start is None:
        start = date.min
    if end is not None and end < start:
        effective.fail("to", "must not be before `from`")
    payer = entry.text("payer")
    if payer not in known.payers:
        entry.fail("payer", f"{payer} is not in catalog/payers.yaml")
    library = _library(entry, f"{name.removesuffix('policy.yaml')}criteria.elm.json", known)
    statements = tuple(
        _statement(item, library, known) for item in entry.entries("statements", required=True)
    )
    _check_statements(entry, statements)
    return PolicyVersion(
        policy=policy,
        number=entry.text("number"),
        version=folder,
        title=entry.text("title"),
        payer=payer,
        effective_from=start,
        effective_to=end,
        precertification=entry.flag("precertification", True),
        statements=statements,
        library=library,
        document=entry.text("document"),
        documentation_rule=entry.optional_text("documentation_rule"),
        referrals=tuple(_referral(item, known) for item in entry.entries("referrals")),
        notes=entry.texts("notes"),
        questions=read_questions(entry, library, known.systems, policy),
    )


def _library(entry: Entry, elm: str, known: Known) -> CompiledLibrary:
    library = known.libraries.get(elm)
    if library is None:
        raise CatalogueError(elm, "is missing: run `cds-service rules build`")
    if entry.text("library") not in (library.name, _SOURCE):
        entry.fail("library", f"must be {library.name}, the library in {elm}")
    return library


def _check_statements(entry: Entry, statements: Sequence[Statement]) -> None:
    if not statements:
        entry.fail("statements", "is empty")
    seen: dict[str, list[Statement]] = {}
    for statement in statements:
        codes = statement.unassigned_codes | statement.billing_codes
        for key in (f"id {statement.id}", *sorted(statement.products), *sorted(codes)):
            for other in seen.setdefault(key, []):
                if key.startswith("id ") or not _speak_of_different_orders(other, statement):
                    entry.fail("statements", f"{key} is in both {other.id} and {statement.id}")
            seen[key].append(statement)


def _speak_of_different_orders(one: Statement, other: Statement) -> bool:
    """Two statements may share a product when each says for itself of which orders it speaks."""
    return one.applies is not None and other.applies is not None and one.applies != other.applies


def _statement(entry: Entry, library: CompiledLibrary, known: Known) -> Statement:
    products = frozenset(entry.texts("products"))
    codes = frozenset(code.upper() for code in entry.texts("unassigned_codes"))
    assigned = frozenset(code.upper() for code in entry.texts("billing_codes"))
    _all_known(entry, "products", products, known.products, "the drug list")
    _all_known(entry, "billing_codes", assigned, known.billing_codes, "the drug list")
    _all_known(entry, "unassigned_codes", codes, known.unassigned_codes, "catalog/unassigned_codes.yaml")
    if bool(products) == bool(codes):
        entry.fail("products", "name products, or else unassigned_codes for any other product, not both")
    if assigned & known.unassigned_codes or (assigned and not products):
        entry.fail("billing_codes", "are assigned codes beside products; unassigned ones name no drug")
    conclusion, applies = entry.text("conclusion"), entry.optional_text("applies")
    restricted = entry.optional_text("restricted_setting")
    for key, name in (("conclusion", conclusion), ("applies", applies), ("restricted_setting", restricted)):
        if name is not None and name not in library.definitions:
            entry.fail(key, f"{name!r} is not defined in library {library.name}")
    kind = _kind(entry, restricted)
    return Statement(
        id=entry.text("id"),
        title=entry.text("title"),
        cite=entry.text("cite"),
        conclusion=conclusion,
        criteria=criteria_tree(library, conclusion, entry.file.replace("policy.yaml", "criteria.cql")),
        products=products,
        unassigned_codes=codes,
        billing_codes=assigned,
        applies=applies,
        applies_reason=entry.optional_text("applies_reason"),
        not_covered_reason=entry.optional_text("not_covered_reason") or "",
        conditions_not_covered=tuple(
            _condition(item, known) for item in entry.entries("conditions_not_covered")
        ),
        authorization_months=entry.integer("authorization_months"),
        quantity_limit=_limit(entry.optional_entry("quantity_limit")),
        billing_code=entry.optional_text("billing_code"),
        notes=entry.texts("notes"),
        kind=kind,
        applies_unknown=entry.optional_text("applies_unknown") or _SITE,
        scope=_scope(entry, library, applies),
        restricted_setting=restricted,
        lower_cost_settings=tuple(_care_site(item, known) for item in entry.entries("lower_cost_settings")),
        transition=_transition(entry.optional_entry("transition")),
    )


def _kind(entry: Entry, restricted: str | None) -> StatementKind:
    named = entry.optional_text("kind") or StatementKind.MEDICAL_NECESSITY.value
    kind = next((each for each in StatementKind if each.value == named), None)
    if kind is None:
        entry.fail("kind", f"must be {' or '.join(each.value for each in StatementKind)}")
    if kind is StatementKind.SITE_OF_CARE:
        if restricted is None:
            entry.fail("restricted_setting", "is missing: which setting does the statement restrict?")
        if not entry.data.get("lower_cost_settings"):
            entry.fail("lower_cost_settings", "is missing: where is the drug covered without an exception?")
    elif restricted is not None:
        entry.fail("restricted_setting", "belongs to a statement of kind site-of-care")
    return kind


def _scope(entry: Entry, library: CompiledLibrary, applies: str | None) -> CriteriaNode | None:
    """The criteria of `applies`, where the statement asks them when they are unknown."""
    wanted = entry.optional_text("applies_unknown") or _SITE
    if wanted not in (_SITE, _DOCUMENTATION):
        entry.fail("applies_unknown", f"must be {_SITE} or {_DOCUMENTATION}")
    if wanted == _SITE:
        return None
    if applies is None:
        entry.fail("applies_unknown", "needs `applies`")
    return criteria_tree(library, applies, entry.file.replace("policy.yaml", "criteria.cql"))


def _transition(entry: Entry | None) -> Transition | None:
    if entry is None:
        return None
    days = entry.integer("days")
    if days is None:
        entry.fail("days", "is missing")
    return Transition(days, entry.text("text"), entry.text("cite"), entry.flag("once", True))


def _all_known(entry: Entry, key: str, named: Set[str], known: Set[str], where: str) -> None:
    unknown = sorted(named - known)
    if unknown:
        entry.fail(key, f"{unknown[0]} is not in {where}")


def _condition(entry: Entry, known: Known) -> ConditionNotCovered:
    return ConditionNotCovered(entry.text("name"), entry.text("cite"), _value_set(entry, known))


def _care_site(entry: Entry, known: Known) -> CareSite:
    return CareSite(entry.text("name"), entry.text("cite"), _value_set(entry, known))


def _value_set(entry: Entry, known: Known) -> str | None:
    """The URL of the value set that an entry names by id."""
    named = entry.optional_text("value_set")
    value_set = known.value_sets.get(named) if named is not None else None
    if named is not None and value_set is None:
        entry.fail("value_set", f"catalog/value_sets/{named}.yaml does not exist")
    return value_set.url if value_set else None


def _limit(entry: Entry | None) -> QuantityLimit | None:
    if entry is None:
        return None
    hours = entry.integer("per_hours")
    if hours is None:
        entry.fail("per_hours", "is missing")
    return QuantityLimit(entry.decimal("amount"), entry.text("unit"), hours, entry.text("cite"))


def _referral(entry: Entry, known: Known) -> Referral:
    codes = frozenset(code.upper() for code in entry.texts("billing_codes"))
    products = frozenset(entry.texts("products"))
    _all_known(entry, "products", products, known.products, "the drug list")
    if not codes and not products:
        entry.fail("billing_codes", "name billing codes or products")
    return Referral(codes, entry.text("policy"), entry.text("text"), entry.text("cite"), products)
