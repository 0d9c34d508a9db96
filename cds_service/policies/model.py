"""What the catalogue holds once loaded. Immutable; shared by every thread."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from cds_service.cql import CompiledLibrary
from cds_service.policies.questions import Questions

UNDATED: Final = "undated"  # folder and version name of a policy whose document bears no date


@dataclass(frozen=True, slots=True)
class ProductLine:
    """One line of business of a payer, and the signs by which a Coverage shows it.

    `coverage_types` are (canonical system, code) of Coverage.type, `classes` (kind, value in case-folded
    form) of Coverage.class, `names` runs of whole words in the names of plan, group or type.
    """

    id: str
    label: str
    coverage_types: frozenset[tuple[str, str]] = frozenset()
    classes: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[tuple[str, ...]] = frozenset()


@dataclass(frozen=True, slots=True)
class Payer:
    """One payer of `catalog/payers.yaml`. `label` is what cards show as their source."""

    id: str
    label: str
    identifiers: tuple[tuple[str, str], ...]  # (system, value)
    aliases: tuple[str, ...] = ()
    url: str | None = None
    phone: str | None = None
    real_time_approval: bool = True
    unlisted_drugs: str = "not-addressed"  # or "no-authorization"
    alternatives: tuple[AlternativeSite, ...] = ()
    product_lines: tuple[ProductLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the drug list (`catalog/drugs.yaml`, `catalog/drugs/`)."""

    id: str
    brand: str
    generic: str
    billing_codes: tuple[str, ...] = ()
    note: str | None = None


class Connective(enum.Enum):
    """How a group of criteria combines; the document's own words."""

    ALL = "all of"
    ANY = "any of"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A leaf of the criteria tree: one named CQL definition that can be true, false or unknown.

    `id` is stable and URL-safe (slug of `name`). `question` is what to ask when unknown; `answer_type`
    is boolean, quantity, date or choice. `documentation` is the policy's documentation rule, if the
    fact must be shown by chart notes or claims.
    """

    id: str
    name: str
    cite: str
    question: str | None = None
    answer_type: str = "boolean"
    unit: str | None = None
    documentation: str | None = None

    @property
    def leaves(self) -> tuple[Criterion, ...]:
        """The criterion itself, as of a tree that is nothing else."""
        return (self,)


@dataclass(frozen=True, slots=True)
class CriteriaGroup:
    """An inner node: the document's ALL OF / ANY OF, named when the CQL names it.

    `leaves` are the criteria below it, each once, in the policy's order.
    """

    connective: Connective
    children: tuple[CriteriaGroup | Criterion, ...]
    name: str | None = None
    cite: str | None = None
    leaves: tuple[Criterion, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        below = [leaf for each in self.children for leaf in each.leaves]
        object.__setattr__(self, "leaves", tuple({each.id: each for each in below}.values()))


CriteriaNode = CriteriaGroup | Criterion


@dataclass(frozen=True, slots=True)
class QuantityLimit:
    """A quantity limit of a statement, e.g. 36 tablets per 72 hours (policies/README point 12)."""

    amount: Decimal
    unit: str
    per_hours: int
    cite: str


@dataclass(frozen=True, slots=True)
class ConditionNotCovered:
    """A condition the document names as not covered; the indication is it when in `value_set` (a URL)."""

    name: str
    cite: str
    value_set: str | None = None


class StatementKind(enum.Enum):
    """What a statement decides: whether the drug is needed, or only where it is given."""

    MEDICAL_NECESSITY = "medical-necessity"
    SITE_OF_CARE = "site-of-care"


@dataclass(frozen=True, slots=True)
class CareSite:
    """A lower-cost setting that a site-of-care policy names, e.g. home infusion.

    `value_set` is the URL of the codes that stand for such a place.
    """

    name: str
    cite: str
    value_set: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A limited approval while the patient moves to a lower-cost setting; `once`: a first request only."""

    days: int
    text: str
    cite: str
    once: bool = True


