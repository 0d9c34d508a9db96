"""Forms of made-up policies, small enough to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cds_service.cql import CompiledLibrary, LibraryRegistry
from cds_service.dtr.building import build_items
from cds_service.dtr.model import Form
from cds_service.policies.criteria import criterion_id, leaves
from cds_service.policies.model import (
    Connective,
    CriteriaGroup,
    CriteriaNode,
    Criterion,
    PolicyVersion,
    Statement,
)


def criterion(name: str, **more: Any) -> Criterion:
    return Criterion(criterion_id(name), name, "1", f"{name}?", **more)


def all_of(*children: CriteriaNode, name: str | None = None) -> CriteriaGroup:
    return CriteriaGroup(Connective.ALL, children, name)


def any_of(*children: CriteriaNode, name: str | None = None) -> CriteriaGroup:
    return CriteriaGroup(Connective.ANY, children, name)


def no(*children: CriteriaNode) -> CriteriaGroup:
    return CriteriaGroup(Connective.NOT, children)


def library(names: Iterable[str], logic: Mapping[str, Any], facts: Mapping[str, str]) -> CompiledLibrary:
    """A library whose definitions are all unknown but for those with logic; `facts` are @fact tags."""
    definitions = [
        {
            "name": name,
            "context": "Patient",
            "accessLevel": "Public",
            "expression": logic.get(name, {"type": "Null"}),
            "annotation": [{"type": "Annotation", "t": [{"name": "fact", "value": facts[name]}]}]
            if name in facts
            else [],
        }
        for name in names
    ]
    elm = {
        "identifier": {"id": "Made", "version": "1.0.0"},
        "schemaIdentifier": {"id": "urn:hl7-org:elm", "version": "r1"},
        "usings": {"def": [{"localIdentifier": "System", "uri": "urn:hl7-org:elm-types:r1"}]},
        "statements": {"def": definitions},
    }
    return LibraryRegistry().add({"library": elm})


def made(
    tree: CriteriaNode,
    logic: Mapping[str, Any] | None = None,
    facts: Mapping[str, str] | None = None,
) -> Form:
    """The form of a policy with this tree."""
    names = dict.fromkeys([*(logic or ()), *(leaf.name for leaf in leaves(tree))])
    version = PolicyVersion(
        policy="made",
        number="1",
        version="undated",
        title="Made up",
        payer="acme",
        effective_from=date(2024, 1, 1),
        effective_to=None,
        precertification=True,
        statements=(),
        library=library(names, logic or {}, facts or {}),
        document="",
    )
    statement = Statement(id="it", title="It", cite="1", conclusion="It", criteria=tree)
    return Form(
        id="made-it",
        version="1.0.0",
        url="https://payer.example/fhir/dtr/Questionnaire/made-it",
        title="It",
        policy="made",
        policy_version="undated",
        statement="it",
        library="Made",
        items=build_items(version, statement),
    )
