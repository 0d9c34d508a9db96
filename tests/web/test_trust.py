"""Who may call, seen from outside: every refusal, and acceptance as real clients send their tokens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from bench.http import free_port, wait_until_served
from bench.request import order_sign_request
from cds_service import logs
from cds_service.hooks.request import HookRequest
from cds_service.hooks.trust.wiring import authentication
from cds_service.settings import Settings
from cds_service.store.used_tokens import UsedTokens
from tests.hooks.requests import hook_request
from tests.hooks.trust.key_server import KeyServer, key_server
from tests.hooks.trust.signing import (
    BASE,
    DISCOVERY,
    ISSUER,
    SERVICE,
    claims,
    confused,
    encoded,
    hand_made,
    key_set,
    token,
)
from tests.web.application import application

CALL = "/cds-services/order-sign-crd"
ROOT = Path(__file__).resolve().parents[2]
JKU = "https://jwks.ehr.example.org/keys.json"

Build = Callable[..., Flask]


def registered(folder: Path, *entries: dict[str, Any]) -> Path:
    """A file with these clients, by default with keys inline; values of ... are left out."""
    default = {"issuer": ISSUER, "jwks": key_set("es384-1", "rsa-1", "p256-1")}
    path = folder / "clients.yaml"
    written = [{**default, **each} for each in entries or ({},)]
    without = [{name: value for name, value in each.items() if value is not ...} for each in written]
    path.write_text(json.dumps({"clients": without}))
    return path


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """Makes applications over a database and a file of clients of their own."""
    stores: list[UsedTokens] = []

    def make(*entries: dict[str, Any], answer: Any = None, store: Any = None, **settings: Any) -> Flask:
        url = f"sqlite:///{tmp_path}/trust.sqlite3"
        stores.append(UsedTokens(url))
        chosen = {"public_base_url": BASE, "clients_file": registered(tmp_path, *entries), **settings}
        checked = authentication(Settings(**chosen), BASE, store or stores[-1].first_use)
        return application(answer, authentication=checked, **chosen)

    yield make
    for each in stores:
        each.close()


def call(client: FlaskClient, bearer: str | None, path: str = CALL, method: str = "POST") -> Any:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
    body = orjson.dumps(hook_request()) if method == "POST" else None
    return client.open(path, method=method, data=body, headers=headers, content_type="application/json")


def refusal(response: Any) -> tuple[int, str]:
    """Status and code of an error, after checking its form."""
    assert response.content_type == "application/fhir+json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    (issue,) = orjson.loads(response.data)["issue"]
    code: str = issue["details"]["coding"][0]["code"]
    challenge = response.headers.get("WWW-Authenticate", "")
    assert challenge.startswith('Bearer realm="cds-services"') is (response.status_code == 401)
    assert ('error="invalid_token"' in challenge) is (response.status_code == 401 and code != "CDS-1100")
    return response.status_code, code


@pytest.mark.requirement("cds-hooks-2.0@trust", "crd-2.2.1@sec-1", "crd-2.0.1@87")
@pytest.mark.parametrize(("key", "algorithm"), [("es384-1", "ES384"), ("rsa-1", "RS384")])
def test_a_token_of_a_registered_client_opens_the_door(build: Build, key: str, algorithm: str) -> None:
    client = build().test_client()
    assert call(client, token(claims(time.time()), key, algorithm)).status_code == 200


@pytest.mark.parametrize("ahead", [0.0, 0.5, 59.0])
def test_a_token_as_the_public_sandbox_sends_it(build: Build, ahead: float) -> None:
    """ES384, a `jku` that is not ours to fetch, `iat` rounded up, no tenant, a slash too many."""
    payload = claims(time.time(), iat=time.time() + ahead, exp=time.time() + ahead + 300)
    payload["aud"] = f"{BASE}/cds-services//order-sign-crd"
    bearer = token(payload, jku="https://sandbox.cds-hooks.org/.well-known/jwks.json")
    response = call(build().test_client(), bearer, "/cds-services//order-sign-crd")
    assert response.status_code == 200


def test_the_check_learns_who_calls(build: Build) -> None:
    seen: list[HookRequest] = []

    def answer(request: HookRequest, now: Any) -> dict[str, Any]:
        seen.append(request)
        return {"cards": []}

    entry = {"fhir_bases": ["https://ehr.example.org/fhir/"], "tenants": ["north", "south"]}
    client = build(entry, answer=answer).test_client()
    assert call(client, token(claims(time.time(), tenant="south"))).status_code == 200
    caller = seen[0].client
    assert caller is not None
    assert (caller.issuer, caller.tenant) == (ISSUER, "south")
    assert caller.fhir_bases == ("https://ehr.example.org/fhir",)


def test_without_registered_clients_nobody_is_asked() -> None:
    seen: list[HookRequest] = []

    def answer(request: HookRequest, now: Any) -> dict[str, Any]:
        seen.append(request)
        return {"cards": []}

    assert call(application(answer).test_client(), None).status_code == 200
    assert seen[0].client is None


def no_proof() -> list[tuple[str, str | None]]:
    """Authorization headers that prove nothing, each with the code of its refusal."""
    now = time.time()
    return [
        ("CDS-1100", None),
        ("CDS-1100", ""),
        ("CDS-1100", "Bearer"),
        ("CDS-1100", "Bearer "),
        ("CDS-1100", "Basic dTpw"),
        ("CDS-1100", "Token a.b.c"),
        ("CDS-1101", "Bearer garbage"),
        ("CDS-1101", "Bearer a.b.c"),
        ("CDS-1101", "Bearer a.b.c.d.e"),
        ("CDS-1101", "Bearer a.b.c, Bearer d.e.f"),
        ("CDS-1101", "Bearer a.b.c d.e.f"),
        ("CDS-1101", "Bearer \u00e4.b.c"),
        ("CDS-1101", "Bearer " + "a" * 9_000),
        ("CDS-1101", "Bearer " + f"{'a' * 3_000}." * 2 + "a" * 3_000),
        ("CDS-1101", f"Bearer {hand_made({'alg': 'ES384'}, [])}"),
        ("CDS-1101", f"Bearer {encoded(b'[' * 1_100)}.{encoded({})}.eA"),
        ("CDS-1101", f"Bearer {encoded({'alg': 'ES384', 'kid': 'k'})}.{encoded(b'[' * 1_100)}.eA"),
        ("CDS-1101", f"Bearer {hand_made({'alg': 'ES384', 'kid': 'k', 'crit': ['exp']}, {})}"),
        ("CDS-1101", f"Bearer {hand_made({'alg': 'ES384', 'kid': 'k', 'b64': False}, {})}"),
        ("CDS-1101", f"Bearer {hand_made({'alg': 'ES384', 'kid': 'k', 'typ': 'at+jwt'}, {})}"),
        ("CDS-1102", f"Bearer {hand_made({'alg': 'none', 'kid': 'es384-1'}, claims(now))}"),
        ("CDS-1101", f"Bearer {hand_made({'alg': 'none', 'kid': 'es384-1'}, claims(now), b'')}"),
        ("CDS-1102", f"Bearer {hand_made({'alg': 'None', 'kid': 'es384-1'}, claims(now))}"),
        ("CDS-1102", f"Bearer {hand_made({'alg': ['ES384'], 'kid': 'es384-1'}, claims(now))}"),
        ("CDS-1102", f"Bearer {hand_made({'kid': 'es384-1'}, claims(now))}"),
        ("CDS-1102", f"Bearer {confused(claims(now), 'rsa-1', 'HS256')}"),
        ("CDS-1102", f"Bearer {confused(claims(now), 'rsa-1', 'HS384')}"),
        ("CDS-1102", f"Bearer {token(claims(now), 'rsa-1', 'RS256')}"),
        ("CDS-1102", f"Bearer {token(claims(now), 'p256-1', 'ES256')}"),
        ("CDS-1102", f"Bearer {token(claims(now), 'rsa-1', 'PS384')}"),
        ("CDS-1103", f"Bearer {token(claims(now, iss='https://other.example.org'))}"),
        ("CDS-1103", f"Bearer {token(claims(now, iss=...))}"),
        ("CDS-1104", f"Bearer {token(claims(now), kid=...)}"),
        ("CDS-1104", f"Bearer {token(claims(now), 'es384-2')}"),
        ("CDS-1104", f"Bearer {token(claims(now), kid='rsa-1')}"),
        ("CDS-1105", f"Bearer {token(claims(now), 'rsa-2', 'RS384', kid='rsa-1')}"),
        ("CDS-1105", f"Bearer {token(claims(now), 'es384-2', kid='es384-1')}"),
        ("CDS-1105", f"Bearer {token(claims(now))[:-8]}"),
        ("CDS-1106", f"Bearer {token(claims(now, jti=...))}"),
        ("CDS-1106", f"Bearer {token(claims(now, aud=...))}"),
        ("CDS-1106", f"Bearer {token(claims(now, exp=...))}"),
        ("CDS-1106", f"Bearer {token(claims(now, iat=...))}"),
        ("CDS-1107", f"Bearer {token(claims(now, aud=DISCOVERY))}"),
        ("CDS-1107", f"Bearer {token(claims(now, aud='http://payer.example.org' + CALL))}"),
        ("CDS-1107", f"Bearer {token(claims(now, aud=['https://elsewhere.example.org']))}"),
        ("CDS-1108", f"Bearer {token(claims(now - 10_000))}"),
        ("CDS-1109", f"Bearer {token(claims(now + 10_000))}"),
        ("CDS-1110", f"Bearer {token(claims(now, exp=now + 3_600))}"),
    ]


@pytest.mark.requirement("cds-hooks-2.0@trust")
def test_what_is_no_proof_is_refused(build: Build) -> None:
    client = build().test_client()
    for code, header in no_proof():
        headers = {} if header is None else {"Authorization": header}
        response = client.post(CALL, data=b"{", headers=headers)
        assert refusal(response) == (401, code), f"the body, which is not JSON, was looked at? {header}"


@pytest.mark.parametrize("aud", [f"{SERVICE}/feedback", SERVICE, DISCOVERY])
def test_feedback_needs_a_token_for_itself_or_its_service(build: Build, aud: str) -> None:
    client = build().test_client()
    path = f"{CALL}/feedback"
    assert refusal(call(client, None, path)) == (401, "CDS-1100")
    status = call(client, token(claims(time.time(), aud=aud)), path).status_code
    assert (status == 401) is (aud == DISCOVERY)


def test_an_audience_may_be_a_list(build: Build) -> None:
    bearer = token(claims(time.time(), aud=["https://elsewhere.example.org", SERVICE]))
    assert call(build().test_client(), bearer).status_code == 200


@pytest.mark.parametrize(
    ("path", "aud"),
    [
        (CALL, SERVICE),
        (CALL, f"{SERVICE}/"),
        (CALL, f"{BASE}/cds-services//order-sign-crd"),
        ("/cds-services//order-sign-crd", SERVICE),
        (CALL, f"http://10.1.2.3:8000{CALL}"),
    ],
)
def test_the_addresses_of_one_endpoint(build: Build, path: str, aud: str) -> None:
    client = build(audience_urls=("http://10.1.2.3:8000",)).test_client()
    assert call(client, token(claims(time.time(), aud=aud)), path).status_code == 200


@pytest.mark.requirement("cds-hooks-2.0@trust")
def test_discovery_is_guarded_unless_it_is_open(build: Build) -> None:
    guarded = build().test_client()
    assert refusal(call(guarded, None, "/cds-services", "GET")) == (401, "CDS-1100")
    for aud in (DISCOVERY, f"{DISCOVERY}/"):
        assert call(guarded, token(claims(time.time(), aud=aud)), "/cds-services/", "GET").status_code == 200
    assert refusal(call(guarded, token(claims(time.time())), "/cds-services", "GET")) == (401, "CDS-1107")
    opened = build(discovery_token=False).test_client()
    assert call(opened, None, "/cds-services", "GET").status_code == 200
    assert refusal(call(opened, None)) == (401, "CDS-1100")


@pytest.mark.parametrize("path", ["/cds-services/unknown", f"{CALL}/a/b", "/cds-services//order-sign-crd"])
def test_strangers_do_not_learn_which_services_there_are(build: Build, path: str) -> None:
    client = build().test_client()
    for method in ("POST", "GET", "PUT"):
        assert refusal(call(client, None, path, method)) == (401, "CDS-1100")


@pytest.mark.parametrize("path", ["/cds-services", CALL, "/cds-services/unknown"])
def test_a_preflight_needs_no_token(build: Build, path: str) -> None:
    headers = {"Origin": "https://ehr.example.org", "Access-Control-Request-Method": "POST"}
    response = build().test_client().options(path, headers=headers)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"


def test_policies_and_health_stay_open(build: Build) -> None:
    client = build().test_client()
    for path in ("/health/live", "/health/ready", "/policies", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_weaker_algorithms_can_be_allowed(build: Build) -> None:
    client = build(jwt_algorithms=("RS256", "ES256")).test_client()
    assert call(client, token(claims(time.time()), "rsa-1", "RS256")).status_code == 200
    assert call(client, token(claims(time.time()), "p256-1", "ES256")).status_code == 200
    assert refusal(call(client, token(claims(time.time()), "rsa-1", "RS384"))) == (401, "CDS-1102")


@pytest.mark.requirement("cds-hooks-2.0@trust")
def test_a_token_is_good_for_one_call(build: Build) -> None:
    client, other = build().test_client(), build().test_client()
    bearer = token(claims(time.time()))
    assert call(client, bearer).status_code == 200
    assert refusal(call(client, bearer)) == (401, "CDS-1111")
    assert refusal(call(other, bearer)) == (401, "CDS-1111"), "another worker knows it too"


def test_a_refused_token_is_not_used_up(build: Build) -> None:
    client = build().test_client()
    payload = claims(time.time(), jti="j")
    assert refusal(call(client, token(payload | {"aud": DISCOVERY}))) == (401, "CDS-1107")
    assert call(client, token(payload)).status_code == 200


@pytest.mark.parametrize("tenant", [..., None, "east", "", ["north"]])
def test_a_tenant_that_is_not_registered_is_refused(build: Build, tenant: Any) -> None:
    client = build({"tenants": ["north"]}).test_client()
    status, code = refusal(call(client, token(claims(time.time(), tenant=tenant))))
    assert (status, code) in {(403, "CDS-1121"), (401, "CDS-1106")}
    forged = token(claims(time.time(), tenant=tenant), "es384-2", kid="es384-1")
    assert refusal(call(client, forged)) == (401, "CDS-1105"), "only a proven client learns that"


def test_tenants_of_one_issuer_have_their_own_keys(build: Build) -> None:
    north = {"tenants": ["north"], "jwks": key_set("es384-1")}
    south = {"tenants": ["south"], "jwks": key_set("es384-2")}
    client = build(north, south).test_client()
    assert call(client, token(claims(time.time(), tenant="north"))).status_code == 200
    assert call(client, token(claims(time.time(), tenant="south"), "es384-2")).status_code == 200
    assert refusal(call(client, token(claims(time.time(), tenant="south")))) == (401, "CDS-1104")


def test_a_disabled_client_is_known_and_refused(build: Build) -> None:
    client = build({"enabled": False}).test_client()
    assert refusal(call(client, token(claims(time.time())))) == (403, "CDS-1120")


def test_a_client_that_calls_too_often_waits(build: Build) -> None:
    other = {"issuer": "https://other.example.org"}
    client = build({}, other, rate_limit=2).test_client()
    assert [call(client, token(claims(time.time()))).status_code for _ in range(2)] == [200, 200]
    bearer = token(claims(time.time()))
    response = call(client, bearer)
    assert refusal(response) == (429, "CDS-1130")
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    assert call(client, token(claims(time.time(), iss=other["issuer"]))).status_code == 200


def test_when_nobody_can_tell_whether_a_token_was_used_calls_are_refused(build: Build) -> None:
    client = build(store=lambda issuer, token_id, until: None).test_client()
    response = call(client, token(claims(time.time())))
    assert refusal(response) == (503, "CDS-1140")
    assert response.headers["Retry-After"] == "5"


def test_each_worker_may_look_for_itself_when_that_is_chosen(build: Build) -> None:
    app = build(store=lambda issuer, token_id, until: None, replay_without_store="process")
    bearer = token(claims(time.time()))
    assert call(app.test_client(), bearer).status_code == 200
    assert refusal(call(app.test_client(), bearer)) == (401, "CDS-1111")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KeyServer]:
    """A key server on loopback."""
    with key_server(tmp_path) as running:
        yield running


def at_address(build: Build, server: KeyServer) -> FlaskClient:
    """A client whose keys are fetched from this server."""
    entry = {"jwks": ..., "jwks_url": server.url}
    app = build(entry, jwks_private_addresses=True, jwks_ca_file=server.ca_file)
    return app.test_client()


def test_keys_at_an_address_are_fetched_cached_and_rotated(
    build: Build, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.serve_keys(key_set("es384-1"))
    client = at_address(build, server)
    for _ in range(3):
        assert call(client, token(claims(time.time()), jku=server.url)).status_code == 200
    assert len(server.asked) == 1
    server.serve_keys(key_set("es384-2"))
    rotated = "es384-2"
    assert refusal(call(client, token(claims(time.time()), rotated))) == (401, "CDS-1104")
    assert len(server.asked) == 1, "not again within the cooldown"
    monkeypatch.setattr("cds_service.hooks.trust.remote_keys.COOLDOWN_S", 0.0)
    assert call(client, token(claims(time.time()), rotated)).status_code == 200
    assert len(server.asked) == 2
    assert refusal(call(client, token(claims(time.time())))) == (401, "CDS-1104")
    assert set(server.asked) == {"/jwks.json"}


@pytest.mark.requirement("cds-hooks-2.0@trust")
def test_a_foreign_key_set_is_never_fetched(build: Build, server: KeyServer, tmp_path: Path) -> None:
    server.serve_keys(key_set("es384-2"))
    inline = build(jwks_private_addresses=True, jwks_ca_file=server.ca_file).test_client()
    lured = token(claims(time.time()), "es384-2", jku=server.url)
    assert refusal(call(inline, lured)) == (401, "CDS-1104")
    assert server.connections == 0
    remote = at_address(build, server)
    foreign = server.url.replace("jwks", "evil")
    assert refusal(call(remote, token(claims(time.time()), "es384-2", jku=foreign))) == (401, "CDS-1112")
    assert server.connections == 0


def test_an_address_that_is_down_or_private_leaves_the_client_out(build: Build, server: KeyServer) -> None:
    app = build({"jwks": ..., "jwks_url": server.url}, jwks_ca_file=server.ca_file)
    assert refusal(call(app.test_client(), token(claims(time.time())))) == (401, "CDS-1113")
    assert server.asked == []


def test_keys_that_cannot_be_used_leave_one_client_out_and_are_reported_once(
    build: Build, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", "json")
    missing = {"issuer": "https://other.example.org", "jwks": ..., "jwks_file": "missing.json"}
    client = build({}, missing).test_client()
    for _ in range(3):
        left_out = token(claims(time.time(), iss="https://other.example.org"))
        assert refusal(call(client, left_out)) == (401, "CDS-1113")
    assert call(client, token(claims(time.time()))).status_code == 200
    assert capsys.readouterr().err.count("keys of a client cannot be used") == 1


def test_no_token_and_nothing_of_one_is_logged(build: Build, capsys: pytest.CaptureFixture[str]) -> None:
    app = build({"tenants": ["tenant-north"]})
    logs.configure("DEBUG", "json")
    client = app.test_client()
    payload = claims(time.time(), tenant="tenant-north", jti="jti-in-the-log")
    good = token(payload)
    sent = [
        good,
        good,
        confused(payload),
        token(claims(time.time(), iss="https://unknown-issuer.example.org")),
        token(claims(time.time()), "es384-2", kid="es384-1"),
        "garbage-garbage",
    ]
    for bearer in sent:
        call(client, bearer)
    written = capsys.readouterr().err
    answered = next(
        line for line in map(json.loads, written.splitlines()) if line["message"] == "hook answered"
    )
    assert answered["client"] == ISSUER
    assert f'"client": "{ISSUER}"' in next(line for line in written.splitlines() if "CDS-1111" in line)
    assert "CDS-1111" in written
    parts = {part for bearer in sent for part in bearer.split(".") if len(part) > 5}
    for secret in parts | {"jti-in-the-log", "tenant-north", "unknown-issuer", "es384-1"}:
        assert secret not in written


def test_two_worker_processes_accept_a_token_once(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    environment |= {
        "CDS_CLIENTS_FILE": str(registered(tmp_path)),
        "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/shared.sqlite3",
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "cds_service.cli", "serve", "--port", str(port), "--workers", "2"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
    )
    body = orjson.dumps(order_sign_request(2_000))
    statuses: list[list[int]] = [[] for _ in range(4)]

    def show(number: int, bearers: list[str]) -> None:
        for bearer in bearers:
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
            connection.request("POST", CALL, body, headers)
            statuses[number].append(connection.getresponse().status)
            connection.close()

    try:
        wait_until_served(port, process)
        bearers = [token(claims(time.time(), aud=base + CALL)) for _ in range(10)]
        threads = [threading.Thread(target=show, args=(number, bearers)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        process.terminate()
        _, log = process.communicate(timeout=30)
    for of_one_token in zip(*statuses, strict=True):
        assert sorted(of_one_token) == [200, 401, 401, 401]
    assert b"open mode" not in log
    assert b"Traceback" not in log
    assert all(bearer.split(".")[1].encode() not in log for bearer in bearers)
