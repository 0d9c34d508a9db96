"""The sentences of a decision: why a conclusion is false, what holds it, what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cds_service.decisions.model import CriterionResult, Reason
from cds_service.decisions.tree import Values, evaluate
from cds_service.policies.model import Connective, CriteriaGroup, CriteriaNode, Criterion

_GROUP_WORDS: Final = {Connective.ALL: "all of", Connective.ANY: "one of", Connective.NOT: "none of"}


def why_false(node: CriteriaNode, values: Values, results: Mapping[str, CriterionResult]) -> list[Reason]:
    """One reason per part of the tree that makes it false, in the policy's order."""
    return _against(node, values, results, False)


def _against(
    node: CriteriaNode, values: Values, results: Mapping[str, CriterionResult], wanted: bool
) -> list[Reason]:
    if isinstance(node, Criterion):
        return [_leaf(node, results[node.id], wanted)]
    if node.connective is Connective.NOT:
        return [
            reason
            for child in node.children
            if evaluate(child, values) is (not wanted)
            for reason in _against(child, values, results, not wanted)
        ]
    parts = [child for child in node.children if evaluate(child, values) is wanted]
    if node.connective is Connective.ANY and not wanted and len(parts) > 1 and _only_criteria(parts):
        names = tuple(part.name for part in parts if isinstance(part, Criterion))
        return [listed("None of these is met", names, node.cite or parts[0].cite)]
    return [reason for part in parts for reason in _against(part, values, results, wanted)]


def _only_criteria(parts: list[CriteriaNode]) -> bool:
    return all(isinstance(part, Criterion) for part in parts)


def _leaf(criterion: Criterion, result: CriterionResult, wanted: bool) -> Reason:
    source = "answered" if result.attested else "on record"
    found = f" ({source}: {result.value})" if result.value else ""
    if wanted:
        return Reason(f"Stands against coverage: {criterion.name}{found}", criterion.cite)
    return Reason(f"Criterion not met: {criterion.name}{found}", criterion.cite)


def missing(node: CriteriaNode, values: Values, results: Mapping[str, CriterionResult]) -> list[Reason]:
    """What is still to be shown, in words that keep the policy's "all of" and "one of"."""
    if isinstance(node, CriteriaGroup) and node.connective is Connective.ALL:
        parts = [child for child in node.children if evaluate(child, values) is None]
    else:
        parts = [node]
    return [_still_missing(part, values, results) for part in parts]


def _open_exclusion(node: CriteriaNode) -> Criterion | None:
    """The one criterion that a `not` stands before: it is to be ruled out, not shown."""
    if isinstance(node, CriteriaGroup) and node.connective is Connective.NOT and len(node.children) == 1:
        child = node.children[0]
        return child if isinstance(child, Criterion) else None
    return None


def _still_missing(node: CriteriaNode, values: Values, results: Mapping[str, CriterionResult]) -> Reason:
    if isinstance(node, CriteriaGroup) and node.connective is Connective.ANY:
        alternatives = [child for child in node.children if evaluate(child, values) is None]
        if len(alternatives) > 1:
            phrases = tuple(_phrase(child, values, results) for child in alternatives)
            return listed("Not yet shown, where one of these is enough", phrases, node.cite)
    excluded = _open_exclusion(node)
    if excluded is not None:
        return Reason(f"Not yet ruled out: {_phrase(excluded, values, results)}", node.cite or excluded.cite)
    return Reason(f"Not yet shown: {_phrase(node, values, results)}", node.cite)


def listed(lead: str, items: tuple[str, ...], cite: str | None) -> Reason:
    """A reason that is a list: the words before it, and its items."""
    return Reason(f"{lead}: {'; '.join(items)}", cite, lead=lead, items=items)


def _phrase(node: CriteriaNode, values: Values, results: Mapping[str, CriterionResult]) -> str:
    if isinstance(node, Criterion):
        why = results[node.id].why
        return f"{node.name} ({why})" if why else node.name
    words = [_phrase(child, values, results) for child in node.children if evaluate(child, values) is None]
    said = words[0] if len(words) == 1 else f"{_GROUP_WORDS[node.connective]} ({'; '.join(words)})"
    return f"none of ({said})" if node.connective is Connective.NOT and len(words) == 1 else said
