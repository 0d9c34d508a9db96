"""The project's own rules and value sets, as the differential test and the benchmark need them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cds_service.authoring.translation import Source, translate
from cds_service.cql import CompiledLibrary, EvaluationInput, LibraryRegistry
from cds_service.fhir.availability import Availability
from cds_service.policies.code_systems import load_code_systems
from cds_service.policies.files import CatalogueFiles
from cds_service.policies.value_sets import ValueSets, load_value_sets

from .encoding import encode
from .patients import Json, PatientCase, Pools

RULES = Path(__file__).parents[2] / "cql_like_rules"
PROBE = Path(__file__).parent / "probe" / "Probe.cql"
NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)


class Resources:
    """A data source over a plain list of resources."""

    def __init__(self, resources: Iterable[Json]) -> None:
        self._by_type: dict[str, list[Json]] = {}
        for resource in resources:
            self._by_type.setdefault(resource["resourceType"], []).append(resource)
        self.patient: Mapping[str, Any] | None = self._by_type["Patient"][0]

    def resources(self, resource_type: str) -> Sequence[Json]:
        """All resources of a type, in the order given."""
        return self._by_type.get(resource_type, ())

    def availability(self, resource_type: str) -> Availability:
        """Everything was fetched."""
        return Availability.AVAILABLE if resource_type in self._by_type else Availability.EMPTY


@dataclass(frozen=True, slots=True)
class Rules:
    """All libraries, as ELM and compiled, in an order in which includes come first."""

    elm: tuple[Json, ...]
    libraries: tuple[CompiledLibrary, ...]
    value_sets: ValueSets

    def evaluated(self) -> tuple[CompiledLibrary, ...]:
        """The libraries whose definitions are compared: all but the conversion functions."""
        return tuple(library for library in self.libraries if library.name != "FHIRHelpers")


def load_rules(directory: Path = RULES, more: Sequence[Json] = ()) -> Rules:
    """Every ELM file of the rule folder, and `more` ELM, compiled."""
    committed = [json.loads(path.read_text("utf-8")) for path in sorted(directory.rglob("*.elm.json"))]
    elm = _includes_first([*committed, *more])
    registry = LibraryRegistry()
    files = CatalogueFiles(directory)
    value_sets = load_value_sets(files, load_code_systems(files))
    return Rules(elm, tuple(registry.add(each) for each in elm), value_sets)


def translate_probe() -> Json:
    """The ELM of Probe.cql: language that the policies do not use yet."""
    source = Source(PROBE, PROBE.read_text("utf-8"), (RULES / "common",))
    (translation,) = translate([source]).translations
    assert translation.ok, "\n".join(map(str, translation.problems))
    assert translation.elm is not None
    return translation.elm


def pools_of(rules: Rules) -> Pools:
    """The codes that the rules' value sets and code definitions mention, by system."""
    codes: dict[str, set[str]] = {}
    themes = []
    for value_set in rules.value_sets:
        theme: dict[str, list[str]] = {}
        for system, code in value_set.codes():
            codes.setdefault(system, set()).add(code)
            theme.setdefault(system, []).append(code)
        themes.append(theme)
    for elm in rules.elm:
        systems = {each["name"]: each["id"] for each in _definitions(elm, "codeSystems")}
        for each in _definitions(elm, "codes"):
            codes.setdefault(systems[each["codeSystem"]["name"]], set()).add(each["id"])
    return Pools({system: sorted(members) for system, members in sorted(codes.items())}, themes)


def evaluation_input(case: PatientCase, rules: Rules, *, trace: bool = False) -> EvaluationInput:
    """What the engine is given for one case."""
    return EvaluationInput(Resources(case.resources), rules.value_sets, case.parameters, NOW, trace=trace)


def second_engine_request(cases: Sequence[PatientCase], rules: Rules) -> Json:
    """The same rules and cases as execute.mjs takes them.

    A value set goes over as those of its members that occur in the cases, spelt as they are spelt there: what
    belongs to a value set (prefixes, spellings of systems) is the catalogue's business, not the engines'.
    """
    used = {pair for case in cases for pair in (*_codings(case.resources), *_parameter_codes(case))}
    members = {
        value_set.url: sorted(
            f"{system or ''}|{code}" for system, code in used if value_set.contains(code, system)
        )
        for value_set in rules.value_sets
    }
    return {
        "libraries": rules.elm,
        "evaluate": [library.name for library in rules.evaluated()],
        "now": NOW.isoformat(timespec="milliseconds"),
        "valueSets": members,
        "cases": [
            {
                "resources": case.resources,
                "parameters": {name: encode(value) for name, value in case.parameters.items()},
            }
            for case in cases
        ],
    }


def _definitions(elm: Json, kind: str) -> list[Json]:
    found: list[Json] = elm["library"].get(kind, {}).get("def", [])
    return found


def _includes_first(libraries: Iterable[Json]) -> tuple[Json, ...]:
    waiting = {elm["library"]["identifier"]["id"]: elm for elm in libraries}
    ordered: list[Json] = []

    def place(name: str) -> None:
        elm = waiting.pop(name, None)
        if elm is not None:
            for include in _definitions(elm, "includes"):
                place(include["path"])
            ordered.append(elm)

    for name in list(waiting):
        place(name)
    return tuple(ordered)


def _parameter_codes(case: PatientCase) -> Iterable[tuple[str | None, str]]:
    for value in case.parameters.values():
        if isinstance(value, list):
            for code in value:
                yield code.system, code.code


def _codings(node: Any) -> Iterable[tuple[str | None, str]]:
    """Every (system, code) anywhere in FHIR data."""
    if isinstance(node, (list, tuple)):
        for each in node:
            yield from _codings(each)
    elif isinstance(node, dict):
        if isinstance(node.get("code"), str):
            yield node.get("system"), node["code"]
        for each in node.values():
            yield from _codings(each)
