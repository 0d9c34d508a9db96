"""Discovery, health, logging and the OpenAPI description."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from cds_service import logs
from cds_service.hooks.discovery import discovery
from cds_service.settings import CRD_VERSIONS
from cds_service.store.model import RecorderStatus
from cds_service.web.openapi import description, published_description
from cds_service.web.openapi_parts import schema_3_0
from tests.hooks.requests import hook_request
from tests.web.application import application

CALL = "/cds-services/order-sign-crd"


def test_discovery_is_the_documented_one() -> None:
    response = application().test_client().get("/cds-services")
    assert response.content_type == "application/json"
    assert response.json == discovery(CRD_VERSIONS, ())


@pytest.mark.requirement("crd-2.2.1@found-40")
def test_answers_are_compact_json() -> None:
    response = (
        application(lambda request, now: {"cards": [], "x": [1, 2]})
        .test_client()
        .post(CALL, json=hook_request())
    )
    assert response.data == b'{"cards":[],"x":[1,2]}'


def test_the_check_gets_the_request_and_an_aware_time() -> None:
    seen: list[Any] = []

    def answer(request: Any, now: Any) -> dict[str, Any]:
        seen.append((request.patient_id, request.requested_version, now.tzinfo is not None))
        return {"cards": []}

    application(answer, default_crd_version="2.1").test_client().post(CALL, json=hook_request())
    assert seen == [("p1", "2.1", True)]


def test_health() -> None:
    client = application().test_client()
    assert client.get("/health/live").json == {"status": "ok"}
    ready = client.get("/health/ready").json
    assert ready is not None
    assert ready["status"] == "ok"
    assert ready["catalogue"] == {"version": "catalogue-1", "policyVersions": 0}


def test_a_store_that_is_down_is_seen_but_does_not_take_the_service_away() -> None:
    status = RecorderStatus(healthy=False, queued=3, written=0, dropped=0, last_error="no such host")
    response = application(status=status).test_client().get("/health/ready")
    assert response.status_code == 200
    assert response.json is not None
    assert response.json["status"] == "degraded"
    assert response.json["store"]["last_error"] == "no such host"


def test_the_log_says_what_came_out_and_nothing_of_the_patient(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: Any, now: Any) -> dict[str, Any]:
        information = {
            "url": "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information",
            "extension": [{"url": "covered", "valueCode": "covered"}],
        }
        resource = {"resourceType": "MedicationRequest", "extension": [information]}
        return {"cards": [{}], "systemActions": [{"type": "update", "resource": resource}]}

    app = application(answer)
    logs.configure("INFO", "json")
    document = hook_request(prefetch={"patient": {"resourceType": "Patient", "name": [{"family": "Roe"}]}})
    headers = {"Authorization": "Bearer secret-token"}
    app.test_client().post(CALL, json=document, headers=headers)
    app.test_client().post(CALL, json=hook_request(hookInstance="Roe, Jane"), headers=headers)
    app.test_client().post(CALL, data=b'{"hook": "order-sign", "context": "Roe"}', headers=headers)
    written = capsys.readouterr().err
    first, second, third = (json.loads(line) for line in written.splitlines())
    assert first["hookInstance"] == document["hookInstance"]
    assert first["outcomes"] == ["covered"]
    assert (first["orders"], first["cards"], first["crdVersion"]) == (1, 1, "2.0")
    assert first["milliseconds"] >= 0
    assert second["hookInstance"] == "(not an identifier)"
    assert (third["code"], third["status"]) == ("CDS-1010", 422)
    for secret in ("Roe", "secret-token", "Macrilen", "p1"):
        assert secret not in written


def test_the_openapi_description_covers_every_documented_view() -> None:
    described = description(application())
    assert described["openapi"] == "3.0.3"
    dtr = {path for path in described["paths"] if path.startswith("/fhir/dtr/")}
    assert dtr >= {
        "/fhir/dtr/{version}/Questionnaire/$questionnaire-package",
        "/fhir/dtr/{version}/Questionnaire/$next-question",
        "/fhir/dtr/{version}/Questionnaire/$log-questionnaire-errors",
        "/fhir/dtr/{version}/ValueSet/$expand",
        "/fhir/dtr/{version}/metadata",
    }
    assert set(described["paths"]) - dtr == {
        "/.well-known/davinci-configuration",
        "/.well-known/smart-configuration",
        "/cds-services",
        "/cds-services/{service_id}",
        "/cds-services/{service_id}/feedback",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/oauth/token",
        "/policies",
        "/policies/{policy}/{version}",
    }
    call = described["paths"]["/cds-services/{service_id}"]["post"]
    own = {"200", "400", "404", "405", "412", "413", "415", "422"}
    assert set(call["responses"]) == own | {"401", "403", "429", "503"}
    named = call["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    assert {each["$ref"].rpartition("/")[2] for each in named} == {
        "OrderSignRequest",
        "OrderDispatchRequest",
        "AppointmentBookRequest",
        "OrderSelectRequest",
        "EncounterStartRequest",
        "EncounterDischargeRequest",
    }


def test_the_published_description_is_current() -> None:
    published = json.loads((Path(__file__).parents[2] / "openapi/cds-service.json").read_text("utf-8"))
    assert published == published_description() == description(application())


def test_every_reference_of_the_description_resolves() -> None:
    described = description(application())
    references = set(re.findall(r'"#/components/(\w+)/(\w+)"', orjson.dumps(described).decode()))
    assert references
    for kind, name in references:
        assert name in described["components"][kind]


def test_schemas_are_translated_for_openapi_3_0() -> None:
    schema = {"$comment": "x", "type": ["object", "null"], "properties": {"a": {"const": "Bundle"}}}
    assert schema_3_0(schema) == {
        "type": "object",
        "nullable": True,
        "properties": {"a": {"type": "string", "enum": ["Bundle"]}},
    }
    assert schema_3_0({"type": ["array", "object"]}) == {
        "nullable": False,
        "anyOf": [{"type": "array", "items": {}}, {"type": "object"}],
    }


def test_the_viewer_comes_from_the_installed_package() -> None:
    client = application().test_client()
    page = client.get("/docs").data.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(sources) >= 4
    for source in sources:
        assert source.startswith("/")
        assert client.get(source).status_code == 200
    assert client.get("/docs/index.html").status_code == 404


def test_the_bare_address_leads_to_the_policies() -> None:
    response = application().test_client().get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/policies")
