"""The project's rules on two engines: every definition of every patient must come out the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from cds_service.authoring.node_tools import run_tool
from cds_service.cql import CqlRuntimeError

from .encoding import encode
from .patients import PatientCase, generate
from .rules import (
    Rules,
    evaluation_input,
    load_rules,
    pools_of,
    second_engine_request,
    translate_probe,
)

pytestmark = pytest.mark.xdist_group("differential")  # what they share is made once

PATIENTS = 1200

Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(more=[translate_probe()])


@pytest.fixture(scope="module")
def cases(rules: Rules) -> list[PatientCase]:
    pools = pools_of(rules)
    return [generate(number, pools) for number in range(PATIENTS)]


@pytest.fixture(scope="module")
def ours(rules: Rules, cases: list[PatientCase]) -> list[Answers]:
    return [answers(case, rules) for case in cases]


@pytest.fixture(scope="module")
def theirs(rules: Rules, cases: list[PatientCase]) -> list[Answers]:
    results: list[Answers] = run_tool("execute.mjs", second_engine_request(cases, rules))["results"]
    return results


def answers(case: PatientCase, rules: Rules) -> Answers:
    """Library -> definition -> encoded value of one case on our engine."""
    values: Answers = {}
    for library in rules.evaluated():
        evaluation = library.evaluate(evaluation_input(case, rules))
        values[library.name] = {}
        for name in library.definitions:
            try:
                values[library.name][name] = encode(evaluation.value(name))
            except CqlRuntimeError as error:
                values[library.name][name] = {"error": str(error)}
    return values


def differences(case: PatientCase, ours: Answers, theirs: Answers) -> list[str]:
    """One line for every definition whose values differ; two errors are equal whatever they say."""
    lines = []
    for library, values in theirs.items():
        for name, value in values.items():
            mine = ours[library].get(name, "(no such definition)")
            if mine != value and not (_failed(mine) and _failed(value)):
                lines.append(f'patient {case.number}, {library}."{name}": ours {mine}, theirs {value}')
    return lines


def _failed(value: Any) -> bool:
    return isinstance(value, dict) and "error" in value


def test_both_engines_give_the_same_value_for_every_definition(
    cases: list[PatientCase], ours: list[Answers], theirs: list[Answers]
) -> None:
    found = [line for each in zip(cases, ours, theirs, strict=True) for line in differences(*each)]
    assert found == [], f"{len(found)} differences, the first: \n" + "\n".join(found[:20])


def test_no_definition_fails_on_generated_data(ours: list[Answers]) -> None:
    failed = {
        f"{library}.{name}: {value['error']}"
        for each in ours
        for library, values in each.items()
        for name, value in values.items()
        if _failed(value)
    }
    assert failed == set()


def test_the_patients_reach_every_truth_value_of_most_criteria(ours: list[Answers]) -> None:
    reached: dict[str, set[Any]] = {}
    for each in ours:
        for library, values in each.items():
            for name, value in values.items():
                if value is None or isinstance(value, bool):
                    reached.setdefault(f"{library}.{name}", set()).add(value)
    criteria = {name: values for name, values in reached.items() if True in values or False in values}
    several = Counter(len(values) > 1 for values in criteria.values())
    assert several[True] >= 0.9 * len(criteria)


def test_the_same_number_gives_the_same_patient(rules: Rules, cases: list[PatientCase]) -> None:
    assert generate(7, pools_of(rules)) == cases[7]
