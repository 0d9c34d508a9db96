"""Trouble with the client's FHIR server, told over HTTP: in time, in a valid form, and never as an approval.

Each type of data fails alone, in every way that servers fail. `tests/web/test_ehr.py` shows the same for a
server that fails as a whole.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from time import monotonic
from typing import Any

import orjson
import pytest
from flask import Flask

from cds_service.app import create_app
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import CRD_2_2
from cds_service.settings import Settings
from tests.fhir.ehr import server as faults
from tests.fhir.ehr.server import Answer, FhirServer, Handler, searchset, serving
from tests.fhir.ehr.test_client import FAULTS, TOKEN
from tests.robustness.mutations import Json
from tests.robustness.test_mutations import EXAMPLES, SERVICES, approvals
from tests.web.test_ehr import connected, resources

DEADLINE = 0.5
MORE = 1.5  # for everything that is no reading, on a busy machine
GOOD = EXAMPLES["covered-macrilen-2024"]
NEEDED = ("Patient", "Observation")


def looping(handler: Handler, server: FhirServer) -> None:
    """Good data, and a next page that is this one."""
    kind = handler.path.removeprefix("/fhir/").partition("?")[0].partition("/")[0]
    found = [each for each in server.resources if each["resourceType"] == kind]
    link = {"relation": "next", "url": f"{server.base}{handler.path.removeprefix('/fhir')}"}
    handler.send(200, orjson.dumps(searchset(*found, link=[link])))


TROUBLE: dict[str, Answer] = {
    **FAULTS,
    "not found": faults.status(404),
    "gone": faults.status(410),
    "looping pages": looping,
}


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Flask, Flask, FhirServer]]:
    """Two applications, one in a hurry and one patient, and the server that they read."""
    with serving() as server, tempfile.TemporaryDirectory(prefix="trouble-") as folder:
        hurried, patient = (
            create_app(
                Settings(
                    database_url=f"sqlite:///{folder}/{deadline}.sqlite3",
                    log_level="CRITICAL",
                    fhir_servers=(server.base,),
                    ehr_deadline=deadline,
                )
            )
            for deadline in (DEADLINE, 8.0)
        )
        yield hurried, patient, server


@pytest.fixture
def app(place: tuple[Flask, Flask, FhirServer]) -> Flask:
    return place[0]


@pytest.fixture
def patient_app(place: tuple[Flask, Flask, FhirServer]) -> Flask:
    """Where the server is well: however busy the machine, the reads are not cut short."""
    return place[1]


@pytest.fixture
def ehr(place: tuple[Flask, Flask, FhirServer]) -> FhirServer:
    """The server, well again and without anything to remember."""
    server = place[2]
    server.faults, server.asked, server.resources = {}, [], []
    return server


def post(app: Flask, document: Json) -> tuple[int, Json]:
    """Status and answer, valid and in time."""
    spoken = document | {"extension": {"davinci-crd.requestedVersion": "2.2"}}
    deadline = app.extensions["cds_service"].settings.ehr_deadline
    started = monotonic()
    response = app.test_client().post(f"/cds-services/{SERVICES[document['hook']]}", json=spoken)
    assert monotonic() - started < deadline + MORE
    assert TOKEN not in response.get_data(as_text=True)
    answer: Json = orjson.loads(response.data)
    assert response.status_code in (200, 412)
    if response.status_code == 200:
        assert check_answer(answer, CRD_2_2) == []
    return response.status_code, answer


def asking(document: Json, ehr: FhirServer, *kept: str) -> Json:
    """The same call from a client that prefetches only `kept` and lets its server be read for the rest."""
    ehr.resources = resources(document)
    return connected(document, ehr, **{name: document["prefetch"][name] for name in kept})


def test_without_trouble_the_order_is_approved(patient_app: Flask, ehr: FhirServer) -> None:
    status, answer = post(patient_app, asking(GOOD, ehr))
    assert (status, len(approvals(answer))) == (200, 1)


@pytest.mark.parametrize("fault", TROUBLE)
@pytest.mark.parametrize("kind", NEEDED)
@pytest.mark.requirement("crd-2.2.1@resp-43", "crd-2.2.1@found-2")
def test_data_that_are_needed_and_cannot_be_had_approve_nothing(
    app: Flask, ehr: FhirServer, kind: str, fault: str
) -> None:
    call = asking(GOOD, ehr, "coverage")
    ehr.faults[f"/{kind}"] = TROUBLE[fault]
    status, answer = post(app, call)
    assert (status, approvals(answer)) == (200, [])
    assert any(path.startswith(kind) for path in ehr.paths)


@pytest.mark.parametrize("fault", [name for name in TROUBLE if name != "looping pages"])
def test_an_older_measurement_decides_nothing_while_a_page_may_hold_a_later_one(
    app: Flask, patient_app: Flask, ehr: FhirServer, fault: str
) -> None:
    document = EXAMPLES["not-covered-macrilen-bmi-41"]
    call = asking(document, ehr, *(name for name in document["prefetch"] if name != "observations"))
    latest = next(each for each in ehr.resources if each.get("id") == "bmi-1")
    older = copy.deepcopy(latest) | {"id": "older", "effectiveDateTime": "2024-01-15"}
    older["valueQuantity"]["value"] = 38
    ehr.faults["/Observation?page=1"] = TROUBLE[fault]
    ehr.faults["/Observation"] = faults.paged(searchset(older), searchset(latest))
    status, answer = post(app, call)
    assert (status, approvals(answer)) == (200, [])
    ehr.faults.pop("/Observation?page=1")
    ehr.faults["/Observation"] = faults.paged(searchset(older))
    assert len(approvals(post(patient_app, call)[1])) == 1


@pytest.mark.parametrize("fault", TROUBLE)
def test_a_dispatched_order_that_cannot_be_read_is_named(app: Flask, ehr: FhirServer, fault: str) -> None:
    call = asking(EXAMPLES["hooks/order-dispatch-remicade-hospital"], ehr, "coverage", "payers")
    ehr.faults["/MedicationRequest/"] = TROUBLE[fault]
    status, answer = post(app, call)
    if status == 412:
        (issue,) = answer["issue"]
        assert issue["expression"] == ["context.dispatchedOrders[0]"]
    else:
        assert approvals(answer) == []


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("hooks/")])
@pytest.mark.parametrize("fault", ["silence", "error", "page to sign in", "unauthorized"])
def test_every_hook_is_answered_while_the_server_is_in_trouble(
    app: Flask, ehr: FhirServer, name: str, fault: str
) -> None:
    kept = [each for each in ("coverage", "payers") if each in EXAMPLES[name].get("prefetch", {})]
    call: dict[str, Any] = connected(EXAMPLES[name] | {"prefetch": {}}, ehr)
    call["prefetch"] = {each: EXAMPLES[name]["prefetch"][each] for each in kept}
    ehr.faults["/"] = TROUBLE[fault]
    _, answer = post(app, call)
    assert approvals(answer) == []
