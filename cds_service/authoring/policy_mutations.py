"""Small changes to what policy.yaml says, each of which some golden case should notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from cds_service.policies.model import PolicyVersion, QuantityLimit, Statement

_DAY = timedelta(days=1)
_SHORT = 20  # a longer list of products or codes has a generated matrix of its own, not a golden case each


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """Versions that stand in for those of the same policy and version; `place` is inside policy.yaml."""

    version: PolicyVersion
    statement: str | None
    place: str
    words: str
    versions: tuple[PolicyVersion, ...]


def policy_changes(version: PolicyVersion, timeline: list[PolicyVersion]) -> Iterator[PolicyChange]:
    """Every change of one version; `timeline` holds all versions of its policy, for dates that adjoin."""
    for statement in version.statements:
        for place, words, changed in _statement_changes(statement):
            kept = tuple(changed if each is statement else each for each in version.statements)
            new = replace(version, statements=tuple(each for each in kept if each is not None))
            yield PolicyChange(version, statement.id, place, words, (new,))
    for referral in version.referrals:
        for code in sorted(referral.billing_codes):
            rest = replace(referral, billing_codes=referral.billing_codes - {code})
            referrals = tuple(rest if each is referral else each for each in version.referrals)
            words = f"referral of {code} dropped"
            yield PolicyChange(version, None, "referrals", words, (replace(version, referrals=referrals),))
    yield from _dates(version, timeline)


def _statement_changes(statement: Statement) -> Iterator[tuple[str, str, Statement | None]]:
    """Place, words and the statement that stands in; None where nothing is left of it."""
    name = statement.id
    for key in ("products", "unassigned_codes", "billing_codes"):
        listed: frozenset[str] = getattr(statement, key, frozenset())
        for each in sorted(listed) if len(listed) <= _SHORT else ():
            rest = _with(statement, key, listed - {each})
            addressed = any(
                getattr(rest, one, None) for one in ("products", "unassigned_codes", "billing_codes")
            )
            yield f"{name}.{key}", f"{each} dropped", rest if addressed else None
    if statement.applies is not None:
        yield f"{name}.applies", "dropped: the statement applies always", replace(statement, applies=None)
    months = statement.authorization_months
    if months is not None:
        for other in (months + 1, months - 1):
            changed = replace(statement, authorization_months=other)
            yield f"{name}.authorization_months", f"{months} becomes {other}", changed
    if statement.quantity_limit is not None:
        yield f"{name}.quantity_limit", "dropped", replace(statement, quantity_limit=None)
        for words, limit in _limits(statement.quantity_limit):
            yield f"{name}.quantity_limit", words, replace(statement, quantity_limit=limit)
    for condition in statement.conditions_not_covered:
        if condition.value_set is not None:
            rest_of = tuple(each for each in statement.conditions_not_covered if each is not condition)
            changed = replace(statement, conditions_not_covered=rest_of)
            yield f"{name}.conditions_not_covered", f"{condition.name} dropped", changed


def _limits(limit: QuantityLimit) -> Iterator[tuple[str, QuantityLimit]]:
    for change in (1, -1):
        amount, hours = limit.amount + change, limit.per_hours + change
        yield f"amount {limit.amount} becomes {amount}", replace(limit, amount=amount)
        yield f"per_hours {limit.per_hours} becomes {hours}", replace(limit, per_hours=hours)


def _dates(version: PolicyVersion, timeline: list[PolicyVersion]) -> Iterator[PolicyChange]:
    """The first and the last day, one day off; an adjoining version moves along, so that none overlap."""
    start: date | None = version.effective_from
    end = version.effective_to
    if start is not None and start not in (date.min, date.max):
        before = [each for each in timeline if each.effective_to == start - _DAY]
        for days in (1, -1):
            moved = start + days * _DAY
            neighbours = tuple(replace(each, effective_to=moved - _DAY) for each in before)
            words = f"from {start} becomes {moved}"
            new = replace(version, effective_from=moved)
            yield PolicyChange(version, None, "effective", words, (new, *neighbours))
    if end is not None and not any(each.effective_from == end + _DAY for each in timeline):
        for days in (1, -1):
            moved = end + days * _DAY
            new = replace(version, effective_to=moved)
            yield PolicyChange(version, None, "effective", f"to {end} becomes {moved}", (new,))


def _with(statement: Statement, key: str, value: Any) -> Statement:
    return replace(statement, **{key: value})
