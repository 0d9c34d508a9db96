"""Answers weighed against the chart: they count where it is silent, never against it.

The chart goes first. An answer that says another thing than the chart about a criterion leaves that
criterion unknown, and so does an answer without the document that it needs: then neither counts, and the
decision says why. Nothing is approved by either, unless the conclusion does not hang on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from cds_service.cql import Doubt, Evaluation
from cds_service.decisions.statement import truth
from cds_service.decisions.tree import leaves
from cds_service.policies.model import Criterion, Statement

Evaluate = Callable[[Mapping[str, Any]], Evaluation]

CONTRADICTED: Final = "the answer contradicts the record{}; the payer reviews the documentation"
UNDOCUMENTED: Final = "the answer needs documentation that has not come: {}"


class Attestation(NamedTuple):
    """The answers to the questions of one policy.

    `values` are by CQL definition, as `EvaluationInput.answers` takes them; None is no answer. `undocumented`
    are names of criteria whose answer needs a document that is not there.
    """

    values: Mapping[str, Any]
    undocumented: frozenset[str] = frozenset()

    def joined(self, other: Attestation) -> Attestation:
        """These answers and those of another form of the same policy; where they differ, neither counts."""
        both = {**self.values, **other.values}
        agreed = {
            name: value if self.values.get(name, value) == value else None for name, value in both.items()
        }
        return Attestation(agreed, self.undocumented | other.undocumented)


class Contradiction(NamedTuple):
    """An answer that says another thing than the chart; `on_record` is the chart's value in words."""

    criterion: str
    name: str
    on_record: str | None


@dataclass(slots=True)
class Attested:
    """The answers to all forms of one order, by policy; deciding notes here which of them do not count."""

    by_policy: Mapping[str, Attestation]
    charts: dict[str, Evaluation] = field(default_factory=dict)  # by policy: its rules without any answer
    contradictions: list[Contradiction] = field(default_factory=list)
    undocumented: list[str] = field(default_factory=list)

    def decide(self, policy: str, evaluate: Evaluate, statements: Iterable[Statement]) -> Evaluation:
        """The evaluation of a policy's rules that decides; notes what did not count in it."""
        attestation = self.by_policy.get(policy)
        if attestation is None:
            self.charts[policy] = evaluate({})
            return self.charts[policy]
        weighed = weigh(evaluate, criteria_of(statements), attestation)
        self.contradictions += weighed.contradictions
        self.undocumented += weighed.undocumented
        return weighed.evaluation


class Weighed(NamedTuple):
    """The evaluation that decides, and the criteria whose answers do not count in it."""

    evaluation: Evaluation
    contradictions: tuple[Contradiction, ...] = ()
    undocumented: tuple[str, ...] = ()  # names of criteria


def criteria_of(statements: Iterable[Statement]) -> tuple[Criterion, ...]:
    """Every criterion that the statements may ask, each once."""
    trees = [tree for each in statements for tree in (each.scope, each.criteria) if tree is not None]
    return tuple({leaf.name: leaf for tree in trees for leaf in leaves(tree)}.values())


def weigh(evaluate: Evaluate, criteria: Iterable[Criterion], attestation: Attestation) -> Weighed:
    """Evaluate a policy's rules with answers, and see that none of them overrules the chart.

    `evaluate` evaluates with the given answers, traced; `criteria` are those of all statements that
    decide. Raises as evaluation does.
    """
    listed = tuple(criteria)
    chart = evaluate({})
    on_chart = {each.name: truth(chart.trace(each.name)) for each in listed}
    given = _needed(attestation.values, on_chart)
    answered = evaluate(given)
    values = {each.name: truth(answered.trace(each.name)) for each in listed}
    undocumented = tuple(_undocumented(listed, attestation.undocumented, on_chart, values))
    open_still = {
        each.name: Doubt(UNDOCUMENTED.format(each.documentation or each.name)) for each in undocumented
    }
    contradictions = []
    for each in listed:
        before, after = on_chart[each.name], values[each.name]
        if before is not None and after is not None and before is not after:
            on_record = "; ".join(chart.trace(each.name).values[:3]) or None
            contradictions.append(Contradiction(each.id, each.name, on_record))
            open_still[each.name] = Doubt(CONTRADICTED.format(f" ({on_record})" if on_record else ""))
    if open_still:
        against = [each.name for each in contradictions]
        given = {**_without_facts(evaluate, given, on_chart, against), **open_still}
        answered = evaluate(given)
        values = {each.name: truth(answered.trace(each.name)) for each in listed}
    evaluation = _resting_on_the_chart(evaluate, answered, given, values)
    return Weighed(evaluation, tuple(contradictions), tuple(each.name for each in undocumented))


def _undocumented(
    criteria: Iterable[Criterion],
    named: frozenset[str],
    on_chart: Mapping[str, bool | None],
    values: Mapping[str, bool | None],
) -> Iterator[Criterion]:
    """Those that rest on an answer without its document; a form asks once for what proves several of them."""
    listed = tuple(criteria)
    missing = {(each.documentation, values[each.name]) for each in listed if each.name in named}
    for each in listed:
        lacks = each.documentation is not None and (each.documentation, values[each.name]) in missing
        if on_chart[each.name] is None and values[each.name] is not None and lacks:
            yield each


def _needed(values: Mapping[str, Any], on_chart: Mapping[str, bool | None]) -> dict[str, Any]:
    """The answers without those that only repeat what the chart shows of their criterion."""
    return {
        name: value for name, value in values.items() if value is not None and on_chart.get(name) is not value
    }


def _without_facts(
    evaluate: Evaluate, given: Mapping[str, Any], on_chart: Mapping[str, bool | None], against: list[str]
) -> dict[str, Any]:
    """The answers without the facts behind contradictions: what one criterion refutes settles no other."""
    kept = dict(given)
    for fact in [each for each in given if against and each not in on_chart]:
        without = evaluate({name: value for name, value in given.items() if name != fact})
        if any(truth(without.trace(name)) is on_chart[name] for name in against):
            del kept[fact]
    return kept


def _resting_on_the_chart(
    evaluate: Evaluate, answered: Evaluation, given: Mapping[str, Any], values: Mapping[str, bool | None]
) -> Evaluation:
    """The same decision with as few answered facts as it takes: the chart shows what it can."""
    for name in [each for each in given if each not in values and not isinstance(given[each], Doubt)]:
        fewer = {each: value for each, value in given.items() if each != name}
        found = evaluate(fewer)
        if all(truth(found.trace(each)) is value for each, value in values.items()):
            answered, given = found, fewer
    return answered
