"""Forms prefilled elsewhere: the packages' own ELM and value sets on another engine, over our examples.

Nothing of this service reaches the other engine but what stands in a package. It knows the chart; of the
order it knows nothing, as a DTR client that binds no parameter, or some facts, as this service reads them.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_service.authoring.node_tools import run_tool
from cds_service.cql import EvaluationInput
from cds_service.cql.values.clinical import Code
from cds_service.cql.values.temporal import Date
from cds_service.dtr.forms import Forms
from cds_service.dtr.model import Form
from cds_service.dtr.package import Packages
from cds_service.dtr.versions import DTR_2_0
from cds_service.policies.catalogue import Catalogue

from .encoding import encode
from .rules import RULES, Resources

Json = dict[str, Any]
EXAMPLES = Path(__file__).parents[2] / "fhir_examples"
NOW = datetime(2024, 9, 3, 12, tzinfo=UTC)  # the day of the examples' orders


@functools.cache
def catalogue() -> Catalogue:
    return Catalogue.load(RULES)


@functools.cache
def forms() -> tuple[Form, ...]:
    return tuple(Forms.load(catalogue(), "https://payer.example"))


@functools.cache
def bundles() -> tuple[Json, ...]:
    """The package of every form; 2.0.1 expands every value set."""
    made = Packages(catalogue(), Forms(forms()), "https://payer.example")
    return tuple(
        made.bundle(each, DTR_2_0, {"resourceType": "QuestionnaireResponse"}, NOW) for each in forms()
    )


def records() -> dict[str, list[Json]]:
    """The resources of each shipped request with a patient, the patient first."""
    found = {}
    for path in sorted(EXAMPLES.glob("*.json")):
        resources = {
            f"{each['resourceType']}/{each['id']}": each
            for each in _resources(orjson.loads(path.read_bytes()))
            if "id" in each
        }
        patients = [each for each in resources.values() if each["resourceType"] == "Patient"]
        if len(patients) == 1:
            others = [each for each in resources.values() if each is not patients[0]]
            found[path.stem] = [*patients, *others]
    return found


def _resources(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if "resourceType" in value and value["resourceType"] != "Bundle":
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _resources(each)


def contents(bundle: Json, kind: str) -> Iterator[Json]:
    return (each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind)


def second_engine(charts: list[list[Json]], parameters: Mapping[str, Any]) -> list[Json]:
    """What the other engine makes of every definition, from the libraries and value sets of the packages."""
    elm: dict[str, Json] = {}
    members: dict[str, list[str]] = {}
    for bundle in bundles():
        for library in contents(bundle, "Library"):
            (found,) = [each for each in library["content"] if each["contentType"] == "application/elm+json"]
            elm[library["name"]] = orjson.loads(base64.b64decode(found["data"]))
        for value_set in contents(bundle, "ValueSet"):
            listed = value_set["expansion"]["contains"]
            members[value_set["url"]] = [f"{each['system']}|{each['code']}" for each in listed]
    request = {
        "libraries": list(elm.values()),
        "evaluate": sorted({name for name, _ in definitions()}),
        "now": NOW.isoformat(timespec="milliseconds"),
        "valueSets": members,
        "cases": [
            {"resources": each, "parameters": {name: encode(value) for name, value in parameters.items()}}
            for each in charts
        ],
    }
    results: list[Json] = run_tool("execute.mjs", request)["results"]
    return results


def definitions() -> set[tuple[str, str]]:
    """Library and definition of everything that prefills a question."""
    return {
        (each.populated_by.library, each.populated_by.definition)
        for form in forms()
        for each in form.questions()
        if each.populated_by is not None
    }


def our_engine(chart: list[Json], parameters: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    found = {}
    libraries = {each.library.name: each.library for each in catalogue().versions}
    for library in list(libraries.values()):
        libraries |= {each.name: each for each in library.includes.values()}
    given = EvaluationInput(Resources(chart), catalogue().value_sets, parameters, NOW)
    for name, definition in definitions():
        found[(name, definition)] = encode(libraries[name].evaluate(given).value(definition))
    return found


NO_ORDER: Mapping[str, Any] = {}
AN_ORDER: Mapping[str, Any] = {
    "Service date": Date(2024, 9, 3),
    "Indication codes": [Code("I44.30", "http://hl7.org/fhir/sid/icd-10-cm", None, None)],
    "Indication is coded": True,
    "Indication is coded in ICD-10-CM": True,
    "Hospitalized": False,
    "Line of business": "fep",
    "Route codes": [Code("47625008", "http://snomed.info/sct", None, None)],
}


@pytest.fixture(scope="module", params=[NO_ORDER, AN_ORDER], ids=["the chart alone", "with an order"])
def compared(request: pytest.FixtureRequest) -> tuple[list[dict[tuple[str, str], Any]], list[Json]]:
    """What both engines give, chart by chart."""
    charts = list(records().values())
    return [our_engine(each, request.param) for each in charts], second_engine(charts, request.param)


def test_every_expression_of_every_package_gives_what_our_own_engine_gives(
    compared: tuple[list[dict[tuple[str, str], Any]], list[Json]],
) -> None:
    ours, theirs = compared
    assert len(ours) == len(theirs) > 20
    differences = [
        f"{library}.{name}: ours {value}, theirs {other[library][name]}"
        for mine, other in zip(ours, theirs, strict=True)
        for (library, name), value in mine.items()
        if other[library][name] != value
    ]
    assert differences == []


def test_what_the_chart_shows_is_found_without_the_order(
    compared: tuple[list[dict[tuple[str, str], Any]], list[Json]],
) -> None:
    """The service date is today where nobody gives it: else no measurement would count."""
    _, theirs = compared
    by_name = dict(zip(records(), theirs, strict=True))
    chart = by_name["not-covered-macrilen-bmi-41"]["Common"]
    assert chart["Latest body mass index"] == {"quantity": ["41", "kg/m2"]}
    assert chart["Birth date"] is not None
    assert by_name["documentation-needed-macrilen-no-bmi"]["Common"]["Latest body mass index"] is None
