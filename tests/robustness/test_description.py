"""The service against its own OpenAPI description: each operation, by calls that fit and that do not.

schemathesis makes the calls from the description and judges the answers: no 5xx, no status, content type or
header that is not described, bodies as described. Calls are derived from the tests themselves (no random
seed), so that a failure repeats.
"""

from __future__ import annotations

import functools
import re
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from cds_service.app import create_app
from cds_service.hooks.discovery import services
from cds_service.settings import Settings
from cds_service.web.openapi import published_description
from tests.web.test_trust import registered

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
DESCRIPTION = published_description()
OPERATIONS = [
    (path, method.upper())
    for path, item in DESCRIPTION["paths"].items()
    for method in item
    if method in METHODS
]
# Pages and files for people, which no client calls: described by the page that links to them.
PAGES = {
    "/",
    "/docs",
    "/docs/{name}",
    "/openapi.json",
    "/static/{filename}",
    "/forms/{token}",
    "/forms/{token}/correct",
}
SERVICES = {each["hook"]: name for name, each in services().items()}
# Not judged is whether a call is accepted: what fits the schema may lack a Coverage or a policy on file;
# and of what does not fit, the service forgives whatever decides nothing (CDS Hooks: be liberal).
JUDGED = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
UNHURRIED = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@functools.cache
def app() -> Flask:
    """The real application with the shipped policies."""
    folder = tempfile.mkdtemp(prefix="description-")
    return create_app(Settings(database_url=f"sqlite:///{folder}/service.sqlite3", log_level="CRITICAL"))


@functools.cache
def schema() -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", app())


def strategy(path: str, method: str, mode: GenerationMode) -> Any:
    return schema()[path][method].as_strategy(generation_mode=mode)


def judge(case: Any) -> int:
    """Send one call and hold the answer against the description; returns its status."""
    response = case.call()
    case.validate_response(response, checks=CHECKS.get_by_names(JUDGED))
    return int(response.status_code)


def test_every_route_is_described_or_is_a_page() -> None:
    routes = {
        re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for rule in app().url_map.iter_rules()
        if not rule.rule.startswith("/cds-services//")
    }
    described = set(DESCRIPTION["paths"])
    assert routes - described - PAGES == set(), "neither described nor listed as a page"
    assert described - routes == set(), "described and not there"
    assert PAGES - routes == set(), "listed as a page and not there"


def test_every_method_of_a_route_is_described() -> None:
    offered = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method)
        for rule in app().url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method in offered if path not in PAGES} == set(OPERATIONS)


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda each: each)
def test_calls_as_described_are_answered_as_described(path: str, method: str) -> None:
    seen: set[int] = set()

    @UNHURRIED
    @given(case=strategy(path, method, GenerationMode.POSITIVE))
    def run(case: Any) -> None:
        if path == "/cds-services/{service_id}":  # the service of the hook, so that calls get beyond its name
            case.path_parameters = {"service_id": SERVICES[case.body["hook"]]}
        seen.add(judge(case))

    run()
    assert seen


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path, method in OPERATIONS
        if "requestBody" in DESCRIPTION["paths"][path][method.lower()]
    ],
    ids=lambda each: each,
)
def test_calls_that_are_not_as_described_are_answered_as_described(path: str, method: str) -> None:
    seen: set[int] = set()

    @UNHURRIED
    @given(case=strategy(path, method, GenerationMode.NEGATIVE))
    def run(case: Any) -> None:
        seen.add(judge(case))

    run()
    assert {status for status in seen if 400 <= status < 500}


@pytest.mark.parametrize("path", sorted({path for path, _ in OPERATIONS}))
def test_methods_that_are_not_described_are_not_allowed(path: str) -> None:
    offered = {method for each, method in OPERATIONS if each == path}
    offered |= {"OPTIONS"} | ({"HEAD"} if "GET" in offered else set())
    address = re.sub(r"\{[^{}]+\}", "x", path)
    for method in {each.upper() for each in METHODS} - offered:
        response = app().test_client().open(address, method=method)
        if response.status_code == 404:
            continue  # the address is one of another route too: a resource of this name
        assert response.status_code == 405, method
        allowed = set(response.headers["Allow"].split(", "))
        assert offered <= allowed
        assert method not in allowed
        if method != "HEAD":
            assert orjson.loads(response.data)["resourceType"] == "OperationOutcome"


@functools.cache
def guarded() -> Any:
    """The description as an application with registered clients serves it."""
    folder = Path(tempfile.mkdtemp(prefix="guarded-"))
    settings = Settings(
        database_url=f"sqlite:///{folder}/service.sqlite3",
        log_level="CRITICAL",
        clients_file=registered(folder),
        discovery_token=True,
    )
    return schemathesis.openapi.from_wsgi("/openapi.json", create_app(settings))


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=lambda each: each)
def test_calls_without_a_token_are_answered_as_described_where_clients_are_registered(
    path: str, method: str
) -> None:
    seen: set[int] = set()

    @settings(UNHURRIED, max_examples=5)
    @given(case=guarded()[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def run(case: Any) -> None:
        seen.add(judge(case))

    run()
    if path.startswith("/cds-services"):
        assert seen == {401}
