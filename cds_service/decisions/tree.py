"""Three-valued evaluation of a criteria tree, and what is still worth asking.

Truth values are True, False and None (unknown), combined as in CQL 1.5 (Kleene logic). Values are given
per criterion id; a criterion without a value is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cds_service.decisions.model import CriterionStatus
from cds_service.policies.model import Connective, CriteriaNode, Criterion

Values = Mapping[str, bool | None]

EXACT_UNKNOWNS: Final = 16  # a truth table of 2**16 rows is the largest that is built


def leaves(node: CriteriaNode) -> tuple[Criterion, ...]:
    """The criteria of a tree, each once, in the policy's order."""
    return node.leaves


def evaluate(node: CriteriaNode, values: Values) -> bool | None:
    """Value of a tree. ALL OF nothing is True, ANY OF nothing is False, NOT means none of its children."""
    if isinstance(node, Criterion):
        return values.get(node.id)
    settling = node.connective is not Connective.ALL  # the value that settles the group at once
    unknown = False
    for child in node.children:
        value = evaluate(child, values)
        if value is None:
            unknown = True
        elif value is settling:
            return settling if node.connective is not Connective.NOT else not settling
    if unknown:
        return None
    return not settling if node.connective is not Connective.NOT else settling


def settle(node: CriteriaNode, values: Values) -> tuple[bool | None, frozenset[str]]:
    """The conclusion, and the ids of the unknown criteria whose answer could still change it.

    Exactly those: an id is in the set when some answers to the other unknown criteria leave the
    conclusion hanging on this one. A conclusion that no answer can change is settled, also where
    three-valued logic alone would call it unknown ("A or not A"). Above EXACT_UNKNOWNS unknown criteria
    in a tree that names one of them twice, the set may hold more than needed, never less.
    """
    conclusion = evaluate(node, values)
    if conclusion is not None:
        return conclusion, frozenset()
    unknown = [each.id for each in _occurrences(node) if values.get(each.id) is None]
    distinct = tuple(dict.fromkeys(unknown))
    if len(distinct) == len(unknown) or len(distinct) > EXACT_UNKNOWNS:
        return None, frozenset(_open(node, values))
    return _by_truth_table(node, values, distinct)


def statuses(node: CriteriaNode, values: Values) -> tuple[bool | None, dict[str, CriterionStatus]]:
    """The conclusion and how each criterion stands, by id in the policy's order.

    An unknown criterion that can no longer change the conclusion is "not needed".
    """
    conclusion, asks = settle(node, values)
    found: dict[str, CriterionStatus] = {}
    for each in node.leaves:
        value = values.get(each.id)
        if value is not None:
            found[each.id] = CriterionStatus.MET if value else CriterionStatus.NOT_MET
        else:
            found[each.id] = CriterionStatus.UNKNOWN if each.id in asks else CriterionStatus.NOT_NEEDED
    return conclusion, found


def _occurrences(node: CriteriaNode) -> Iterator[Criterion]:
    if isinstance(node, Criterion):
        yield node
        return
    for child in node.children:
        yield from _occurrences(child)


def _open(node: CriteriaNode, values: Values) -> Iterator[str]:
    """Unknown leaves with no settled group above them."""
    if isinstance(node, Criterion):
        yield node.id
        return
    for child in node.children:
        if evaluate(child, values) is None:
            yield from _open(child, values)


def _by_truth_table(
    node: CriteriaNode, values: Values, unknown: tuple[str, ...]
) -> tuple[bool | None, frozenset[str]]:
    """Decide by all answers at once: each criterion is a column of 2**n bits, groups combine columns."""
    rows = 1 << len(unknown)
    every = (1 << rows) - 1
    columns: dict[str, int] = {}
    for position, name in enumerate(unknown):
        step = 1 << position  # runs of `step` rows without, then `step` rows with this answer
        columns[name] = every // ((1 << step) + 1) << step

    def column(part: CriteriaNode) -> int:
        if isinstance(part, Criterion):
            value = values.get(part.id)
            if value is None:
                return columns[part.id]
            return every if value else 0
        if part.connective is Connective.ALL:
            result = every
            for child in part.children:
                result &= column(child)
            return result
        result = 0
        for child in part.children:
            result |= column(child)
        return result if part.connective is Connective.ANY else every ^ result

    result = column(node)
    if result in (0, every):
        return result == every, frozenset()
    asks = set()
    for position, name in enumerate(unknown):
        with_answer = result & columns[name]
        without_answer = result & (every ^ columns[name])
        if with_answer >> (1 << position) != without_answer:
            asks.add(name)
    return None, frozenset(asks)
