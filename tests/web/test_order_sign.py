"""The whole service over HTTP: the shipped examples in every CRD version, and charts gone wrong."""

from __future__ import annotations

import copy
import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.crd.invariants import check_coverage_information
from cds_service.crd.versions import VERSIONS
from cds_service.settings import CRD_VERSIONS, Settings
from cds_service.web.openapi import published_description

CALL = "/cds-services/order-sign-crd"
COVERAGE_INFORMATION = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
EXAMPLES = sorted((Path(__file__).parents[2] / "fhir_examples").glob("*.json"))
REQUESTS = [orjson.loads(path.read_bytes()) for path in EXAMPLES]


@functools.cache
def app() -> Flask:
    """The real application with the shipped policies."""
    folder = tempfile.mkdtemp(prefix="order-sign-")
    return create_app(Settings(database_url=f"sqlite:///{folder}/decisions.sqlite3", log_level="ERROR"))


def post(document: Any) -> Any:
    return app().test_client().post(CALL, data=orjson.dumps(document), content_type="application/json")


def test_the_example_of_the_openapi_description_can_be_tried() -> None:
    call = published_description()["paths"]["/cds-services/{service_id}"]["post"]
    response = post(call["requestBody"]["content"]["application/json"]["example"])
    assert response.status_code == 200
    assert orjson.loads(response.data)["cards"]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize("version", CRD_VERSIONS)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.requirement("crd-2.2.1@resp-29", "crd-2.2.1@resp-37", "crd-2.2.1@dev-2")
def test_every_example_is_answered_for_every_order_without_touching_it(path: Path, version: str) -> None:
    document = orjson.loads(path.read_bytes())
    document.setdefault("extension", {})["davinci-crd.requestedVersion"] = version
    response = post(document)
    assert response.status_code == 200
    answer = orjson.loads(response.data)
    orders = [
        entry["resource"]
        for entry in document["context"]["draftOrders"]["entry"]
        if entry["resource"]["resourceType"] != "Medication"
    ]
    assert len(answer["systemActions"]) == len(orders)
    for order, action in zip(orders, answer["systemActions"], strict=True):
        assert (action["type"], bool(action["description"])) == ("update", True)
        returned = copy.deepcopy(action["resource"])
        *others, added = returned.pop("extension")
        assert returned == {name: value for name, value in order.items() if name != "extension"}
        assert others == order.get("extension", [])
        assert added["url"] == COVERAGE_INFORMATION
        assert check_coverage_information(added, VERSIONS[version]) == []
    for card in answer["cards"]:
        assert len(card["summary"]) < 140
        assert card["source"]["label"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.requirement("crd-2.2.1@resp-35")
def test_an_order_that_carries_its_answer_already_gets_no_action(path: Path) -> None:
    document = orjson.loads(path.read_bytes())
    first = orjson.loads(post(document).data)
    updated = {
        (action["resource"]["resourceType"], action["resource"].get("id")): action["resource"]
        for action in first["systemActions"]
    }
    for entry in document["context"]["draftOrders"]["entry"]:
        key = (entry["resource"]["resourceType"], entry["resource"].get("id"))
        entry["resource"] = updated.get(key, entry["resource"])
    assert "systemActions" not in orjson.loads(post(document).data)


def test_links_of_cards_lead_to_pages() -> None:
    client = app().test_client()
    links = {
        link["url"]
        for document in REQUESTS
        for card in orjson.loads(post(document).data)["cards"]
        for link in card.get("links", ())
    }
    assert links
    for url in links:
        path = "/" + url.split("/", 3)[3]
        assert client.get(path).status_code == 200


def positions(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every element below a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield (*path, key)
        yield from positions(child, (*path, key))


PLACES = [(number, path) for number, document in enumerate(REQUESTS) for path in positions(document)]
DATES = st.sampled_from(
    ["2024", "2024-13-45", "0000-00-00", "9999-12-31", "Invalid date", "2024-09-01T25:00:00Z"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | DATES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=3))
@settings(max_examples=400, deadline=None)
def test_any_element_of_any_example_may_be_anything(changes: list[tuple[Any, Any]]) -> None:
    number = changes[0][0][0]
    document = copy.deepcopy(REQUESTS[number])
    for (other, path), value in changes:
        if other == number:
            put(document, path, value)
    try:
        response = post(document)
    except TypeError:  # lone surrogates cannot be sent at all
        return
    assert response.status_code in (200, 400, 412, 413, 422), response.data
    if response.status_code == 200:
        answer = orjson.loads(response.data)
        for action in answer.get("systemActions", ()):
            assert (
                check_coverage_information(action["resource"]["extension"][-1], VERSIONS[spoken(document)])
                == []
            )


def spoken(document: Any) -> str:
    """The CRD version that a request asks for, or gets by default."""
    extension = document.get("extension") or {}
    return extension.get("davinci-crd.requestedVersion") or "2.0"


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    """Replace one element; a path that an earlier change cut off is left alone."""
    target = document
    for step in path[:-1]:
        try:
            target = target[step]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(target, dict) or (
        isinstance(target, list) and isinstance(path[-1], int) and path[-1] < len(target)
    ):
        target[path[-1]] = value
