"""Several clients of one service: equal resource ids, other patients and servers, and never each other's.

The whole application, with a file of clients; each has keys and a FHIR server of its own. How this holds
with several workers under load is in tests/load.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.store.schema import coverage_assertion
from cds_service.store.upgrade import open_current
from cds_service.web.services import EXTENSION
from tests.fhir.ehr import server as fhir_server
from tests.fhir.ehr.server import FhirServer
from tests.load.tenants import FROM_SERVER, INSTANCE, NUMBER, Tenant, charts, prepared, service_of, tenants

Json = dict[str, Any]
BASE = "https://payer.example.org"


@pytest.fixture
def ehrs() -> Iterator[list[FhirServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(fhir_server.serving(*charts(number))) for number in range(2)]


@pytest.fixture
def known(ehrs: list[FhirServer]) -> list[Tenant]:
    return tenants([each.base for each in ehrs])


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/tenants.sqlite3"


def application(known: Sequence[Tenant], database: str, **settings: Any) -> Flask:
    clients = Path(database.removeprefix("sqlite:///")).with_name("clients.yaml")
    clients.write_text(json.dumps({"clients": [each.registration for each in known]}))
    chosen: Json = {"database_url": database, "log_level": "ERROR", "public_base_url": BASE}
    return create_app(Settings(clients_file=clients, **chosen, **settings))


@pytest.fixture
def app(known: list[Tenant], database: str) -> Flask:
    return application(known, database)


def body(tenant: Tenant, name: str = FROM_SERVER, number: int = 1) -> Json:
    instance = f"00000000-0000-4000-8000-{number:012d}"
    text = prepared(tenant, name).replace(NUMBER, str(number).encode()).replace(INSTANCE, instance.encode())
    document: Json = orjson.loads(text)
    return document


def post(app: Flask, tenant: Tenant, document: Json, name: str = FROM_SERVER) -> tuple[int, Json]:
    path = service_of(name)
    headers = {"Authorization": f"Bearer {tenant.bearer(BASE + path)}"}
    response = app.test_client().post(path, json=document, headers=headers)
    return response.status_code, orjson.loads(response.data)


def said(answer: Json) -> Json:
    extension = answer["systemActions"][0]["resource"]["extension"][-1]["extension"]
    return {each["url"]: each.get("valueCode", each.get("valueString")) for each in extension}


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_each_chart_is_read_from_its_own_server_with_its_own_token(
    app: Flask, known: list[Tenant], ehrs: list[FhirServer]
) -> None:
    first, second, *_ = known
    calls = [(tenant, number) for number in range(12) for tenant in (first, second)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda each: post(app, each[0], body(each[0], number=each[1])), calls))
    assert {status for status, _ in answers} == {200}
    for (tenant, _), (_, answer) in zip(calls, answers, strict=True):
        order = answer["systemActions"][0]["resource"]
        assert order["note"] == [{"text": f"an order of {tenant.name}"}]
        assert said(answer)["covered"] == ("covered" if tenant is first else "not-covered")
    for tenant, ehr in zip(known, ehrs, strict=False):
        assert ehr.tokens == {f"Bearer {tenant.access_token}"}


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_a_client_that_names_the_server_of_another_has_nothing_read_there(
    app: Flask, known: list[Tenant], ehrs: list[FhirServer]
) -> None:
    first, second, north, _ = known
    for caller in (first, north):
        named = body(caller) | {
            "fhirServer": second.fhir,
            "fhirAuthorization": body(first)["fhirAuthorization"],
        }
        status, answer = post(app, caller, named)
        assert status == 200
        assert said(answer)["doc-needed"] == "clinical", "decided without the chart of anybody else"
    assert ehrs[0].asked == ehrs[1].asked == []


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_a_next_page_on_the_server_of_another_client_is_not_followed(
    app: Flask, known: list[Tenant], ehrs: list[FhirServer]
) -> None:
    first, second, *_ = known
    ehrs[0].faults["Observation"] = fhir_server.linked(f"{second.fhir}/Observation?page=1", *charts(0))
    status, answer = post(app, first, body(first))
    assert status == 200
    assert said(answer)["covered"] != "not-covered"
    assert ehrs[1].asked == []


def test_the_limit_of_one_client_is_not_that_of_another(known: list[Tenant], database: str) -> None:
    app = application(known, database, rate_limit=2)
    north, south = known[2:]
    name = "covered-macrilen-2024"
    statuses = [post(app, north, body(north, name, number), name)[0] for number in range(3)]
    assert statuses == [200, 200, 429]
    assert post(app, known[0], body(known[0], name), name)[0] == 200
    assert post(app, south, body(south, name), name)[0] == 200


def test_the_same_call_of_two_tenants_is_two_decisions_each_on_record_as_its_own(
    app: Flask, known: list[Tenant], database: str
) -> None:
    name = "covered-macrilen-2024"
    north, south = known[2:]
    same = body(north, name)
    given = {
        tenant.name: said(post(app, tenant, same, name)[1])["coverage-assertion-id"]
        for tenant in (north, south)
    }
    assert len(set(given.values())) == 2
    app.extensions[EXTENSION].record.__self__.close(timeout=30)
    engine = open_current(database)
    with engine.connect() as connection:
        rows = connection.execute(
            select(coverage_assertion.c.client, coverage_assertion.c.assertion_id)
        ).all()
    engine.dispose()
    assert {row.client: row.assertion_id for row in rows} == given


def test_a_token_of_one_tenant_does_not_speak_for_another(app: Flask, known: list[Tenant]) -> None:
    north, south = known[2:]
    mixed = Tenant(north.issuer, south.tenant, north.key, north.pem, None, "")
    assert post(app, mixed, body(north, "covered-macrilen-2024"), "covered-macrilen-2024")[0] == 401
