"""Every hook over HTTP: its shipped example in every CRD version, and whatever else may be sent."""

from __future__ import annotations

import copy
import functools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.hooks.discovery import services
from cds_service.settings import CRD_VERSIONS, Settings

FOLDER = Path(__file__).parents[2] / "fhir_examples" / "hooks"
EXAMPLES = {path.stem: orjson.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))}
SERVICES = {each["hook"]: name for name, each in services().items()}


@functools.cache
def app() -> Flask:
    """The real application with the shipped policies."""
    folder = tempfile.mkdtemp(prefix="hooks-")
    return create_app(Settings(database_url=f"sqlite:///{folder}/decisions.sqlite3", log_level="ERROR"))


def post(document: Any, hook: str) -> Any:
    data = json.dumps(document).encode("utf-8", "surrogatepass")
    path = f"/cds-services/{SERVICES[hook]}"
    return app().test_client().post(path, data=data, content_type="application/json")


def test_every_hook_but_order_sign_has_an_example_here() -> None:
    assert {each["hook"] for each in EXAMPLES.values()} == set(SERVICES) - {"order-sign"}


@pytest.mark.parametrize("version", CRD_VERSIONS)
@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.requirement("crd-2.2.1@found-2", "crd-2.2.1@hook-9")
def test_every_example_is_answered_in_every_version(name: str, version: str) -> None:
    document = copy.deepcopy(EXAMPLES[name])
    document.setdefault("extension", {})["davinci-crd.requestedVersion"] = version
    response = post(document, document["hook"])
    assert response.status_code == 200
    assert check_answer(orjson.loads(response.data), VERSIONS[version], document["hook"]) == []


@pytest.mark.parametrize(
    ("name", "covered", "kind"),
    [
        ("order-dispatch-remicade-hospital", "covered", "MedicationRequest"),
        ("order-dispatch-1.0-remicade-infusion-center", "covered", "MedicationRequest"),
        ("appointment-book-ketamine-infusion", "not-covered", "ServiceRequest"),
        ("order-select-macrilen", "covered", "MedicationRequest"),
    ],
)
def test_what_the_examples_show(name: str, covered: str, kind: str) -> None:
    answer = orjson.loads(post(EXAMPLES[name], EXAMPLES[name]["hook"]).data)
    (action,) = answer["systemActions"]
    assert action["resource"]["resourceType"] == kind
    parts = action["resource"]["extension"][-1]["extension"]
    assert [part["valueCode"] for part in parts if part["url"] == "covered"] == [covered]


@pytest.mark.requirement("crd-2.2.1@dev-5", "crd-2.2.1@hook-23", "crd-2.2.1@dev-17")
@pytest.mark.parametrize("name", EXAMPLES)
def test_switches_and_unknown_elements_are_the_same_at_every_hook(name: str) -> None:
    document = copy.deepcopy(EXAMPLES[name])
    plain = orjson.loads(post(document, document["hook"]).data)
    document["context"]["unknown"] = {"a": 1}
    document["unknown"] = [1]
    extension = document.setdefault("extension", {})
    extension["davinci-crd.configuration"] = {"unknown": 1, "max-cards": "many"}
    assert orjson.loads(post(document, document["hook"]).data) == plain
    extension["davinci-crd.configuration"] = {"coverage-info": False}
    assert orjson.loads(post(document, document["hook"]).data) == {"cards": []}


def positions(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every element below a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield (*path, key)
        yield from positions(child, (*path, key))


PLACES = [(name, path) for name, document in EXAMPLES.items() for path in positions(document)]
CONTEXTS = [(name, path) for name, path in PLACES if path[0] == "context"]
REFERENCES = st.sampled_from(
    [
        "#",
        "#a",
        "MedicationRequest/",
        "/",
        "urn:uuid:x",
        "Patient/pat-1",
        "Task/1?x",
        "http://x/A/b/_history/1",
        "",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | REFERENCES,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["reference", "resource", "resourceType", "entry"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    *parents, last = path
    for step in parents:
        document = document[step]
    document[last] = value


@given(st.sampled_from(CONTEXTS) | st.sampled_from(PLACES), VALUES, st.sampled_from(sorted(SERVICES)))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_anything_anywhere_at_any_hook_is_answered_or_refused(place: Any, value: Any, other: str) -> None:
    name, path = place
    document = copy.deepcopy(EXAMPLES[name])
    put(document, path, value)
    for hook in {EXAMPLES[name]["hook"], other}:
        if hook != EXAMPLES[name]["hook"]:
            document["hook"] = hook  # the context of one hook sent to another
        response = post(document, hook)
        assert response.status_code in (200, 400, 404, 412, 413, 422), response.data
        if response.status_code != 200:
            assert orjson.loads(response.data)["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("hook", "context", "element"),
    [
        ("order-dispatch", {"performer": "Organization/1"}, "context.dispatchedOrders"),
        ("order-dispatch", {"order": "MedicationRequest/1"}, "context.performer"),
        ("order-dispatch", {"order": "nonsense", "performer": "Organization/1"}, "context.order"),
        (
            "order-dispatch",
            {"dispatchedOrders": ["Patient/1"], "performer": "Organization/1"},
            "context.dispatchedOrders[0]",
        ),
        ("appointment-book", {"userId": "Practitioner/1"}, "context.appointments"),
        (
            "appointment-book",
            {"userId": "Practitioner/1", "appointments": {"entry": [{"resource": {"resourceType": "Slot"}}]}},
            "context.appointments.entry",
        ),
        (
            "order-select",
            {"userId": "Practitioner/1", "draftOrders": {"entry": [{"resource": {"resourceType": "Slot"}}]}},
            "context.selections",
        ),
        ("encounter-start", {"userId": "Practitioner/1"}, "context.encounterId"),
        ("encounter-discharge", {"userId": "Practitioner/1"}, "context.encounterId"),
    ],
)
def test_what_is_wrong_is_named(hook: str, context: dict[str, Any], element: str) -> None:
    document = {"hook": hook, "hookInstance": "i-1", "context": {"patientId": "pat-1"} | context}
    document["extension"] = {"davinci-crd.requestedVersion": "2.2"}
    response = post(document, hook)
    assert response.status_code == 400
    assert element in orjson.loads(response.data)["issue"][0]["expression"]
