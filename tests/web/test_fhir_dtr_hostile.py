"""The FHIR endpoints under hostile input: no 5xx, nothing of others, nothing of a patient in refusals."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service import logs
from cds_service.app import create_app
from cds_service.settings import Settings
from tests.conformance.crd import service as crd
from tests.conformance.dtr.service import (
    ADAPTIVE,
    FHIR_JSON,
    MACRILEN,
    Resource,
    adaptive_draft,
    app,
    client,
    coverage,
    next_question,
    order,
    parameters,
    post,
    refusal,
    with_answers,
)
from tests.conformance.dtr.test_package_operation import context
from tests.hooks.trust.signing import BASE, claims, key_set, token
from tests.robustness.mutations import mutations

PACKAGE = "Questionnaire/$questionnaire-package"
NEXT = "Questionnaire/$next-question"
LOG = "Questionnaire/$log-questionnaire-errors"
SECRET = "Ungewitter-Kalkbrenner"
MUTATIONS = 100


def person() -> Resource:
    return {"resourceType": "Patient", "id": "pat-1", "name": [{"family": SECRET}], "birthDate": "1980-05-17"}


def bodies() -> dict[str, tuple[str, Resource]]:
    """A good call of each operation, with a name in it that must never come back in a refusal."""
    answered = with_answers(next_question("2.0.1", adaptive_draft("2.0.1")))
    answered["subject"]["display"] = SECRET
    report = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "questionnaire", "valueCanonical": MACRILEN},
            {
                "name": "operationOutcome",
                "resource": {
                    "resourceType": "OperationOutcome",
                    "issue": [{"severity": "error", "code": "invalid", "details": {"text": SECRET}}],
                },
            },
        ],
    }
    return {
        "package": (
            PACKAGE,
            parameters(
                order(note=[{"text": SECRET}]),
                coverages=[coverage(subscriberId=SECRET)],
                questionnaires=[MACRILEN, ADAPTIVE],
                referenced=[person()],
            ),
        ),
        "context": (PACKAGE, parameters(order(), context=context(), questionnaires=[MACRILEN])),
        "next": (
            NEXT,
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "questionnaire-response", "resource": answered}],
            },
        ),
        "log": (LOG, report),
    }


def checked(response: TestResponse) -> None:
    """Never a 5xx; a refusal is an OperationOutcome that quotes nothing."""
    assert response.status_code in (200, 204, 400, 404, 405, 412, 413, 415, 422), response.data
    if response.status_code >= 400:
        assert response.content_type == FHIR_JSON
        assert orjson.loads(response.data)["resourceType"] == "OperationOutcome"
        assert SECRET.encode() not in response.data


@pytest.mark.parametrize("name", ["package", "context", "next", "log"])
def test_a_call_gone_wrong_is_answered_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    app()  # made first, since it sets up logging too
    logs.configure("DEBUG", "json")
    good = bodies()
    path, body = good[name]
    others = {key: each for key, (_, each) in good.items()}
    for number, each in enumerate(mutations(body, name, MUTATIONS, others)):
        checked(post(("2.0.1", "2.2")[number % 2], path, each.body))
    written = capfd.readouterr()
    assert '"logger": "cds_service' in written.err
    assert SECRET not in written.out + written.err


DEEP = b'{"resourceType":"Parameters","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}"


@pytest.mark.parametrize("path", [PACKAGE, NEXT, LOG, "ValueSet/$expand"])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (b"\xff\xfe", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"NaN", 400),
        (b'{"resourceType": "\\ud800"}', 400),
        (b'{"resourceType": 1e999}', 400),
        (DEEP, 400),
        (b'{"resourceType":"Parameters","parameter":[' + b"{}," * 3_000 + b"{}]}", (400, 413)),
        (b'{"resourceType":"Parameters","x":"' + b"x" * 5_000_000 + b'"}', 413),
    ],
)
def test_bodies_of_every_bad_kind_are_refused(path: str, data: bytes, status: Any) -> None:
    for version in ("2.0.1", "2.2"):
        response = post(version, path, data)
        checked(response)
        assert response.status_code in (status if isinstance(status, tuple) else (status,))


def test_too_many_orders_and_questionnaires_are_refused() -> None:
    many = parameters(*[order(f"o{number}") for number in range(101)])
    assert refusal(post("2.2", PACKAGE, many), 413) == "CDS-1015"
    many = parameters(questionnaires=[f"{MACRILEN}|{number}" for number in range(101)])
    assert refusal(post("2.2", PACKAGE, many), 413) == "CDS-1015"


def test_a_content_type_or_encoding_that_is_not_read_is_refused() -> None:
    for headers in ({"Content-Type": "application/fhir+xml"}, {"Content-Encoding": "gzip"}):
        sent = {"Content-Type": FHIR_JSON, **headers}
        response = client().post(f"/fhir/dtr/2.2/{PACKAGE}", data=b"{}", headers=sent)
        assert refusal(response, 415) == "CDS-1415"


@pytest.mark.parametrize(
    "path",
    [
        "Questionnaire/..%2f..%2fetc%2fpasswd",
        "Questionnaire/%00",
        "Questionnaire/<script>alert(1)</script>",
        "Library/' or 1=1 --",
        "ValueSet/" + "x" * 5_000,
        "Questionnaire?name=" + "x" * 5_000,
        "Questionnaire?url=%ff%fe",
        "Questionnaire?_count=99999999999999999999",
        "ValueSet/$expand?url=%00&filter=" + "%F0%9F%92%A5" * 500,
        "$unknown",
        "Questionnaire/$unknown",
    ],
)
def test_addresses_of_every_bad_kind_are_answered_or_refused(path: str) -> None:
    response = client().get(f"/fhir/dtr/2.2/{path}")
    checked(response)
    assert b"<script" not in response.data


def test_script_in_answers_is_data_and_never_leaves_as_html() -> None:
    response = with_answers(next_question("2.2", adaptive_draft("2.2")))
    response["item"][0]["text"] = "<script>alert(1)</script>"
    answer = post("2.2", NEXT, response)
    assert answer.status_code == 200
    assert answer.content_type == FHIR_JSON
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_an_attachment_that_is_too_big_is_refused() -> None:
    big = "A" * 3_000_000
    response = with_answers(next_question("2.2", adaptive_draft("2.2")))
    response["item"][0]["answer"] = [{"valueAttachment": {"contentType": "application/pdf", "data": big}}]
    answer = post("2.2", NEXT, response)
    assert answer.status_code == 400
    assert len(answer.data) < 2_000


# -- somebody else's decisions -------------------------------------------------------------------------------

ONE, OTHER = "https://one.example.org", "https://other.example.org"
HOOK = "/cds-services/order-sign-crd"


@pytest.fixture(scope="module")
def two_clients(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A service that two clients are registered with."""
    folder = tmp_path_factory.mktemp("two")
    entries = [
        {"issuer": ONE, "jwks": key_set("es384-one")},
        {"issuer": OTHER, "jwks": key_set("es384-other")},
    ]
    clients = folder / "clients.yaml"
    clients.write_text(json.dumps({"clients": entries}))
    database = f"sqlite:///{folder}/two.sqlite3"
    return create_app(
        Settings(public_base_url=BASE, clients_file=clients, database_url=database)
    ).test_client()


