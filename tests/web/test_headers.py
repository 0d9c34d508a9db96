"""Cross-origin access for browser-based EHRs, and security headers."""

from __future__ import annotations

import pytest

from tests.hooks.requests import hook_request
from tests.web.application import application

PREFLIGHT = {
    "Origin": "http://127.0.0.1:9000",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.mark.parametrize(
    "path",
    [
        "/cds-services",
        "/cds-services/",
        "/cds-services/order-sign-crd",
        "/cds-services//order-sign-crd",
        "/cds-services/unknown",
    ],
)
def test_preflights_are_answered_without_redirect(path: str) -> None:
    response = application().test_client().options(path, headers=PREFLIGHT)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


def test_answers_and_errors_can_be_read_cross_origin() -> None:
    client = application().test_client()
    for response in (
        client.get("/cds-services"),
        client.post("/cds-services/order-sign-crd", json=hook_request()),
        client.post("/cds-services/order-sign-crd", data=b"{"),
        client.post("/cds-services/unknown", json={}),
        client.get("/cds-services/order-sign-crd"),
    ):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Cache-Control"] == "no-store"


def test_configured_origins_are_the_only_ones() -> None:
    client = application(cors_origins=("https://ehr.example.org",)).test_client()
    allowed = client.get("/cds-services", headers={"Origin": "https://ehr.example.org"})
    refused = client.get("/cds-services", headers={"Origin": "https://other.example.org"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://ehr.example.org"
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert "Origin" in refused.headers["Vary"]


def test_pages_are_not_readable_cross_origin_and_load_nothing_foreign() -> None:
    response = application().test_client().get("/policies")
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert b"http://" not in response.data
    assert b"https://" not in response.data
