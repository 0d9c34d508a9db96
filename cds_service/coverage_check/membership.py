"""Whether the payer knows the member of a Coverage, and what the plan says (CRD 2.2.1 resp-44, resp-45)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, Protocol

from cds_service.decisions.model import TECHNICAL_CODES, Determination, Outcome, Reason
from cds_service.fhir import reads
from cds_service.orders.model import DrugOrder, MemberCoverage
from cds_service.policies.model import Product
from cds_service.store.enrolment import LONGEST_MEMBER_ID, Enrolment, MemberKey, member_number

Resource = Mapping[str, Any]

_CODE: Final = "CDS-2005"


class MemberLookup(Protocol):
    """Where members are looked up; without one the Coverage itself is believed (trust-ehr)."""

    def find(self, members: Collection[MemberKey]) -> Mapping[MemberKey, Sequence[Enrolment]] | None:
        """The enrolments of each member, none for an unknown one; None when nobody can tell now."""


class Member(NamedTuple):
    """What the look-up told about the member of one Coverage; `enrolments` None: it could not tell."""

    enrolments: Sequence[Enrolment] | None


class Refusal(NamedTuple):
    """Why there is no coverage: a CRD coverage assertion reason, and its words. Code None: not known."""

    code: str | None
    text: str


def member_lookup(kind: str, database_url: str) -> MemberLookup | None:
    """The look-up that CDS_MEMBER_LOOKUP names: `table`, else None for `trust-ehr`."""
    if kind != "table":
        return None
    from cds_service.store.members import MemberTable

    return MemberTable(database_url)


def look_up(lookup: MemberLookup, coverages: Sequence[MemberCoverage]) -> list[Member]:
    """The members of the Coverages of one call, by one read."""
    keys = [_key(each) for each in coverages]
    wanted = {each for each in keys if each is not None}
    found = lookup.find(wanted) if wanted else {}
    return [Member(() if key is None else None if found is None else found[key]) for key in keys]


def enrolled(
    member: Member, coverage: MemberCoverage, patient: Resource | None, on: date
) -> Sequence[Enrolment] | Refusal:
    """The member's enrolments in the plan of a Coverage on a day (one plan), or why there is none."""
    if member.enrolments is None:
        return Refusal(None, f"{TECHNICAL_CODES[_CODE]} ({_CODE})")
    known = _of_patient(member.enrolments, patient)
    if not known:
        return Refusal("no-member-found", "The payer finds no member with this member id and date of birth.")
    running = [each for each in known if each.runs_on(on)]
    if not running:
        return Refusal("no-active-coverage", f"The member has no coverage on the date of service {on}.")
    plans, groups = _named(coverage, "plan"), _named(coverage, "group")
    meant = [each for each in known if _folded(each.plan) in plans | groups]
    if not meant and not plans:  # a group is often an employer, and no plan
        meant = known
    if not meant:
        return Refusal("coverage-not-found", "The coverage of this order matches no plan of the member.")
    running = [each for each in meant if each.runs_on(on)]
    if not running:
        text = f"The member's coverage by this plan is not active on the date of service {on}."
        return Refusal("no-active-coverage", text)
    if len({_folded(each.plan) for each in running}) > 1:
        text = "The member has several plans; the coverage of this order does not name the one meant."
        return Refusal("coverage-not-found", text)
    return running


def by_table(
    coverage: MemberCoverage, enrolments: Sequence[Enrolment], order: DrugOrder, product: Product | None
) -> MemberCoverage:
    """The Coverage with what the table knows better: line of business, and an exclusion of the order.

    An order that names no billing code of its product is excluded by any that stands for the product.
    """
    lines = {each.line_of_business for each in enrolments}
    line = lines.pop() if len(lines) == 1 else None
    exclusions = {item for each in enrolments for item in each.exclusions}
    of_product = product.billing_codes if product is not None else ()
    codes = {*order.drug.billing_codes}
    if codes.isdisjoint(of_product):
        codes.update(of_product)
    hit = order.drug.product in exclusions or not exclusions.isdisjoint(codes)
    return coverage._replace(
        line_of_business=line or coverage.line_of_business,
        service_excluded=True if hit else coverage.service_excluded,
    )


def refused(refusal: Refusal, reference: str, order: DrugOrder | None) -> Determination:
    """The answer without coverage; trouble of the look-up is technical and never a coverage statement."""
    if refusal.code is not None:
        return _answer(Outcome.NOT_COVERED, Reason(refusal.text, code=refusal.code), reference, order)
    reason = Reason(refusal.text, code="technical")
    open_answer = _answer(Outcome.INDETERMINATE, reason, reference, order)
    return open_answer._replace(info_needed=("OTH",), technical_code=_CODE)


def excluded(order: DrugOrder, by_policy: Determination) -> Determination:
    """The answer for what the member's plan excludes; a policy that refuses it too is cited besides."""
    reason = Reason(f"Plan exclusion: the member's plan does not cover {order.drug.display}.")
    if by_policy.outcome is Outcome.NOT_COVERED:
        return by_policy._replace(reasons=(reason, *by_policy.reasons))
    return _answer(Outcome.NOT_COVERED, reason, order.reference, order)


def _answer(outcome: Outcome, reason: Reason, reference: str, order: DrugOrder | None) -> Determination:
    return Determination(
        outcome=outcome,
        order=reference,
        drug=order.drug.display if order is not None else "",
        service_date=order.service_date if order is not None else None,
        reasons=(reason,),
        identified_by=order.drug.identified_by if order is not None else None,
    )


def _key(coverage: MemberCoverage) -> MemberKey | None:
    number = member_number(coverage.member_id or "")
    usable = number and len(number) <= LONGEST_MEMBER_ID and number.isprintable()
    return (coverage.payer, number) if usable else None


def _of_patient(enrolments: Sequence[Enrolment], patient: Resource | None) -> list[Enrolment]:
    """Those of this patient: a family may share a member id. An unknown birth date speaks against none."""
    born = reads.text(patient.get("birthDate")) if patient is not None else None
    return [each for each in enrolments if born is None or each.birth_date.isoformat().startswith(born)]


def _named(coverage: MemberCoverage, kind: str) -> frozenset[str]:
    """Every plan, or group, that a Coverage names, by value and by name (Coverage.class)."""
    named = [
        reads.text(item.get(element))
        for item in reads.objects(coverage.resource.get("class"))
        if kind in reads.codes(item.get("type"))
        for element in ("value", "name")
    ]
    return frozenset(_folded(each) for each in named if each)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
