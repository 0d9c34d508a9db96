"""Golden cases: the compact facts of cases.yaml, and the FHIR prefetch that a client would send for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from cds_service.authoring import case_resources as make
from cds_service.authoring.yaml_files import dotted, read_yaml, schema_errors
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date

CASES_SCHEMA = Path(__file__).with_name("cases.schema.json")

DECLARED: Mapping[str, tuple[str, ...]] = {
    key: (key,)
    for key in (
        "Patient",
        "Encounter",
        "Coverage",
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "Location",
        "Medication",
        "Condition",
        "Observation",
        "AllergyIntolerance",
        "MedicationStatement",
        "MedicationRequest",
        "Procedure",
    )
}
"""The prefetch keys of a case, one per resource type that the rules may read."""


class CaseError(Exception):
    """A case cannot be used; the message names file, case and key."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a case demands; None where it demands nothing."""

    outcome: str
    criteria: Mapping[str, str]
    asks: tuple[str, ...] | None
    limits: Mapping[str, Any]
    not_addressed: str | None
    identified_by: str | None
    reason: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """One golden case as written; `facts` is the mapping under its name."""

    file: Path
    name: str
    today: date
    facts: Mapping[str, Any]
    expect: Expectation

    @property
    def label(self) -> str:
        """How reports call it: policy, version and name."""
        return f"{self.file.parent.parent.name}/{self.file.parent.name}: {self.name}"


@dataclass(frozen=True, slots=True)
class ExpandedCase:
    """A case as FHIR: the order, the coverage and what was prefetched, `prefetch` by the keys of DECLARED.

    `excluded` is what looking the member up would tell: whether the plan excludes the ordered service.
    """

    order: dict[str, Any]
    coverage: dict[str, Any]
    prefetch: dict[str, Any]
    answers: Mapping[str, Any]
    excluded: bool | None = None


def load_cases(file: Path) -> list[Case]:
    """The cases of one cases.yaml. Raises CaseError for the first thing that is wrong with it."""
    try:
        content = read_yaml(file)
    except ValueError as error:
        raise CaseError(str(error)) from error
    for path, sentence in schema_errors(content, CASES_SCHEMA):
        raise CaseError(_located(file, content, path, sentence))
    cases = []
    seen: set[str] = set()
    for facts in content["cases"]:
        name = facts["name"]
        if name in seen:
            raise CaseError(f"{file}: two cases are named {name!r}")
        seen.add(name)
        try:
            today = date.fromisoformat(facts["today"])
        except ValueError as error:
            raise CaseError(f"{file}: case {name!r}: today: {error}") from error
        cases.append(Case(file, name, today, facts, _expectation(facts["expect"])))
    return cases


def expand(case: Case, vocabulary: make.Vocabulary) -> ExpandedCase:
    """The case as FHIR R4. Raises CaseError when it names a drug, payer or code system nobody knows."""
    try:
        return _expand(case.facts, vocabulary)
    except make.UnknownName as error:
        raise CaseError(f"{case.file}: case {case.name!r}: {error}") from error


def _expand(facts: Mapping[str, Any], vocabulary: make.Vocabulary) -> ExpandedCase:
    resources: list[dict[str, Any]] = [make.patient(facts.get("patient", {}))]
    if "encounter" in facts:
        resources += make.encounter(facts["encounter"], vocabulary)
    coverage, payer = make.coverage(facts.get("coverage", {}), vocabulary)
    resources += [coverage, payer]
    order, reason = make.order(facts["order"], vocabulary, in_encounter="encounter" in facts)
    resources += reason
    for key, build in (
        ("conditions", make.condition),
        ("observations", make.observation),
        ("medications", make.medication),
        ("allergies", make.allergy),
    ):
        resources += [build(each, n, vocabulary) for n, each in enumerate(facts.get(key, ()), start=1)]
    resources += [dict(each) for each in facts.get("resources", ())]
    prefetch = _prefetch(resources, facts.get("unavailable", ()))
    answers = {name: _answer(value) for name, value in facts.get("answers", {}).items()}
    return ExpandedCase(order, coverage, prefetch, answers, facts.get("coverage", {}).get("excluded"))


def _answer(value: Any) -> Any:
    """An answer as the rules take it: a date, or a number with its unit, becomes a CQL value."""
    if isinstance(value, Mapping):
        return Quantity(Decimal(str(value["value"])), value.get("unit", "1"))
    return Date.parse(value) if isinstance(value, str) else value


def _prefetch(resources: Sequence[dict[str, Any]], unavailable: Sequence[str]) -> dict[str, Any]:
    """One search set per resource type, empty where the chart holds nothing; none of what is unavailable."""
    types = dict.fromkeys((*DECLARED, *(each["resourceType"] for each in resources)))
    return {
        name: {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": each} for each in resources if each["resourceType"] == name],
        }
        for name in types
        if name not in unavailable
    }


def _expectation(expect: Mapping[str, Any]) -> Expectation:
    return Expectation(
        outcome=expect["outcome"],
        criteria=expect.get("criteria", {}),
        asks=tuple(expect["asks"]) if "asks" in expect else None,
        limits=expect.get("limits", {}),
        not_addressed=expect.get("not_addressed"),
        identified_by=expect.get("identified_by"),
        reason=expect.get("reason"),
        version=expect.get("version"),
    )


def _located(file: Path, content: Any, path: tuple[str | int, ...], sentence: str) -> str:
    """Name the case by its name where the place is inside one."""
    if len(path) >= 2 and path[0] == "cases" and isinstance(path[1], int):
        case = content["cases"][path[1]]
        name = case.get("name") if isinstance(case, Mapping) else None
        place = dotted(path[2:])
        called = f"case {name!r}" if name else f"case number {path[1] + 1}"
        return f"{file}: {called}: {place + ': ' if place else ''}{sentence}"
    return f"{file}: {dotted(path) + ': ' if path else ''}{sentence}"
