"""What `rules check` finds, and the files it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cds_service.authoring.yaml_files import read_yaml

DRUGS, MORE_DRUGS = "catalog/drugs.yaml", "catalog/drugs/*.yaml"


REVIEWED = "equivalent_mutations.yaml"
"""In the rule folder: changes of the rules that a person found to change no decision, with the reason."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to mend: file (relative to the rule folder), place inside it ("" for the whole), sentence."""

    file: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.place + ': ' if self.place else ''}{self.message}"


@dataclass(slots=True)
class Content:
    """The YAML files of a rule folder as plain data, by path relative to it."""

    directory: Path
    files: dict[str, Any] = field(default_factory=dict)
    unreadable: list[Finding] = field(default_factory=list)

    @classmethod
    def read(cls, directory: Path) -> Content:
        """Read every YAML file; what cannot be read becomes a finding."""
        content = cls(directory)
        for path in sorted(directory.rglob("*.yaml")):
            name = path.relative_to(directory).as_posix()
            try:
                content.files[name] = read_yaml(path)
            except ValueError as error:
                content.unreadable.append(Finding(name, "", str(error).removeprefix(f"{path}: ")))
        return content

    def entries(self, name: str, key: str) -> list[dict[str, Any]]:
        """The mappings of a list in a file; empty where file, key or shape is missing."""
        content = self.files.get(name)
        listed = content.get(key) if isinstance(content, dict) else None
        return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []

    def ids(self, name: str, key: str, identity: str = "id") -> set[str]:
        """The values of one key over a list of a file."""
        return {str(each[identity]) for each in self.entries(name, key) if identity in each}

    def drug_files(self) -> list[str]:
        """The files of the drug list: `catalog/drugs.yaml`, and every file in `catalog/drugs/`."""
        more = (name for name in self.files if fnmatch(name, MORE_DRUGS))
        return [*([DRUGS] if DRUGS in self.files else []), *more]

    def value_sets(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The value-set files that are mappings."""
        for name, content in self.files.items():
            if name.startswith("catalog/value_sets/") and isinstance(content, dict):
                yield name, content

    def policies(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The policy.yaml files that are mappings."""
        for name, content in self.files.items():
            if name.startswith("policies/") and name.endswith("/policy.yaml") and isinstance(content, dict):
                yield name, content
