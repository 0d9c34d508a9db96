"""A FHIR server that nobody here wrote holds the chart: the call without prefetch is decided as the one with.

The server pages (20 resources), asks for a SMART token before every read, and stamps `meta` on what it holds.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
from flask import Flask

from cds_service.app import create_app
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import VERSIONS
from cds_service.settings import Settings
from tests.foreign import not_installed
from tests.foreign.sekmet import NotInstalledError, Sekmet, running

pytestmark = pytest.mark.xdist_group("sekmet")

EXAMPLES = Path(__file__).parents[2] / "fhir_examples"
DEADLINE = 3.0
_SIGNED_LINK = re.compile(r"(?<=/forms/)[\w.-]+")
Json = dict[str, Any]


def _names(folder: str, hooks: tuple[str, ...]) -> list[str]:
    found = sorted((EXAMPLES / folder).glob("*.json"))
    return [
        str(each.relative_to(EXAMPLES).with_suffix(""))
        for each in found
        if orjson.loads(each.read_bytes())["hook"] in hooks
    ]


ORDER_SIGN = _names(".", ("order-sign",))
FETCHED_ORDERS = _names("hooks", ("order-dispatch", "appointment-book"))


@pytest.fixture(scope="module")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sekmet]:
    try:
        with running(tmp_path_factory.mktemp("sekmet")) as server:
            yield server
    except NotInstalledError:
        not_installed("sekmet-fhir")


@pytest.fixture(scope="module")
def absolute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sekmet]:
    """The same server, which writes every reference as a whole address."""
    try:
        with running(tmp_path_factory.mktemp("absolute"), absolute_references=True) as server:
            yield server
    except NotInstalledError:
        not_installed("sekmet-fhir")


def reading(server: Sekmet, folder: Path) -> Flask:
    """The service, with this server on its list."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/decisions.sqlite3",
        log_level="ERROR",
        fhir_servers=(server.base,),
        ehr_deadline=DEADLINE,
    )
    return create_app(settings)


