"""Organizations that a golden case names: where the drug is to be given, and what that place is part of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Resource = dict[str, Any]


def organizations(facts: Mapping[str, Any], identifier: str, systems: Mapping[str, str]) -> list[Resource]:
    """The organization `identifier` with its kinds, and those above it; none when the case leaves it missing.

    `systems` maps short names of code systems to URIs; `name` and `part_of` are no codes.
    """
    if facts.get("missing"):
        return []
    codings = [
        {"system": systems[_SHORT_NAMES.get(short, short)], "code": str(code)}
        for short, code in facts.items()
        if _SHORT_NAMES.get(short, short) in systems
    ]
    resource: Resource = {
        "resourceType": "Organization",
        "id": identifier,
        "name": facts.get("name", identifier),
    }
    if codings:
        resource["type"] = [{"coding": codings}]
    if "part_of" not in facts:
        return [resource]
    parent = f"{identifier}-parent"
    resource["partOf"] = {"reference": f"Organization/{parent}"}
    return [resource, *organizations(facts["part_of"], parent, systems)]


_SHORT_NAMES = {"role": "role-code", "organization_type": "organization-type"}
