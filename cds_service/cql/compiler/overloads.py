"""Choosing among functions of the same name by the types of the operands (CQL 1.5, function resolution)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.cql.compiler import types
from cds_service.cql.compiler.body import Body, Node
from cds_service.cql.compiler.definitions import FunctionDefinition
from cds_service.cql.compiler.model_info import fhir_model

if TYPE_CHECKING:
    from cds_service.cql.compiler.unit import LibraryUnit


def choose(body: Body, node: Node, unit: LibraryUnit) -> FunctionDefinition:
    """The overload a FunctionRef means: by the signature on it, else by the types of its operands."""
    operands = node.get("operand") or ()
    candidates = [
        function
        for function in unit.functions.get(node["name"], ())
        if len(function.operand_types) == len(operands)
    ]
    if not candidates:
        body.fail(
            f"function {node['name']} with {len(operands)} operands is not in library {unit.label}", node
        )
    if len(candidates) == 1:
        return candidates[0]
    signature = node.get("signature") or ()
    wanted: list[str | None]
    if len(signature) == len(operands):
        wanted = [types.specified(one) for one in signature]
    else:
        wanted = [body.type_of(operand) for operand in operands]
    exact = [one for one in candidates if list(one.operand_types) == wanted]
    if exact:
        return exact[0]
    possible = [one for one in candidates if all(map(accepts, one.operand_types, wanted))]
    if len(possible) != 1:
        shown = ", ".join(one or "unknown" for one in wanted)
        body.fail(f"function {node['name']}({shown}) has {len(possible)} matching overloads", node)
    return possible[0]


def accepts(declared: str, given: str | None) -> bool:
    """Whether an operand of static type `given` fits `declared` without a conversion."""
    if given is None or declared in (given, "System.Any") or given == "System.Any":
        return True
    choices = types.choices_of(declared)
    if choices:
        offered = types.choices_of(given) or (given,)
        return all(any(accepts(choice, one) for choice in choices) for one in offered)
    for kind in ("List<", "Interval<"):
        if declared.startswith(kind) and given.startswith(kind):
            return accepts(declared[len(kind) : -1], given[len(kind) : -1])
    if declared.startswith("FHIR.") and given.startswith("FHIR."):
        return fhir_model().is_a(given[5:], declared[5:])
    return False