@pytest.fixture(scope="module")
def app(sekmet: Sekmet, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return reading(sekmet, tmp_path_factory.mktemp("foreign"))


def example(name: str, sekmet: Sekmet) -> Json:
    """An example as that server's client sends it; its own addresses are the server's."""
    text = (EXAMPLES / f"{name}.json").read_bytes()
    base: str = orjson.loads(text)["fhirServer"]
    document: Json = orjson.loads(text.replace(base.encode(), sekmet.base.encode()))
    document.pop("fhirAuthorization", None)
    return document


def chart(document: Json) -> list[Json]:
    """Every resource of a request's prefetch."""
    found: list[Json] = []
    for value in document["prefetch"].values():
        if value["resourceType"] == "Bundle":
            found += [each["resource"] for each in value.get("entry", [])]
        else:
            found.append(value)
    return found


def authorized(document: Json, token: str) -> Json:
    """The call with a token for its server."""
    authorization = {"access_token": token, "token_type": "Bearer", "expires_in": 300}
    return document | {"fhirAuthorization": authorization | {"scope": "system/*.read", "subject": "cds"}}


def without_prefetch(document: Json, token: str | None, **kept: Any) -> Json:
    """The call of a client that lets its server be read instead."""
    changed = document | {"prefetch": kept}
    return authorized(changed, token) if token is not None else changed


def in_version(document: Json, version: str) -> Json:
    extension = document.get("extension", {}) | {"davinci-crd.requestedVersion": version}
    return document | {"extension": extension}


def post(app: Flask, document: Json) -> tuple[int, Json]:
    started = monotonic()
    path = f"/cds-services/{document['hook']}-crd"
    response = app.test_client().post(path, data=orjson.dumps(document), content_type="application/json")
    assert monotonic() - started < DEADLINE + 2, "the call was not answered inside the deadline"
    token = document.get("fhirAuthorization", {}).get("access_token")
    assert token is None or token not in response.get_data(as_text=True)
    return response.status_code, orjson.loads(response.data)


def parts_of(answer: Json) -> Json:
    """What the coverage-information of the first order says, by name."""
    extension = answer["systemActions"][0]["resource"]["extension"][-1]["extension"]
    return {each["url"]: each for each in extension}


def comparable(answer: Json, document: Json) -> Json:
    """The answer without what is new in each call (uuids of cards, the time in signed links) and `meta`.

    Places are named on cards only to a client that volunteers its affiliations: no template asks for them.
    """
    compared = copy.deepcopy(answer)
    volunteered = "affiliations" in document["prefetch"]
    for card in compared["cards"]:
        card.pop("uuid", None)
        for link in card.get("links", []):
            link["url"] = _SIGNED_LINK.sub("", link["url"])
        if volunteered and card["source"]["topic"]["code"] == "network":
            for told in ("detail", "suggestions", "selectionBehavior"):
                card.pop(told, None)
        for suggestion in card.get("suggestions", []):
            suggestion.pop("uuid", None)
    for action in compared["systemActions"]:
        action["resource"].pop("meta", None)
    return compared


@pytest.mark.parametrize("name", ORDER_SIGN)
@pytest.mark.requirement("crd-2.2.1@found-5", "crd-2.2.1@found-24")
def test_an_order_is_decided_the_same_from_prefetch_and_from_the_server(
    app: Flask, sekmet: Sekmet, name: str
) -> None:
    document = example(name, sekmet)
    sekmet.hold([])
    given_status, given = post(app, authorized(document, sekmet.token()))
    sekmet.hold(chart(document))
    status, answer = post(app, without_prefetch(document, sekmet.token()))
    assert (given_status, status) == (200, 200)
    assert comparable(answer, document) == comparable(given, document)
    requested = document.get("extension", {}).get("davinci-crd.requestedVersion", "2.0")
    assert check_answer(answer, VERSIONS[requested]) == []


@pytest.mark.parametrize("name", FETCHED_ORDERS)
def test_orders_that_only_the_server_holds_are_decided_the_same(
    app: Flask, sekmet: Sekmet, name: str
) -> None:
    document = example(name, sekmet)
    sekmet.hold(chart(document))
    given = post(app, authorized(document, sekmet.token()))
    status, answer = post(app, without_prefetch(document, sekmet.token()))
    assert (given[0], status) == (200, 200)
    assert answer["systemActions"]
    assert comparable(answer, document) == comparable(given[1], document)


@pytest.mark.parametrize("name", [*FETCHED_ORDERS, "covered-macrilen-2024", "several-orders"])
def test_references_as_whole_addresses_are_the_same_facts(
    absolute: Sekmet, tmp_path: Path, name: str
) -> None:
    app, document = reading(absolute, tmp_path), example(name, absolute)
    absolute.hold(chart(document))
    _, given = post(app, authorized(document, absolute.token()))
    status, answer = post(app, without_prefetch(document, absolute.token()))
    assert status == 200
    assert named(answer) == named(given)
    assert summaries(answer) == summaries(given)


def named(answer: Json) -> list[tuple[str, str]]:
    """Each order with its assertion id, which stands for every fact that decided."""
    return [
        (action["resource"]["id"], each["valueString"])
        for action in answer["systemActions"]
        for each in action["resource"]["extension"][-1]["extension"]
        if each["url"] == "coverage-assertion-id"
    ]


def summaries(answer: Json) -> list[str]:
    return [card["summary"] for card in answer["cards"]]


@pytest.mark.requirement("crd-2.2.1@resp-37")
def test_a_dispatched_order_goes_back_with_what_the_server_stamped_on_it(app: Flask, sekmet: Sekmet) -> None:
    document = example("hooks/order-dispatch-remicade-hospital", sekmet)
    sekmet.hold(chart(document))
    (action,) = post(app, without_prefetch(document, sekmet.token()))[1]["systemActions"]
    order = action["resource"]
    order["extension"].pop()
    held = sekmet.read(f"MedicationRequest/{order['id']}")
    assert held["meta"]["versionId"]
    assert order == held | {"extension": held.get("extension", [])}


def test_the_pages_of_a_search_are_all_read(app: Flask, sekmet: Sekmet) -> None:
    document = example("covered-macrilen-2024", sekmet)
    resources = chart(document)
    index = next(each for each in resources if each["id"] == "bmi-1")
    others = [index | {"id": f"other-{number}", "code": {"text": "of no interest"}} for number in range(45)]
    sekmet.hold([*(each for each in resources if each is not index), *others, index])
    found = sekmet.read("Observation?patient=pat-lind&category=vital-signs,laboratory,exam")
    assert found["total"] > len(found["entry"]), "this server gives everything on one page"
    _, answer = post(app, without_prefetch(document, sekmet.token()))
    assert comparable(answer, document) == comparable(
        post(app, authorized(document, sekmet.token()))[1], document
    )


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
@pytest.mark.parametrize("token", ["expired", "forged", "none"])
@pytest.mark.requirement("crd-2.2.1@resp-43", "crd-2.2.1@found-2")
def test_a_token_that_the_server_refuses_leaves_the_answer_indeterminate(
    app: Flask, sekmet: Sekmet, token: str, version: str
) -> None:
    document = example("covered-macrilen-2024", sekmet)
    sekmet.hold(chart(document))
    tokens = {"expired": sekmet.expired, "forged": f"{sekmet.token()[:-8]}AAAAAAAA", "none": None}
    call = without_prefetch(document, tokens[token], coverage=document["prefetch"]["coverage"])
    status, answer = post(app, in_version(call, version))
    assert status == 200
    assert check_answer(answer, VERSIONS[version]) == []
    parts = parts_of(answer)
    assert parts["covered"]["valueCode"] == ("indeterminate" if version == "2.2" else "conditional")
    assert "could not be read" in parts["reason"]["valueCodeableConcept"]["text"]


@pytest.mark.parametrize("token", ["expired", "none"])
def test_without_a_coverage_that_can_be_read_the_call_fails_its_precondition(
    app: Flask, sekmet: Sekmet, token: str
) -> None:
    document = example("covered-macrilen-2024", sekmet)
    sekmet.hold(chart(document))
    status, outcome = post(app, without_prefetch(document, sekmet.expired if token == "expired" else None))
    assert status == 412
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "CDS-1040"


def test_a_scope_that_leaves_out_the_observations_never_makes_them_absent(app: Flask, sekmet: Sekmet) -> None:
    document = example("covered-macrilen-2024", sekmet)
    sekmet.hold(chart(document))
    readable = (
        "Patient",
        "Coverage",
        "Organization",
        "Encounter",
        "Condition",
        "Location",
        "PractitionerRole",
    )
    token = sekmet.token(" ".join(f"system/{kind}.read" for kind in readable))
    status, answer = post(app, in_version(without_prefetch(document, token), "2.2"))
    assert status == 200
    parts = parts_of(answer)
    assert parts["covered"]["valueCode"] == "indeterminate"
    assert "satisfied-pa-id" not in parts
