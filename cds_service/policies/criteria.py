"""The criteria tree of a conclusion, read from its ELM: the document's own ALL OF and ANY OF.

A definition is an inner node when it is made of nothing but and, or and not over other definitions of its
library; it is a leaf (a criterion) when it is tagged `@question`, or made of anything else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.cql import CompiledLibrary
from cds_service.policies.errors import CatalogueError
from cds_service.policies.model import Connective, CriteriaGroup, CriteriaNode, Criterion

Expression = Mapping[str, Any]

_CONNECTIVES = {"And": Connective.ALL, "Or": Connective.ANY, "Not": Connective.NOT}
_ANSWERS = ("boolean", "quantity", "date", "choice")


def criterion_id(name: str) -> str:
    """URL-safe id of a criterion's name: "Body mass index is at most 40 kg/m2" -> "body-mass-index-is-…"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def leaves(node: CriteriaNode) -> Iterator[Criterion]:
    """Every criterion of a tree, in the policy's order; one that stands in two places comes twice."""
    if isinstance(node, Criterion):
        yield node
        return
    for child in node.children:
        yield from leaves(child)


def criteria_tree(library: CompiledLibrary, conclusion: str, file: str = "criteria.cql") -> CriteriaNode:
    """The tree under one conclusion of a policy's library.

    Raises CatalogueError for unknown definitions, references in a circle, a criterion that mixes named
    criteria with bare logic, unknown answer types, and names that become one id.
    """
    tree = _Reader(library, file).definition(conclusion, ())
    names: dict[str, str] = {}
    for leaf in leaves(tree):
        other = names.setdefault(leaf.id, leaf.name)
        if other != leaf.name:
            raise CatalogueError(file, f"{leaf.name!r} and {other!r} have the same id {leaf.id!r}")
    return tree


class _Reader:
    def __init__(self, library: CompiledLibrary, file: str) -> None:
        self._library = library
        self._file = file

    def definition(self, name: str, above: tuple[str, ...]) -> CriteriaNode:
        definition = self._library.definitions.get(name)
        if definition is None:
            raise CatalogueError(self._file, f"library {self._library.name} does not define {name!r}")
        if name in above:
            raise CatalogueError(self._file, f"{name!r} refers to itself")
        tags = definition.tags
        if "question" in tags or not self._is_composed(name, definition.elm):
            return self._leaf(name, tags)
        node = self._node(definition.elm, (*above, name))
        if isinstance(node, Criterion):
            return node  # another name for a single criterion
        return CriteriaGroup(node.connective, node.children, name, tags.get("cite") or node.cite)

    def _leaf(self, name: str, tags: Mapping[str, str]) -> Criterion:
        answer = tags.get("answer", "boolean")
        if answer not in _ANSWERS:
            raise CatalogueError(self._file, f"@answer {answer!r} is none of {', '.join(_ANSWERS)}", name)
        return Criterion(
            id=criterion_id(name),
            name=name,
            cite=tags.get("cite", ""),
            question=tags.get("question"),
            answer_type=answer,
            unit=tags.get("unit"),
            documentation=tags.get("documentation"),
        )

    def _is_composed(self, name: str, expression: Expression) -> bool:
        """Whether an expression is nothing but and/or/not over definitions of the library."""
        kind = expression.get("type")
        if kind == "ExpressionRef":
            return "libraryName" not in expression
        if kind not in _CONNECTIVES:
            return False
        parts = [self._is_composed(name, operand) for operand in _operands(expression)]
        if any(parts) and not all(parts):
            raise CatalogueError(
                self._file, "mixes named criteria with bare logic: name each part, or tag it @question", name
            )
        return all(parts)

    def _node(self, expression: Expression, above: tuple[str, ...]) -> CriteriaNode:
        kind = expression["type"]
        if kind == "ExpressionRef":
            return self.definition(expression["name"], above)
        children: list[CriteriaNode] = []
        for operand in _operands(expression):
            child = self._node(operand, above)
            same = operand["type"] == kind and kind != "Not"
            if same and isinstance(child, CriteriaGroup):
                children.extend(child.children)  # "a and b and c" is one list, not a nest
            else:
                children.append(child)
        return CriteriaGroup(_CONNECTIVES[kind], tuple(children))


def _operands(expression: Expression) -> list[Expression]:
    operand = expression["operand"]
    return operand if isinstance(operand, list) else [operand]
