"""Checks of what the rules mean: truth by absence, criteria without effect, limits that disagree."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

from cds_service.authoring.elm_texts import ElmTexts, Node, walk
from cds_service.authoring.exercised import is_constant
from cds_service.authoring.findings import Finding
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.decisions.tree import evaluate
from cds_service.policies.criteria import leaves
from cds_service.policies.model import CriteriaNode, PolicyVersion, Statement

_MOST_CRITERIA = 14  # beyond, trying every combination takes too long
_HOURS = ("h", "hour", "hours")


def check_logic(folder: RuleFolder) -> Iterator[Finding]:
    """All findings about the meaning of the rules of a folder that loads."""
    texts = ElmTexts(folder.directory)
    for version in folder.versions():
        place = f"policies/{version.policy}/{version.version}"
        named: dict[str, None] = {}
        for statement in version.statements:
            trees = [tree for tree in (statement.criteria, statement.scope) if tree is not None]
            for tree in trees:
                named |= dict.fromkeys(leaf.name for leaf in leaves(tree) if leaf.question)
                for name in _without_effect(tree, version):
                    text = f"changes nothing in {statement.id}, whatever the other criteria are"
                    yield Finding(f"{place}/criteria.cql", name, text)
            for sentence in _limit(texts, version, statement):
                yield Finding(f"{place}/policy.yaml", f"{statement.id}.quantity_limit", sentence)
        for name in named:
            for sentence in _absence(texts, version.library.name, name):
                yield Finding(f"{place}/criteria.cql", name, sentence)


def _without_effect(tree: CriteriaNode, version: PolicyVersion) -> Iterator[str]:
    """Criteria that never decide: the conclusion is the same with them true and false."""
    names = {leaf.id: leaf.name for leaf in leaves(tree) if not is_constant(version.library, leaf.name)}
    if len(names) > _MOST_CRITERIA:
        return
    fixed = {
        leaf.id: version.library.definitions[leaf.name].elm.get("value") == "true"
        for leaf in leaves(tree)
        if leaf.id not in names
    }
    for identity, name in names.items():
        others = [each for each in names if each != identity]
        effective = any(
            evaluate(tree, {**fixed, **given, identity: True})
            is not evaluate(tree, {**fixed, **given, identity: False})
            for values in product((True, False), repeat=len(others))
            for given in [dict(zip(others, values, strict=True))]
        )
        if not effective:
            yield name


def _absence(texts: ElmTexts, library: str, name: str) -> Iterator[str]:
    """Where a criterion that is asked takes a chart's silence for a fact."""
    for _, definition in texts[library].definitions(name):
        expression = definition["expression"]
        denied: list[Node] = []
        for node in walk(expression):
            inside = node.get("operand")
            if node.get("type") == "Not" and isinstance(inside, dict) and _is_absence(texts, library, inside):
                denied.append(inside)
                yield (
                    "is true by absence (not exists): missing data would count as met; "
                    "make it unknown unless the chart says so"
                )
        for node in _bare(expression):
            if _is_absence(texts, library, node) and not any(node is each for each in denied):
                yield (
                    'is false by absence (exists alone): use Common."Known if found", '
                    "so that a silent chart leaves it unknown"
                )


def _bare(node: Node) -> Iterator[Node]:
    """What an expression is, through its own and, or and not."""
    if node.get("type") in ("And", "Or"):
        for operand in node["operand"]:
            yield from _bare(operand)
    elif node.get("type") == "Not":
        yield from _bare(node["operand"])
    else:
        yield node


def _is_absence(texts: ElmTexts, library: str, node: Node) -> bool:
    """Whether a node asks if something exists in the chart (and not among the facts of the order)."""
    return node.get("type") == "Exists" and _reads_chart(texts, library, node["operand"], frozenset())


def _reads_chart(texts: ElmTexts, library: str, node: Any, seen: frozenset[tuple[str, str]]) -> bool:
    for each in walk(node):
        if each.get("type") == "Retrieve":
            return True
        if each.get("type") in ("ExpressionRef", "FunctionRef"):
            alias = each.get("libraryName")
            owner = texts[library].includes[alias] if alias else library
            name = (owner, each["name"])
            if owner == "FHIRHelpers" or name in seen:
                continue
            for _, definition in texts[owner].definitions(each["name"]):
                if _reads_chart(texts, owner, definition.get("expression"), seen | {name}):
                    return True
    return False


def _limit(texts: ElmTexts, version: PolicyVersion, statement: Statement) -> Iterator[str]:
    """Numbers of the criteria that are not those of the quantity limit in policy.yaml."""
    limit = statement.quantity_limit
    if limit is None:
        return
    own = version.library.name
    for library, name in texts.reached(own, [statement.conclusion]):
        if library != own:
            continue
        for _, definition in texts[library].definitions(name):
            for node in walk(definition["expression"]):
                if node.get("type") != "Quantity":
                    continue
                unit, value = str(node.get("unit", "")).strip("{}"), Decimal(str(node["value"]))
                if unit == limit.unit and value != limit.amount:
                    yield f"is {limit.amount} {limit.unit} here and {value} in {name!r}"
                elif unit in _HOURS and value != limit.per_hours:
                    yield f"is per {limit.per_hours} hours here and per {value} in {name!r}"
