"""The whole service over HTTP: the shipped examples in every CRD version."""

from __future__ import annotations

import copy
import functools
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

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
