"""The checks of the public server suite for CRD 2.0.1: discovery, each hook, across hooks."""

from __future__ import annotations

import copy
import secrets
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests import profiles
from tests.conformance.crd import inferno
from tests.conformance.crd.service import (
    HOOKS,
    ORDERS,
    PRIMARY,
    Document,
    actions,
    answer,
    answered_examples,
    app,
    appointment,
    call,
    order,
)
from tests.hooks.trust.signing import BASE, ISSUER, claims, token
from tests.web.test_trust import registered

PROFILE = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/profile-"
PRESETS = dict(inferno.presets())
EVERY_TYPE = {
    f"{kind} at {hook}": (hook, kind)
    for hook in ("order-sign", "order-dispatch", "order-select")
    for kind in ORDERS
}


def older_dispatch(document: Document) -> Document:
    """The same call in the context that CDS Hooks 1.0 gave order-dispatch."""
    changed = copy.deepcopy(document)
    if document["hook"] == "order-dispatch" and "dispatchedOrders" in document["context"]:
        (reference,) = changed["context"].pop("dispatchedOrders")
        changed["context"]["order"] = reference
    return changed


REQUESTS = PRESETS | {
    name: older_dispatch(call(hook, order(kind), version=None)) for name, (hook, kind) in EVERY_TYPE.items()
}
REQUESTS["an appointment without an order"] = call("appointment-book", appointment(), version=None)


def test_the_presets_cover_every_hook() -> None:
    assert {each["hook"] for each in PRESETS.values()} == set(HOOKS)


def test_discovery_lists_valid_services() -> None:
    response = app().test_client().get("/cds-services")
    assert (response.status_code, response.content_type) == (200, "application/json")
    assert list(inferno.check_discovery(orjson.loads(response.data))) == []


@pytest.mark.requirement("crd-2.0.1@4", "crd-2.0.1@153", "crd-2.0.1@164")
@pytest.mark.parametrize("name", REQUESTS)
def test_every_call_is_answered_with_valid_cards_and_actions(name: str) -> None:
    document = REQUESTS[name]
    given = answer(document)
    problems = list(inferno.check_response(given, document["hook"]))
    for card in given["cards"]:
        problems += inferno.check_card_options(card)
    assert problems == []


@pytest.mark.requirement("crd-2.0.1@164", "crd-2.0.1@184", "crd-2.0.1@207", "crd-2.0.1@226", "crd-2.0.1@265")
@pytest.mark.parametrize("name", [name for name, each in REQUESTS.items() if each["hook"] in PRIMARY])
def test_a_primary_hook_gets_coverage_information_on_its_resources(name: str) -> None:
    document = REQUESTS[name]
    given = answer(document)
    found = inferno.with_coverage_information(given, document["hook"])
    assert len(found) == (0 if "CommunicationRequest" in name else len(actions(given)))
    for action in found:
        assert action["type"] == "update"
        assert list(inferno.check_identifiers(action)) == []
        (information,) = inferno.coverage_informations(action)
        assert information["coverage"] == {"reference": "Coverage/cov-1"}


@pytest.mark.requirement(
    "crd-2.0.1@272", "crd-2.0.1@273", "crd-2.0.1@274", "crd-2.0.1@275", "crd-2.0.1@276", "crd-2.0.1@277",
)  # fmt: skip
@pytest.mark.parametrize("name", [name for name, each in REQUESTS.items() if each["hook"] != "order-select"])
def test_what_is_returned_is_valid_by_the_profile_of_2_0_1(name: str) -> None:
    crd = profiles.packages("davinci-crd-2.0.1", "uscore311")
    for action in actions(answer(REQUESTS[name])):
        resource = action["resource"]
        kind = PROFILE + resource["resourceType"].lower()
        as_it_came = {key: value for key, value in resource.items() if key != "extension"}
        before = {str(each) for each in profiles.unreviewed(profiles.errors(as_it_came, crd, kind))}
        after = {str(each) for each in profiles.unreviewed(profiles.errors(resource, crd, kind))}
        assert after <= before, "nothing that this service adds is wrong"


