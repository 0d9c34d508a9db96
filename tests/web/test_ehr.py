"""Over HTTP: what prefetch lacks is read from the client's FHIR server, and trouble there is told."""

from __future__ import annotations

import copy
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
from tests.fhir.ehr.server import FhirServer, body, serving
from tests.fhir.ehr.test_client import FAULTS, TOKEN

CALL = "/cds-services/order-sign-crd"
DISPATCH = "/cds-services/order-dispatch-crd"
EXAMPLES = Path(__file__).parents[2] / "fhir_examples"
DEADLINE = 0.6
NAMES = ("covered-macrilen-2024", "not-covered-macrilen-bmi-41", "documentation-needed-macrilen-no-bmi")


def example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads((EXAMPLES / f"{name}.json").read_bytes())
    return document


def resources(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Every resource of a request's prefetch."""
    found = []
    for value in document["prefetch"].values():
        if value is not None and value["resourceType"] == "Bundle":
            found += [each["resource"] for each in value.get("entry", [])]
        elif value is not None:
            found.append(value)
    return found


@pytest.fixture
def ehr() -> Iterator[FhirServer]:
    with serving() as server:
        yield server


@pytest.fixture
def app(ehr: FhirServer, tmp_path: Path) -> Flask:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/decisions.sqlite3",
        log_level="ERROR",
        fhir_servers=(ehr.base,),
        ehr_deadline=DEADLINE,
    )
    return create_app(settings)


def connected(document: dict[str, Any], ehr: FhirServer, **prefetch: Any) -> dict[str, Any]:
    """The same request from a client that lets its server be read instead of prefetching."""
    changed = copy.deepcopy(document)
    changed["fhirServer"] = ehr.base
    changed["fhirAuthorization"] = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 30,
        "scope": "patient/*.read",
        "subject": "cds-service",
    }
    changed["prefetch"] = prefetch
    return changed


def post(app: Flask, document: dict[str, Any]) -> tuple[int, Any]:
    started = monotonic()
    response = app.test_client().post(CALL, data=orjson.dumps(document), content_type="application/json")
    assert monotonic() - started < DEADLINE + 0.6
    assert TOKEN not in response.get_data(as_text=True)
    return response.status_code, orjson.loads(response.data)


def told(answer: dict[str, Any]) -> list[Any]:
    """What the answer says of each order, without the names of the assertions."""
    parts = answer["systemActions"][0]["resource"]["extension"][-1]["extension"]
    return [each for each in parts if not each["url"].endswith("-id")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.requirement("crd-2.2.1@found-5", "crd-2.2.1@found-24")
def test_an_example_is_decided_the_same_without_its_prefetch(app: Flask, ehr: FhirServer, name: str) -> None:
    document = example(name)
    given = post(app, document)[1]
    ehr.resources = resources(document)
    status, answer = post(app, connected(document, ehr))
    assert status == 200
    assert told(answer) == told(given)
    assert [card["summary"] for card in answer["cards"]] == [card["summary"] for card in given["cards"]]
    assert ehr.tokens == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("fault", "version"), [*((fault, "2.2") for fault in FAULTS), ("silence", "2.0"), ("error", "2.1")]
)
@pytest.mark.requirement("crd-2.2.1@resp-43", "crd-2.2.1@found-2", "crd-2.2.1@found-34")
def test_trouble_of_the_ehr_is_answered_in_the_form_of_each_version(
    app: Flask, ehr: FhirServer, fault: str, version: str
) -> None:
    document = example(NAMES[0])
    document.setdefault("extension", {})["davinci-crd.requestedVersion"] = version
    ehr.faults["/"] = FAULTS[fault]
    status, answer = post(app, connected(document, ehr, coverage=document["prefetch"]["coverage"]))
    assert status == 200
    assert check_answer(answer, VERSIONS[version]) == []
    parts = {each["url"]: each for each in told(answer)}
    assert parts["covered"]["valueCode"] == ("indeterminate" if version == "2.2" else "conditional")
    reason = parts["reason"]["valueCodeableConcept"]
    assert "could not be read" in reason["text"]
    if version == "2.2":
        assert reason["coding"][0]["code"] == "technical"
    assert "could not be checked" in answer["cards"][0]["summary"]


@pytest.mark.parametrize("fault", ["silence", "dropped", "unauthorized", "error", "page to sign in"])
def test_a_coverage_that_cannot_be_read_is_412(app: Flask, ehr: FhirServer, fault: str) -> None:
    ehr.faults["Coverage"] = FAULTS[fault]
    status, outcome = post(app, connected(example(NAMES[0]), ehr))
    assert status == 412
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["details"]["coding"][0]["code"] == "CDS-1040"


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_a_server_that_is_not_listed_gets_no_call(app: Flask, ehr: FhirServer) -> None:
    document = example(NAMES[0])
    with serving(*resources(document)) as other:
        status, _ = post(app, connected(document, ehr) | {"fhirServer": other.base})
        assert status == 412
        assert other.asked == ehr.asked == []


def test_without_a_list_nothing_is_ever_read(ehr: FhirServer, tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/d.sqlite3", log_level="ERROR"))
    document = example(NAMES[0])
    ehr.resources = resources(document)
    assert post(app, connected(document, ehr))[0] == 412
    assert ehr.asked == []


@pytest.mark.requirement("crd-2.2.1@resp-37")
def test_an_order_that_was_read_goes_back_as_it_was_written(app: Flask, ehr: FhirServer) -> None:
    document = example(NAMES[0])
    (order,) = [each["resource"] for each in document["context"]["draftOrders"]["entry"]][:1]
    written = orjson.dumps(order | {"dosageInstruction": [{"text": "once", "x": "DOSE"}]})
    written = written.replace(b'"DOSE"', b"2.50")
    ehr.resources = resources(document)
    ehr.faults[f"MedicationRequest/{order['id']}"] = body(written)
    dispatch = connected(document, ehr) | {"hook": "order-dispatch"}
    dispatch["context"] = {
        "patientId": document["context"]["patientId"],
        "dispatchedOrders": [f"MedicationRequest/{order['id']}"],
        "performer": "Organization/nowhere",
    }
    response = app.test_client().post(DISPATCH, json=dispatch)
    assert response.status_code == 200
    assert b'"x":2.50' in response.data
    returned = orjson.loads(response.data)["systemActions"][0]["resource"]
    returned["extension"].pop()
    assert returned == orjson.loads(written) | {"extension": order.get("extension", [])}
