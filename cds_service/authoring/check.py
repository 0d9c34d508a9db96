"""`rules check`: everything that is wrong with a rule folder, found without deciding anything."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from cds_service.authoring.check_cases import check_cases
from cds_service.authoring.check_codes import check_codes
from cds_service.authoring.check_fhir import check_fhir
from cds_service.authoring.check_files import check_files
from cds_service.authoring.check_forms import check_forms
from cds_service.authoring.check_logic import check_logic
from cds_service.authoring.check_references import check_references
from cds_service.authoring.check_rules import check_rules
from cds_service.authoring.findings import Content, Finding
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.policies.errors import CatalogueError


def check_folder(directory: Path) -> list[Finding]:
    """Every finding, by file. Empty means: the service can load the folder, and people can read it."""
    if not directory.is_dir():
        return [Finding(str(directory), "", "is no folder")]
    content = Content.read(directory)
    found = {*check_files(content), *check_references(content), *check_rules(content)}
    try:
        folder = RuleFolder.open(directory)
    except CatalogueError as error:
        if error.file not in {each.file for each in found}:
            found.add(Finding(error.file, error.key, error.message))
    except ValueError:
        pass  # unreadable YAML, found above
    else:
        found.update([*check_cases(folder), *check_codes(folder, content), *check_logic(folder)])
        found.update([*check_fhir(folder), *check_forms(folder)])
    return sorted(found)


def run_check(rules_directory: Path, out: TextIO) -> int:
    """`cds-service rules check`: one line per finding; exit code 0 when there is none, else 1."""
    found = check_folder(rules_directory)
    for each in found:
        out.write(f"{each}\n")
    out.write(f"{len(found)} {'finding' if len(found) == 1 else 'findings'}\n")
    return 1 if found else 0
