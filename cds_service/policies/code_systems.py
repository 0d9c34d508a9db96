"""Loads `catalog/code_systems.yaml`."""

from __future__ import annotations

from cds_service.fhir.systems import CodeSystem, CodeSystems
from cds_service.policies.files import CatalogueFiles

FILE = "catalog/code_systems.yaml"


def load_code_systems(files: CatalogueFiles) -> CodeSystems:
    """The code systems of a catalogue. Raises CatalogueError when two of them share an id or a spelling."""
    found: list[CodeSystem] = []
    spellings: dict[str, str] = {}
    for entry in files.yaml(FILE).entries("code_systems", required=True):
        system = CodeSystem(entry.text("id"), entry.text("url"), entry.texts("aliases"))
        if any(system.id == other.id for other in found):
            entry.fail("id", f"{system.id} is listed twice")
        for spelling in (system.url, *system.aliases):
            owner = spellings.setdefault(spelling.lower().rstrip("/"), system.id)
            if owner != system.id:
                entry.fail("aliases", f"{spelling} is a spelling of {owner} too")
        found.append(system)
    return CodeSystems(found)
