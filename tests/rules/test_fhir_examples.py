"""The shipped requests: listed, invented, valid FHIR R4 except where they show that clients send less."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.authoring.explain import explained
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.settings import default_rules_directory

EXAMPLES = Path(__file__).parents[2] / "fhir_examples"
FILES = sorted(EXAMPLES.glob("*.json"))
SANDBOX = [path for path in FILES if path.name.startswith("sandbox-shape")]


def _resources(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "resourceType" in value:
            yield value
        for item in value.values():
            yield from _resources(item)
    elif isinstance(value, list):
        for item in value:
            yield from _resources(item)


def _faults(request: dict[str, Any]) -> list[str]:
    found = []
    for resource in _resources(request):
        name = resource["resourceType"]
        model = getattr(importlib.import_module(f"fhir.resources.R4B.{name.lower()}"), name)
        try:
            model.model_validate(resource)
        except ValueError as error:
            found.append(f"{name}/{resource.get('id')}: {error}")
    return found


def test_there_are_enough_examples_and_the_readme_lists_each() -> None:
    listed = re.findall(r"\]\(([a-z0-9-]+\.json)\)", (EXAMPLES / "README.md").read_text("utf-8"))
    assert sorted(listed) == [path.name for path in FILES]
    assert len(FILES) >= 20


@pytest.mark.parametrize("path", [path for path in FILES if path not in SANDBOX], ids=lambda path: path.stem)
def test_an_example_is_valid_fhir(path: Path) -> None:
    assert _faults(json.loads(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", SANDBOX, ids=lambda path: path.stem)
def test_the_sandbox_examples_keep_the_shape_that_the_sandbox_really_sends(path: Path) -> None:
    request = json.loads(path.read_text("utf-8"))
    bundle = request["context"]["draftOrders"]
    order = bundle["entry"][0]["resource"]
    assert isinstance(order["category"], dict)
    assert isinstance(order["reasonCode"], dict)
    assert {"type", "fullUrl"}.isdisjoint({*bundle, *bundle["entry"][0]})
    assert {"encounter", "requester", "insurance"}.isdisjoint(order)
    assert "extension" not in request


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_names_no_real_host(path: Path) -> None:
    text = path.read_text("utf-8")
    hosts = set(re.findall(r"https?://([a-z0-9.-]+)", text))
    published = {
        "terminology.hl7.org",
        "hl7.org",
        "loinc.org",
        "snomed.info",
        "unitsofmeasure.org",
        "nucc.org",
        "nahdo.org",
        "www.nlm.nih.gov",
        "www.cms.gov",
        "www.ama-assn.org",
    }
    assert {host for host in hosts - published if not host.endswith("example.org")} <= {"127.0.0.1"}


def test_the_examples_speak_every_crd_version_and_also_none() -> None:
    requests = [json.loads(path.read_text("utf-8")) for path in FILES]
    versions = {each.get("extension", {}).get("davinci-crd.requestedVersion") for each in requests}
    assert versions == {"2.0", "2.1", "2.2", None}


def test_one_example_brings_a_whole_chart() -> None:
    request = json.loads((EXAMPLES / "covered-isuprel-tilt-table-test.json").read_text("utf-8"))
    size = len(json.dumps(request["prefetch"], separators=(",", ":")))
    assert 25_000 < size < 40_000
    assert {"patient", "encounter", "coverage", "conditions", "observations", "medications"} <= set(
        request["prefetch"]
    )


# What the README says first of an example, and the outcome that it stands for.
SAID = {
    "covered": {"covered"},
    "covered as to the site": {"covered"},
    "covered in a hospital outpatient department": {"covered"},
    "documentation needed": {"documentation-needed"},
    "not covered": {"not-covered"},
    "not covered as ordered": {"not-covered"},
    "conditional": {"site-unknown"},
    "not addressed": {"not-addressed"},
    "lower-cost site": {"lower-cost-site"},
    "four orders, four answers": {"covered", "not-covered", "documentation-needed", "not-addressed"},
    "the same order on the last day of one version (covered) and the first of the next": {
        "covered",
        "documentation-needed",
    },
}


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """What `rules explain` says of each example."""
    folder = RuleFolder.open(default_rules_directory())
    return {path.name: "\n".join(explained(folder, str(path))) for path in FILES}


def test_each_example_is_decided_as_the_readme_says(told: dict[str, str]) -> None:
    text = (EXAMPLES / "README.md").read_text("utf-8")
    lines = dict(re.findall(r"\]\(([a-z0-9-]+\.json)\) \| (.+) \|\n", text))
    for name, says in told.items():
        said = re.split(r": | \(documentation needed\)", lines[name])[0]
        assert set(re.findall(r"^Outcome: (\S+)$", says, re.MULTILINE)) == SAID[said], name


def test_the_examples_show_every_policy_and_every_answer(told: dict[str, str]) -> None:
    says = "\n".join(told.values())
    outcomes = {
        "covered",
        "documentation-needed",
        "not-covered",
        "lower-cost-site",
        "site-unknown",
        "not-addressed",
    }
    assert set(re.findall(r"^Outcome: (\S+)$", says, re.MULTILINE)) == outcomes
    policies = set(re.findall(r"^Policy: .* version \S+: .* -> \S+$", says, re.MULTILINE))
    for policy in ("1701 .*2024-07-01", "1701 .*2025-06-01", "Site of Care", "7.03.03", "MP-446"):
        assert any(re.search(policy, line) for line in policies), policy