def authorized(service: FlaskClient, who: str) -> dict[str, str]:
    key = "es384-" + who.partition("//")[2].partition(".")[0]
    assertion = token(claims(time.time(), iss=who, sub=who, aud=f"{BASE}/oauth/token"), key)
    fields = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
        "scope": "system/Questionnaire.rs",
    }
    given = service.post("/oauth/token", data=fields).get_json()["access_token"]
    return {"Authorization": f"Bearer {given}"}


@pytest.mark.requirement("dtr-2.2.0@spec-130")
def test_the_context_of_another_client_is_as_unknown_as_a_forged_one(two_clients: FlaskClient) -> None:
    document = crd.call("order-sign", order(), prefetch=crd.chart(observations=crd.bundle()))
    signed = token(claims(time.time(), iss=ONE, aud=f"{BASE}{HOOK}"), "es384-one")
    called = two_clients.post(HOOK, json=document, headers={"Authorization": f"Bearer {signed}"})
    assert called.status_code == 200, called.data
    identity = crd.said(called.get_json())["coverage-assertion-id"][0]

    def package(who: str, context: str) -> TestResponse:
        headers = authorized(two_clients, who)
        body = parameters(context=context)
        return two_clients.post(f"/fhir/dtr/2.2/{PACKAGE}", json=body, headers=headers)

    own = package(ONE, identity)
    assert own.status_code == 200
    assert own.get_json()["parameter"][0]["name"] == "packagebundle"
    foreign, forged = package(OTHER, identity), package(OTHER, "CA-AAAAAAAAAAAAAAAAAAAAAAAA")
    assert refusal(foreign, 404) == refusal(forged, 404) == "CDS-1050"
    assert foreign.data == forged.data


def test_a_context_is_of_no_use_where_it_was_not_given(two_clients: FlaskClient, tmp_path: Path) -> None:
    document = crd.call("order-sign", order(), prefetch=crd.chart(observations=crd.bundle()))
    answer = app().test_client().post(HOOK, json=document)
    identity = crd.said(answer.get_json())["coverage-assertion-id"][0]
    headers = authorized(two_clients, ONE)
    response = two_clients.post(
        f"/fhir/dtr/2.2/{PACKAGE}", json=parameters(context=identity), headers=headers
    )
    assert refusal(response, 404) == "CDS-1050"
