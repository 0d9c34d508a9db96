"""What the logic of a criterion tells about its question: constants, and comparisons with a literal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from cds_service.cql import CompiledLibrary
from cds_service.policies.model import Connective, CriteriaGroup, CriteriaNode, Criterion

Elm = Mapping[str, Any]

_OPERATORS: Final = {"Less": "<", "LessOrEqual": "<=", "Greater": ">", "GreaterOrEqual": ">="}
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
INVERSE: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_BOOLEAN: Final = "{urn:hl7-org:elm-types:r1}Boolean"


class Bound(NamedTuple):
    """A criterion that is `fact <operator> value`; `unit` is UCUM, or None for a plain number."""

    operator: str
    value: Decimal
    unit: str | None


def simplified(node: CriteriaNode, library: CompiledLibrary) -> CriteriaNode | bool:
    """A tree without the criteria that are never unknown, which nobody has to be asked.

    Such a criterion is a literal, or stands for a literal where the record says nothing
    (`Coalesce(..., false)`). A tree that then hangs on nothing is its value.
    """
    if isinstance(node, Criterion):
        value = _always(library.definitions[node.name].elm)
        return node if value is None else value
    settling = node.connective is not Connective.ALL
    kept: list[CriteriaGroup | Criterion] = []
    for child in node.children:
        part = simplified(child, library)
        if not isinstance(part, bool):
            kept.append(part)
        elif part is settling:
            return settling if node.connective is not Connective.NOT else not settling
    if not kept:
        return not settling if node.connective is not Connective.NOT else settling
    if len(kept) == 1 and node.connective is not Connective.NOT:
        return kept[0]
    return CriteriaGroup(node.connective, tuple(kept), node.name, node.cite)


def bound(library: CompiledLibrary, criterion: str, fact: str) -> Bound | None:
    """The comparison of `fact` ("Alias.Name" or "Name") with a literal that a criterion is; else None.

    A criterion that is another name for a definition is what that one is.
    """
    owner, elm = library, library.definitions[criterion].elm
    while elm.get("type") == "ExpressionRef":
        owner = _owner(owner, elm)
        elm = owner.definitions[elm["name"]].elm
    sign = _OPERATORS.get(str(elm.get("type")))
    if sign is None:
        return None
    wanted = _named(library, fact)
    left, right = elm["operand"]
    if _refers(owner, right) == wanted:
        left, right, sign = right, left, _MIRRORED[sign]
    literal = _number(right)
    return Bound(sign, *literal) if _refers(owner, left) == wanted and literal is not None else None


def fact_of(library: CompiledLibrary, criterion: str) -> str | None:
    """The definition that a quantity or date answer gives, by the `@fact` tag."""
    return library.definitions[criterion].tags.get("fact")


def _always(elm: Elm) -> bool | None:
    if elm.get("type") == "Coalesce":
        return _always(elm["operand"][-1])
    if elm.get("type") == "Literal" and elm.get("valueType") == _BOOLEAN:
        return str(elm["value"]) == "true"
    return None


def _owner(library: CompiledLibrary, reference: Elm) -> CompiledLibrary:
    alias = reference.get("libraryName")
    return library if alias is None else library.includes[alias]


def _named(library: CompiledLibrary, name: str) -> tuple[str, str]:
    """Library and definition of "Name" or "Alias.Name"."""
    alias, _, local = name.partition(".")
    if name in library.definitions or alias not in library.includes:
        return library.name, name
    return library.includes[alias].name, local


def _refers(library: CompiledLibrary, elm: Elm) -> tuple[str, str] | None:
    """Library and definition that an expression is nothing but a reference to."""
    if elm.get("type") != "ExpressionRef":
        return None
    return _owner(library, elm).name, elm["name"]


def _number(elm: Elm) -> tuple[Decimal, str | None] | None:
    if elm.get("type") == "Quantity":
        return Decimal(str(elm["value"])), elm.get("unit")
    if elm.get("type") == "Literal" and str(elm.get("valueType")).rpartition("}")[2] in (
        "Integer",
        "Decimal",
    ):
        return Decimal(str(elm["value"])), None
    if elm.get("type") in ("ToDecimal", "ToQuantity"):
        return _number(elm["operand"])
    return None
