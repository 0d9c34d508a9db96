"""The checks of the public server suites for CRD 2.2: what they add to those for 2.0.1."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from cds_service import cli
from cds_service.app import create_app
from cds_service.settings import Settings
from tests.conformance.crd import inferno
from tests.conformance.crd.service import (
    EXAMPLES,
    HOOKS,
    ORDER_HOOKS,
    ORDERS,
    PRIMARY,
    Document,
    actions,
    answer,
    answered_examples,
    appointment,
    bundle,
    call,
    chart,
    coverage,
    discovered,
    drug,
    in_version,
    informations,
    order,
    reason_codes,
    said,
)
from tests.conformance.crd.test_answers import SIXTEEN
from tests.fhir.ehr.server import FhirServer, serving
from tests.fhir.ehr.test_client import FAULTS

REQUESTS: dict[str, Document] = {
    name: in_version(document, "2.2") for name, document in inferno.presets()
} | {f"{kind} at {hook}": call(hook, order(kind)) for hook in ORDER_HOOKS for kind in ORDERS}
REQUESTS["an appointment without an order"] = call("appointment-book", appointment())
REQUESTS |= {f"an appointment for a {kind}": call("appointment-book", order(kind)) for kind in ORDERS}


def sources(document: Document) -> dict[str, Document]:
    """Every order and appointment of a call, by reference: in its context and in its prefetch."""
    found: dict[str, Document] = {}

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "resourceType" in value and "id" in value:
                found.setdefault(f"{value['resourceType']}/{value['id']}", value)
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(document["context"])
    walk(document["prefetch"])
    return found


@pytest.mark.requirement("crd-2.2.1@dev-1", "crd-2.2.1@dev-4", "crd-2.2.1@dev-8", "crd-2.2.1@found-24")
def test_discovery_declares_versions_options_and_prefetch() -> None:
    for hook in PRIMARY:
        service = discovered()[hook]
        versions = service["extension"]["davinci-crd.version"]
        assert "2.2" in versions
        assert all(re.fullmatch(r"[1-9]\d*\.\d+", each) for each in versions)
        options = service["extension"]["davinci-crd.configuration-options"]
        assert "coverage-info" in {each["code"] for each in options}
        assert service["prefetch"]


@pytest.mark.requirement("crd-2.2.1@hook-16", "crd-2.2.1@resp-26", "crd-2.2.1@resp-29", "crd-2.2.1@resp-52")
@pytest.mark.parametrize("name", REQUESTS)
def test_every_order_in_scope_is_answered_and_nothing_else_is_changed(name: str) -> None:
    document = REQUESTS[name]
    given = answer(document)
    assert not document["hook"].startswith("encounter") or given == {"cards": []}
    known = sources(document)
    for action in actions(given):
        assert list(inferno.check_action(action)) == []
        returned = copy.deepcopy(action["resource"])
        assert informations(returned)
        source = known[f"{returned['resourceType']}/{returned['id']}"]
        del returned["extension"]
        assert returned == source
        assert list(inferno.check_identifiers(action)) == []
    assert list(inferno.check_response(given, "")) == []
    assert len(actions(given)) == in_scope(document)


def in_scope(document: Document) -> int:
    """How many orders a call is about."""
    context = document["context"]
    if document["hook"].startswith("encounter"):
        return 0
    if document["hook"] == "order-dispatch":
        return len(context.get("dispatchedOrders", [1]))
    if document["hook"] == "order-select":
        return len(context["selections"])
    return len((context.get("draftOrders") or context["appointments"])["entry"])


VARIATIONS: dict[str, Any] = {
    "an unknown option": ("extension", "davinci-crd.configuration", {"inferno-unknown": "x"}),
    "an unknown element of the context": ("context", "infernoUnknown", {"x": 1}),
    "an unknown element of the call": (None, "infernoUnknown", "x"),
    "no configuration": ("extension", "davinci-crd.configuration", None),
}


@pytest.mark.requirement("crd-2.2.1@dev-15", "crd-2.2.1@dev-17", "crd-2.2.1@hook-23", "crd-2.2.1@found-33")
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("variation", VARIATIONS)
def test_what_the_suite_adds_to_a_call_changes_nothing(hook: str, variation: str) -> None:
    part, name, value = VARIATIONS[variation]
    document = call(hook)
    plain = answer(document)
    holder = document if part is None else document[part]
    if value is not None:
        holder[name] = value
    assert answer(document) == plain


@pytest.mark.requirement("crd-2.2.1@dev-5", "crd-2.2.1@dev-14")
@pytest.mark.parametrize("name", REQUESTS)
def test_coverage_info_off_leaves_nothing_of_the_kind(name: str) -> None:
    document = copy.deepcopy(REQUESTS[name])
    document["extension"]["davinci-crd.configuration"] = {"coverage-info": False}
    given = answer(document)
    assert actions(given) == []
    for card in given["cards"]:
        assert card["source"]["topic"]["code"] != "coverage-info"


@pytest.mark.requirement("crd-2.2.1@resp-25")
def test_no_card_is_of_the_topic_coverage_information() -> None:
    topics = {
        card["source"]["topic"]["code"] for _, _, given in answered_examples("2.2") for card in given["cards"]
    }
    assert topics
    assert "coverage-info" not in topics


@pytest.mark.requirement("crd-2.2.1@conf-5")
def test_over_a_session_every_sub_extension_is_received() -> None:
    seen = {
        url
        for _, _, given in answered_examples("2.2")
        for position in range(len(actions(given)))
        for url in said(given, position)
    }
    assert seen >= SIXTEEN


@pytest.mark.requirement("crd-2.2.1@resp-13", "crd-2.2.1@resp-3", "crd-2.2.1@resp-5")
def test_every_card_fits_the_base_model() -> None:
    for _, _, given in answered_examples("2.2"):
        for card in given["cards"]:
            assert list(inferno.check_card_options(card)) == []
            assert card["uuid"]
            assert card["source"]["topic"]["code"]
            assert all(each["uuid"] for each in card.get("suggestions", ()))


# -- the special coverage cases ------------------------------------------------------------------------------


@pytest.fixture
def ehr() -> Iterator[FhirServer]:
    with serving() as server:
        yield server


def asking(ehr: FhirServer, document: Document) -> Document:
    """The call of a client that prefetches the coverage only and has a server for the rest."""
    changed = in_version(document, "2.2")
    changed["fhirServer"] = ehr.base
    changed["fhirAuthorization"] = {
        "access_token": "bad-token",
        "token_type": "Bearer",
        "expires_in": 30,
        "scope": "patient/*.rs",
        "subject": "cds-service",
    }
    changed["prefetch"] = {"coverage": document["prefetch"]["coverage"]}
    return changed


def posted(app: Flask, document: Document) -> Document:
    path = f"/cds-services/{discovered()[document['hook']]['id']}"
    response = app.test_client().post(path, data=orjson.dumps(document), content_type="application/json")
    assert response.status_code == 200
    found: Document = orjson.loads(response.data)
    return found


@pytest.mark.requirement("crd-2.2.1@resp-43", "crd-2.2.1@resp-39")
@pytest.mark.parametrize("fault", ["error", "unauthorized"])
def test_a_client_whose_server_refuses_the_token_gets_indeterminate(
    ehr: FhirServer, fault: str, tmp_path: Path
) -> None:
    ehr.faults["/"] = FAULTS[fault]
    app = create_app(
        Settings(
            database_url=f"sqlite:///{tmp_path}/d.sqlite3",
            log_level="ERROR",
            fhir_servers=(ehr.base,),
            ehr_deadline=0.5,
        )
    )
    document = orjson.loads((EXAMPLES / "covered-macrilen-2024.json").read_bytes())
    found = said(posted(app, asking(ehr, document)))
    assert found["covered"] == ["indeterminate"]
    assert reason_codes(found)[0] == "technical"
    assert found["reason"][0]["text"]
    assert ehr.tokens == {"Bearer bad-token"}, "data were read first, before anything was asked"


@pytest.fixture
def with_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The service with a table of its members: one, covered in 2024 by one plan."""
    url = f"sqlite:///{tmp_path}/members.sqlite3"
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    file = tmp_path / "members.csv"
    file.write_text(
        "payer,member_id,name,birth_date,plan,effective_from,effective_to\n"
        'cigna,W123456789,"Lindqvist, Astrid",1980-05-17,Gold,2024-01-01,2024-12-31\n'
    )
    assert cli.main(["members", "import", str(file)]) == 0
    return create_app(Settings(database_url=url, log_level="ERROR", member_lookup="table"))


