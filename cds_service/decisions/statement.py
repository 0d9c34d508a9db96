"""What one statement of one policy version says about one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cds_service.cql import CqlRuntimeError, DefinitionTrace, Evaluation, ValueSetSource
from cds_service.decisions.finding import Finding
from cds_service.decisions.model import CriterionResult, CriterionStatus, Outcome, Reason
from cds_service.decisions.quantity import Fit, compare, plain
from cds_service.decisions.reasons import missing, why_false
from cds_service.decisions.site import site_finding
from cds_service.decisions.tree import leaves, statuses
from cds_service.orders.model import DrugOrder
from cds_service.policies.model import (
    ConditionNotCovered,
    CriteriaNode,
    Criterion,
    PolicyVersion,
    QuantityLimit,
    Statement,
    StatementKind,
)

NO_REASON = "no value"  # what a trace says when it knows no reason


# A fact of the order whose name alone does not tell a reader what is missing.
_NO_INDICATION: Final = ('"Indication is coded in ICD-10-CM" is not known', "the order gives no reason")


class NotATruthValueError(Exception):
    """A rule gave something else than true, false or unknown; names its definition, never the value."""

    def __init__(self, library: str, definition: str) -> None:
        super().__init__(f"{library}: {definition}")
        self.library = library
        self.definition = definition


def find(
    order: DrugOrder,
    version: PolicyVersion,
    statement: Statement,
    evaluation: Evaluation,
    value_sets: ValueSetSource,
    *,
    attestable: bool = True,
) -> Finding:
    """Decide one order by one statement. `attestable`: answers were given, so that some value may be one.

    Raises CqlRuntimeError when a rule cannot be evaluated and NotATruthValueError when one is no condition.
    """
    applies, unclear = _holds(statement.applies, evaluation)
    if applies is False:
        text = statement.applies_reason or f"{version.label} does not speak of this order."
        return Finding(version, statement, Outcome.NOT_ADDRESSED, (Reason(text, statement.cite),))
    if applies is None and statement.scope is not None:
        return _ask_scope(version, statement, statement.scope, evaluation, attestable)
    conclusion, values, results = _standing(statement.criteria, evaluation, attestable)
    criteria = tuple(results.values())
    if statement.kind is StatementKind.SITE_OF_CARE:
        restricted = _holds(statement.restricted_setting, evaluation)[0] if applies else None
        excepted = conclusion if applies else None
        return site_finding(order.setting, version, statement, restricted, excepted, values, results)
    if applies is None:
        text = f"Whether {version.label} decides this order depends on where the drug is given"
        reason = Reason(f"{text} ({unclear})." if unclear else f"{text}.", statement.cite)
        return Finding(version, statement, Outcome.SITE_UNKNOWN, (reason,), criteria)
    limit = statement.quantity_limit
    fit, compared = compare(order.quantity, limit) if limit is not None else (Fit.WITHIN, None)
    exceeded = limit if fit is Fit.OVER else None
    if conclusion is False or exceeded is not None:
        reasons = _named_conditions(order, statement, value_sets) if conclusion is False else []
        if exceeded is not None:
            text = f"The ordered quantity ({compared}) is over the limit of {limit_in_words(exceeded)}."
            reasons.append(Reason(text, exceeded.cite))
        if conclusion is False:
            said = exceeded.cite if exceeded is not None else None  # a criterion that repeats the limit
            failed = why_false(statement.criteria, values, results)
            reasons += [reason for reason in failed if said is None or reason.cite != said]
            if statement.not_covered_reason:
                reasons.append(Reason(statement.not_covered_reason, statement.cite))
        settled = tuple(each.settled() for each in criteria)
        return Finding(version, statement, Outcome.NOT_COVERED, tuple(reasons), settled, limit=exceeded)
    notes = statement.notes
    if limit is not None and fit is Fit.UNKNOWN:
        unchecked = f"{compared}, so the order was not checked against it"
        notes += (f"Limited to {limit_in_words(limit)}; {unchecked}.",)
    if conclusion is None:
        asks = tuple(each for each in criteria if each.status is CriterionStatus.UNKNOWN)
        reasons = missing(statement.criteria, values, results)
        reasons += [Reason(text) for text in order.indication.unusable]
        return Finding(
            version, statement, Outcome.DOCUMENTATION_NEEDED, tuple(reasons), criteria, asks, notes, limit
        )
    reason = Reason(f"The criteria for {statement.title} are met.", statement.cite)
    return Finding(version, statement, Outcome.COVERED, (reason,), criteria, (), notes, limit)


def limit_in_words(limit: QuantityLimit) -> str:
    """A quantity limit for people: "36 tablets per 72 hours"."""
    return f"{plain(limit.amount)} {limit.unit} per {limit.per_hours} hours"


def _standing(
    tree: CriteriaNode, evaluation: Evaluation, attestable: bool
) -> tuple[bool | None, Mapping[str, bool | None], dict[str, CriterionResult]]:
    """The conclusion of a tree, and the value and result of each of its criteria by id."""
    traced = [(each, evaluation.trace(each.name)) for each in leaves(tree)]
    values = {each.id: truth(trace) for each, trace in traced}
    conclusion, standing = statuses(tree, values)
    results = {
        each.id: _result(each, trace, standing[each.id], attestable and _attested(trace))
        for each, trace in traced
    }
    return conclusion, values, results


def _ask_scope(
    version: PolicyVersion,
    statement: Statement,
    scope: CriteriaNode,
    evaluation: Evaluation,
    attestable: bool,
) -> Finding:
    """Ask what is unknown of whether the statement speaks of the order at all."""
    _, values, results = _standing(scope, evaluation, attestable)
    criteria = tuple(results.values())
    asks = tuple(each for each in criteria if each.status is CriterionStatus.UNKNOWN)
    reasons = missing(scope, values, results)
    return Finding(version, statement, Outcome.DOCUMENTATION_NEEDED, tuple(reasons), criteria, asks)


def _holds(definition: str | None, evaluation: Evaluation) -> tuple[bool | None, str | None]:
    """Whether a definition is true (one that is not named is), and why that is unknown."""
    if definition is None:
        return True, None
    trace = evaluation.trace(definition)
    value = truth(trace)
    return value, _why_unknown(trace) if value is None else None


def truth(trace: DefinitionTrace) -> bool | None:
    """The value of a traced definition, as far as all the data that it read could be had.

    False for want of data that could not be had is unknown. So is what rests on a part of them: the rest,
    on a page that was never read, may hold the later measurement.
    """
    value = trace.value
    if value is None or value is True or value is False:
        lacking = frozenset() if value is None or trace.answered else trace.unavailable
        if lacking and (value is False or not lacking.isdisjoint(_types(trace.evidence))):
            return None
        return value
    raise NotATruthValueError(trace.library, trace.name)


def _types(references: Iterable[str]) -> frozenset[str]:
    """The types of the resources behind a value; of the patient there is one, so no part of them."""
    return frozenset(each.partition("/")[0] for each in references) - {"Patient"}


def _why_unknown(trace: DefinitionTrace) -> str | None:
    unavailable = trace.unavailable
    if unavailable:
        return f"data unavailable: {', '.join(sorted(unavailable))}"
    why = trace.why_null
    return why.replace(*_NO_INDICATION) if why is not None and why != NO_REASON else None


def _result(
    criterion: Criterion, trace: DefinitionTrace, status: CriterionStatus, attested: bool
) -> CriterionResult:
    open_still = status in (CriterionStatus.UNKNOWN, CriterionStatus.NOT_NEEDED)
    return CriterionResult(
        id=criterion.id,
        name=criterion.name,
        status=status,
        cite=criterion.cite,
        why=_why_unknown(trace) if open_still else None,
        evidence=trace.evidence,
        question=criterion.question,
        documentation=criterion.documentation,
        attested=attested,
        value="; ".join(trace.values[:3]) or None,
        unavailable=trace.unavailable if open_still else frozenset(),
    )


def _attested(trace: DefinitionTrace) -> bool:
    return trace.answered or any(map(_attested, trace.children))


def _named_conditions(order: DrugOrder, statement: Statement, value_sets: ValueSetSource) -> list[Reason]:
    """The conditions that the document names as not covered and that are reasons of this order."""
    found = []
    for condition in statement.conditions_not_covered:
        if _is_indicated(order, condition, value_sets):
            found.append(Reason(f"Not covered by this policy: {condition.name}.", condition.cite))
    return found


def _is_indicated(order: DrugOrder, condition: ConditionNotCovered, value_sets: ValueSetSource) -> bool:
    if condition.value_set is None:
        return False
    codes = value_sets.lookup(condition.value_set)
    if codes is None:
        raise CqlRuntimeError(f"no value set {condition.value_set}")
    return any(codes.contains(coding.code, coding.system) for coding in order.indication.codes)
