"""Who may use the FHIR endpoints: tokens over HTTP, seen from a client that was registered for the hooks."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from cds_service import logs
from cds_service.app import create_app
from cds_service.settings import Settings
from tests.hooks.trust.signing import BASE, ISSUER, claims, key_set, token

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALL = "system/Questionnaire.rs system/Library.rs system/ValueSet.rs"
QUESTIONNAIRES = "/fhir/dtr/2.2/Questionnaire"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    folder = tmp_path_factory.mktemp("access")
    clients = folder / "clients.yaml"
    clients.write_text(json.dumps({"clients": [{"issuer": ISSUER, "jwks": key_set("es384-1", "rsa-1")}]}))
    settings = Settings(
        public_base_url=BASE, clients_file=clients, database_url=f"sqlite:///{folder}/access.sqlite3"
    )
    return create_app(settings).test_client()


def asked(**changes: Any) -> dict[str, str]:
    assertion = token(claims(time.time(), sub=ISSUER, aud=f"{BASE}/oauth/token"))
    fields = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": ALL,
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not ...}


def given(client: FlaskClient, scope: str = ALL) -> str:
    response = client.post("/oauth/token", data=asked(scope=scope))
    assert response.status_code == 200, response.data
    value: str = response.get_json()["access_token"]
    return value


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


@pytest.mark.requirement("dtr-2.2.0@spec-120", "dtr-2.0.1@151")
def test_every_call_needs_an_access_token_of_a_registered_client(client: FlaskClient) -> None:
    value = given(client)
    calls = [
        ("GET", QUESTIONNAIRES, 200),
        ("GET", "/fhir/dtr/2.0.1/Library?_count=1", 200),
        ("GET", "/fhir/dtr/2.2/ValueSet?_count=1", 200),
        ("POST", "/fhir/dtr/2.2/ValueSet/_search", 200),
        ("GET", "/fhir/dtr/2.2/Questionnaire/cigna-1701-macrilen-2024.7.1", 200),
        ("GET", "/fhir/dtr/Questionnaire/cigna-1701-macrilen", 200),
        ("GET", "/fhir/dtr/2.2/ValueSet/$expand", 400),
        ("POST", "/fhir/dtr/2.2/ValueSet/$expand", 400),
        ("POST", f"{QUESTIONNAIRES}/$questionnaire-package", 400),
        ("POST", "/fhir/dtr/2.0.1/$questionnaire-package", 400),
        ("POST", f"{QUESTIONNAIRES}/$next-question", 400),
        ("POST", f"{QUESTIONNAIRES}/$log-questionnaire-errors", 400),
    ]
    for method, path, status in calls:
        refused = client.open(path, method=method)
        assert refused.status_code == 401, path
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert refused.get_json()["issue"][0]["details"]["coding"][0]["code"] == "CDS-1150"
        body = {"data": b"{}"} if method == "POST" else {}
        if path.endswith("_search"):
            body = {}
        answered = client.open(path, method=method, headers=bearer(value), **body)  # type: ignore[arg-type]
        assert answered.status_code == status, (path, answered.data)


def test_what_a_client_must_read_to_get_a_token_needs_none(client: FlaskClient) -> None:
    for path in ("/fhir/dtr/2.0.1/metadata", "/fhir/dtr/2.2/metadata"):
        statement = client.get(path).get_json()
        security = statement["rest"][0]["security"]
        assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
        uris = {each["url"]: each["valueUri"] for each in security["extension"][0]["extension"]}
        assert uris == {"token": f"{BASE}/oauth/token"}
    for path in ("", "/fhir/dtr/2.0.1", "/fhir/dtr/2.2"):
        found = client.get(f"{path}/.well-known/smart-configuration").get_json()
        assert found["token_endpoint"] == f"{BASE}/oauth/token"
        assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
        assert set(found["token_endpoint_auth_signing_alg_values_supported"]) == {"RS384", "ES384"}
        assert found["grant_types_supported"] == ["client_credentials"]
        assert set(found["scopes_supported"]) == set(ALL.split())
        assert "client-confidential-asymmetric" in found["capabilities"]


def test_a_browser_finds_the_policy_behind_a_canonical_without_a_token(client: FlaskClient) -> None:
    accept = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    response = client.get("/fhir/dtr/Questionnaire/cigna-1701-macrilen", headers=accept)
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"{BASE}/policies/cigna-1701/2024-07-01",
    )
    assert client.get(response.headers["Location"]).status_code == 200


def test_the_answer_with_a_token_is_as_oauth_wants_it(client: FlaskClient) -> None:
    response = client.post("/oauth/token", data=asked(scope="system/questionnaire.rs launch"))
    found = response.get_json()
    assert (found["token_type"], found["expires_in"], found["scope"]) == (
        "bearer",
        300,
        "system/Questionnaire.rs",
    )
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_token_for_the_hooks_is_none_for_fhir_and_the_other_way_round(client: FlaskClient) -> None:
    for_hooks = token(claims(time.time(), aud=f"{BASE}/fhir/dtr/2.2/Questionnaire"))
    assert client.get(QUESTIONNAIRES, headers=bearer(for_hooks)).status_code == 401
    assert client.get("/cds-services", headers=bearer(given(client))).status_code == 401


def test_a_token_is_good_for_its_scopes_only(client: FlaskClient) -> None:
    headers = bearer(given(client, "system/Library.r"))
    assert client.get("/fhir/dtr/2.2/Library/Common", headers=headers).status_code == 200
    for path in ("/fhir/dtr/2.2/Library", QUESTIONNAIRES, "/fhir/dtr/2.2/ValueSet/$expand?url=x"):
        refused = client.get(path, headers=headers)
        assert refused.status_code == 403
        assert refused.get_json()["issue"][0]["details"]["coding"][0]["code"] == "CDS-1152"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error"),
    [
        (b"", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"{}", "application/json", 400, "invalid_request"),
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"grant_type=%ff", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"a=" + b"x" * 40_000, "application/x-www-form-urlencoded", 413, "invalid_request"),
        (b"a=1&" * 100, "application/x-www-form-urlencoded", 400, "invalid_request"),
        (b"grant_type=password", "application/x-www-form-urlencoded", 400, "unsupported_grant_type"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_token_request_is_refused(
    client: FlaskClient, body: bytes, content_type: str, status: int, error: str
) -> None:
    response = client.post("/oauth/token", data=body, content_type=content_type)
    assert (response.status_code, response.get_json()["error"]) == (status, error)
    assert response.headers["Cache-Control"] == "no-store"


def test_the_log_holds_neither_tokens_nor_assertions(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("DEBUG", "json")
    fields = asked()
    value = client.post("/oauth/token", data=fields).get_json()["access_token"]
    client.get(QUESTIONNAIRES, headers=bearer(value))
    client.get(QUESTIONNAIRES, headers=bearer(value[:-3] + "abc"))
    client.post("/oauth/token", data=urlencode(fields), content_type="application/x-www-form-urlencoded")
    written = capsys.readouterr()
    log = written.err + written.out
    assert "access token given" in log
    assert "CDS-1151" in log
    for secret in (fields["client_assertion"], value):
        for part in secret.split("."):
            assert part not in log


def test_the_preflight_of_a_browser_needs_no_token(client: FlaskClient) -> None:
    response = client.options(QUESTIONNAIRES, headers={"Origin": "https://app.example.org"})
    assert response.status_code == 200
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]


def test_without_registered_clients_no_token_is_needed_or_given(tmp_path: Path) -> None:
    client = create_app(Settings(database_url=f"sqlite:///{tmp_path}/open.sqlite3")).test_client()
    assert client.get(QUESTIONNAIRES).status_code == 200
    assert client.get("/fhir/dtr/2.2/metadata").get_json()["rest"][0]["security"] == {"cors": True}
    response = client.post("/oauth/token", data=asked())
    assert (response.status_code, response.get_json()["error"]) == (401, "invalid_client")
