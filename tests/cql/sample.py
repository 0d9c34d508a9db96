"""A small chart and the compiled fixture libraries that the rule engine's tests share."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cds_service.cql import CompiledLibrary, Evaluation, EvaluationInput, LibraryRegistry
from cds_service.cql.values.temporal import Date
from cds_service.fhir.availability import Availability

FIXTURES = Path(__file__).parent / "fixtures"
FHIR_HELPERS = Path(__file__).parents[2] / "cql_like_rules" / "common" / "FHIRHelpers.elm.json"
LOINC = "http://loinc.org"
NOW = datetime(2024, 9, 1, 12, 30, tzinfo=UTC)

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-05-17", "gender": "female"}


class Chart:
    """Resources held in memory; types in `unavailable` could not be had."""

    def __init__(
        self, *resources: Mapping[str, Any], patient: Any = PATIENT, unavailable: Iterable[str] = ()
    ) -> None:
        self.patient = patient
        self._resources = resources
        self._unavailable = frozenset(unavailable)
        self.asked: list[str] = []

    def resources(self, resource_type: str) -> Sequence[Mapping[str, Any]]:
        self.asked.append(resource_type)
        return [one for one in self._resources if one["resourceType"] == resource_type]

    def availability(self, resource_type: str) -> Availability:
        return Availability.FAILED if resource_type in self._unavailable else Availability.AVAILABLE


class Codes:
    """A value set of (system, code) pairs."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    def contains(self, code: str, system: str | None) -> bool:
        return (system, code) in self._pairs

    def codes(self) -> Iterable[tuple[str, str]]:
        return self._pairs


class ValueSets:
    """The one value set of the fixtures."""

    def lookup(self, url: str) -> Codes | None:
        if url == "https://example.org/ValueSet/bmi":
            return Codes((LOINC, "39156-5"), (LOINC, "59574-4"))
        return None


def elm(name: str) -> dict[str, Any]:
    """ELM of one fixture library, a fresh copy."""
    document: dict[str, Any] = json.loads((FIXTURES / f"{name}.elm.json").read_text())
    return document


def registry(*names: str) -> LibraryRegistry:
    """A registry with FHIRHelpers and these fixture libraries."""
    libraries = LibraryRegistry()
    libraries.add(json.loads(FHIR_HELPERS.read_text()))
    for name in names:
        libraries.add(elm(name))
    return libraries


@functools.cache
def chart_library() -> CompiledLibrary:
    return registry("Shared", "Chart").get("Chart")


@functools.cache
def functions_library() -> CompiledLibrary:
    return registry("Functions").get("Functions")


def evaluate(
    chart: Chart | None = None,
    *,
    library: CompiledLibrary | None = None,
    parameters: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    trace: bool = False,
    now: datetime = NOW,
    work_limit: int | None = None,
) -> Evaluation:
    """An evaluation of the Chart library (or another) on 2024-09-01."""
    given = {"Service date": Date(2024, 9, 1)} if parameters is None else parameters
    asked = EvaluationInput(chart or Chart(), ValueSets(), given, now, answers or {}, trace)
    if work_limit is not None:
        asked = asked._replace(work_limit=work_limit)
    return (library or chart_library()).evaluate(asked)


def observation(identity: str, **elements: Any) -> dict[str, Any]:
    """A final body mass index observation."""
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "39156-5"}]},
    } | elements


def bmi(identity: str, value: Any, day: str, unit: str = "kg/m2") -> dict[str, Any]:
    """A final body mass index of one day."""
    return observation(identity, effectiveDateTime=day, valueQuantity={"value": value, "unit": unit})