SPECIAL = {
    "known": ({}, {}, "covered", None),
    "unknown member": ({"subscriberId": "W000000000"}, {}, "not-covered", "no-member-found"),
    "another plan": (
        {"class": [{"type": {"coding": [{"code": "plan"}]}, "value": "Platinum"}]},
        {},
        "not-covered",
        "coverage-not-found",
    ),
    "not any more": ({}, {"authoredOn": "2025-02-01"}, "not-covered", "no-active-coverage"),
    "inactive": ({"status": "cancelled"}, {}, "not-covered", "no-active-coverage"),
}


@pytest.mark.requirement("crd-2.2.1@resp-44", "crd-2.2.1@resp-45")
@pytest.mark.parametrize("case", SPECIAL)
def test_members_and_coverages_that_cannot_be_found_have_their_reason_first(
    case: str, with_members: Flask
) -> None:
    elements, ordered, covered, reason = SPECIAL[case]
    prefetch = chart(coverage=bundle(coverage(**elements)))  # type: ignore[arg-type]
    found = said(posted(with_members, call("order-sign", drug(**ordered), prefetch=prefetch)))
    assert found["covered"] == [covered]
    if reason is not None:
        assert reason_codes(found)[0] == reason
        assert found["reason"][0]["text"]
        assert "pa-needed" not in found