@dataclass(frozen=True, slots=True)
class AlternativeSite:
    """A place in the payer's network, named in `catalog/payers.yaml`; `identifiers` are (system, value)."""

    name: str
    setting: str
    identifiers: tuple[tuple[str, str], ...] = ()
    contact: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing a policy version says: about these products, this conclusion decides.

    `products` are catalogue ids; empty means "any product without a statement of its own" and then
    `unassigned_codes` lists the billing codes that bring it here. `billing_codes` are assigned codes that
    bring an order here even when they leave open which product it is for. `applies` names a CQL definition
    that says whether the policy speaks of this order at all (None: always). `conclusion` names the CQL
    definition; `criteria` is its tree. `never_covered` is True where the document covers no use.
    `applies_unknown` says what an unknown `applies` needs: "site" (where the drug is given) or
    "documentation" (the criteria of `scope`, which are then asked).

    A site-of-care statement says with `restricted_setting`, a CQL definition, whether the setting is one
    that it restricts; there the conclusion holds the exceptions, and the lower-cost settings need none.
    """

    id: str
    title: str
    cite: str
    conclusion: str
    criteria: CriteriaNode
    products: frozenset[str] = frozenset()
    unassigned_codes: frozenset[str] = frozenset()
    billing_codes: frozenset[str] = frozenset()
    applies: str | None = None
    applies_reason: str | None = None  # for people, when `applies` is false
    not_covered_reason: str = ""
    conditions_not_covered: tuple[ConditionNotCovered, ...] = ()
    authorization_months: int | None = None
    quantity_limit: QuantityLimit | None = None
    billing_code: str | None = None
    notes: tuple[str, ...] = ()
    kind: StatementKind = StatementKind.MEDICAL_NECESSITY
    applies_unknown: str = "site"
    scope: CriteriaNode | None = None  # the tree of `applies`, where an unknown one is asked
    restricted_setting: str | None = None
    lower_cost_settings: tuple[CareSite, ...] = ()
    transition: Transition | None = None


@dataclass(frozen=True, slots=True)
class Referral:
    """The document sends these billing codes or products to another policy (1701: J9999 to 1403)."""

    billing_codes: frozenset[str]
    policy: str
    text: str
    cite: str
    products: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of one policy, ready to evaluate; one without dates is "undated" and always in force."""

    policy: str  # "cigna-1701"
    number: str  # "1701"
    version: str  # the effective date, ISO: "2024-07-01"; else "undated"
    title: str
    payer: str
    effective_from: date  # date.min for an undated version
    effective_to: date | None
    precertification: bool
    statements: tuple[Statement, ...]
    library: CompiledLibrary
    document: str
    documentation_rule: str | None = None
    referrals: tuple[Referral, ...] = ()
    notes: tuple[str, ...] = ()
    questions: Questions = Questions()  # noqa: RUF009 (immutable)

    @property
    def label(self) -> str:
        """How people call it: number, title and effective date."""
        return f"{self.number} {self.title} ({in_force_since(self.version)})"


def in_force_since(version: str) -> str:
    """The version of a policy in words: "effective 2024-07-01", or that its document bears no date."""
    return "undated" if version == UNDATED else f"effective {version}"


class NotAddressed(enum.Enum):
    """Why no policy on file decides an order."""

    NO_POLICY = "no policy on file for this drug"
    NOT_IN_FORCE = "no version of the policy in force on the date of service"
    REFERRED = "the policy refers this code to another policy"
    OUT_OF_SCOPE = "the policy does not speak of this setting or use"
    NOT_A_DRUG = "not a drug order"
    CONTRADICTORY_CODES = "the codes on the order stand for different drugs"


class Selection(NamedTuple):
    """What `policies.select` found for one order: statements in force, or the reason why none."""

    statements: tuple[tuple[PolicyVersion, Statement], ...] = ()
    not_addressed: NotAddressed | None = None
    explanation: str = ""
    consulted: tuple[PolicyVersion, ...] = ()  # policies to name even when none decides
    parameters: Mapping[str, object] = MappingProxyType({})
