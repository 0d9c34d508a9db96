"""Checks that golden cases are what a client could send: valid FHIR, by the models of fhir.resources."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from cds_service.authoring.cases import Case, CaseError
from cds_service.authoring.findings import Finding
from cds_service.authoring.rule_folder import RuleFolder

_MODELS: Final = "fhir.resources.R4B"  # the package's top level is R5


def check_fhir(folder: RuleFolder) -> Iterator[Finding]:
    """All findings about resources made of the words of cases; raw `resources` may be as bad as real ones."""
    for version in folder.versions():
        file = folder.cases_file(version)
        name = file.relative_to(folder.directory).as_posix()
        try:
            cases = folder.cases(version)
        except CaseError:
            continue  # found by the checks of the cases
        for case in cases:
            for sentence in _problems(folder, case):
                yield Finding(name, f"case {case.name!r}", sentence)


def _problems(folder: RuleFolder, case: Case) -> Iterator[str]:
    try:
        facts = folder.expand(case)
    except CaseError:
        return
    raw = [dict(each) for each in case.facts.get("resources", ())]
    delivered = [entry["resource"] for bundle in facts.prefetch.values() for entry in bundle["entry"]]
    for resource in [facts.order, *delivered]:
        if resource not in raw:
            yield from _errors(resource)


def _errors(resource: dict[str, Any]) -> Iterator[str]:
    models = importlib.import_module(_MODELS)
    try:
        models.get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except ValidationError as error:
        for each in error.errors():
            place = ".".join(str(part) for part in each["loc"])
            yield f"no valid FHIR: {resource['resourceType']}.{place}: {each['msg']}"