def shown() -> dict[str, list[tuple[Document, Document]]]:
    """Cards of all examples as these clients get them, with their requests, by the kit's reading of them."""
    found: dict[str, list[tuple[Document, Document]]] = {}
    for _, document, given in answered_examples("2.0"):
        for card in given["cards"]:
            links, suggestions = card.get("links"), card.get("suggestions")
            if links and all(each["type"] == "absolute" for each in links):
                found.setdefault("external reference", []).append((document, card))
            if not links and not suggestions:
                found.setdefault("instructions", []).append((document, card))
            if suggestions:
                found.setdefault("alternate request", []).append((document, card))
    return found


@pytest.mark.requirement("crd-2.0.1@247", "crd-2.0.1@248", "crd-2.0.1@249", "crd-2.0.1@258", "crd-2.0.1@259")
def test_the_three_response_types_that_a_server_must_show_are_received() -> None:
    assert {"external reference", "instructions"} <= set(shown())
    assert any(
        inferno.with_coverage_information(given, document["hook"])
        for _, document, given in answered_examples("2.0")
    )


def test_alternate_requests_change_orders_of_the_call_and_are_valid() -> None:
    crd = profiles.packages("davinci-crd-2.0.1", "uscore311")
    received = shown()["alternate request"]
    for document, card in received:
        drafts = [each["resource"] for each in document["context"]["draftOrders"]["entry"]]
        assert list(inferno.check_alternate_request(card, drafts)) == []
        for suggestion in card["suggestions"]:
            for action in suggestion["actions"]:
                resource = action["resource"]
                kind = PROFILE + resource["resourceType"].lower()
                assert profiles.unreviewed(profiles.errors(resource, crd, kind)) == []


def test_optional_response_types_without_an_occasion_are_never_received() -> None:
    """Additional orders, form completion, coverage updates, SMART apps: the suite skips what is not sent."""
    sent: list[Any] = []
    for _, _, given in answered_examples("2.0"):
        sent += actions(given)
        for card in given["cards"]:
            assert all(link["type"] == "absolute" for link in card.get("links", ()))
            sent += [action for each in card.get("suggestions", ()) for action in each["actions"]]
    assert {each["type"] for each in sent} == {"update"}
    assert {each["resource"]["resourceType"] for each in sent}.isdisjoint({"Task", "Coverage"})


@pytest.mark.requirement("cds-hooks-2.0@trust", "crd-2.0.1@87")
@pytest.mark.parametrize(("key", "algorithm"), [("es384-1", "ES384"), ("rsa-1", "RS384")])
def test_a_server_that_wants_authentication_takes_the_tokens_of_the_kit(
    key: str, algorithm: str, tmp_path: Path
) -> None:
    """Discovery and calls alike: key id and `jku` in the header, five minutes, a nonce of 64 hex digits."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/d.sqlite3",
        log_level="ERROR",
        public_base_url=BASE,
        clients_file=registered(tmp_path),
    )
    client = create_app(settings).test_client()

    def proof(audience: str) -> dict[str, str]:
        payload = claims(time.time(), aud=audience, jti=secrets.token_hex(32))
        bearer = token(payload, key, algorithm, jku=f"{ISSUER}/jwks.json")
        return {"Authorization": f"Bearer {bearer}"}

    assert client.get("/cds-services").status_code == 401
    discovery = client.get("/cds-services", headers=proof(f"{BASE}/cds-services"))
    assert discovery.status_code == 200
    name = next(each["id"] for each in discovery.json["services"] if each["hook"] == "order-sign")  # type: ignore[index]
    path = f"/cds-services/{name}"
    response = client.post(path, json=PRESETS["DeviceRequest signed"], headers=proof(f"{BASE}{path}"))
    assert response.status_code == 200
