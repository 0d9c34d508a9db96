"""Whatever is sent: an OperationOutcome with the right status, never a 5xx, never HTML."""

from __future__ import annotations

import io
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from cds_service.hooks.errors import ErrorKind, RequestError
from tests.hooks.requests import body, hook_request, replaced
from tests.web.application import application

CALL = "/cds-services/order-sign-crd"
APP = application(max_body_bytes=100_000)
JSON = "application/json"


def outcome(response: Any) -> dict[str, Any]:
    """The issue of an OperationOutcome, after checking that it is one."""
    assert response.content_type == "application/fhir+json"
    content: dict[str, Any] = orjson.loads(response.data)
    assert content["resourceType"] == "OperationOutcome"
    (issue,) = content["issue"]
    assert issue["severity"] == "error"
    assert issue["details"]["text"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    return dict(issue)


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "CDS-1001"),
        (b"not json", 400, "CDS-1002"),
        (b'{"hook": NaN}', 400, "CDS-1002"),
        (b"\x00\x01\x02", 400, "CDS-1002"),
        (b"[]", 422, "CDS-1005"),
        (b"null", 422, "CDS-1005"),
        (b'"text"', 422, "CDS-1005"),
        (b"1", 422, "CDS-1005"),
        (b"{}", 422, "CDS-1010"),
        (b"[" * 90_000, 400, "CDS-1004"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, 400, "CDS-1004"),
        (b" " * 100_001, 413, "CDS-1413"),
        (body(replaced(hook_request(), "context.draftOrders", ...)), 422, "CDS-1010"),
        (body(replaced(hook_request(), "hook", "patient-view")), 422, "CDS-1012"),
    ],
)
def test_bodies_that_are_no_request(data: bytes, status: int, code: str) -> None:
    response = APP.test_client().post(CALL, data=data, content_type=JSON)
    assert (response.status_code, outcome(response)["details"]["coding"][0]["code"]) == (status, code)


class InvalidChunkError(Exception):
    """Servers raise exceptions of their own."""


class BrokenChunks(io.BytesIO):
    """What a server hands on when a chunked body is not framed as RFC 9112 wants it."""

    def readinto(self, buffer: Any) -> int:
        raise InvalidChunkError


@pytest.mark.parametrize("path", [CALL, f"{CALL}/feedback"])
@pytest.mark.parametrize(
    ("stream", "status", "code"),
    [
        (BrokenChunks, 400, "CDS-1002"),
        (lambda: io.BytesIO(b" " * 100_001), 413, "CDS-1413"),
        (lambda: io.BytesIO(b"{}"), 422, "CDS-1010"),
    ],
)
def test_bodies_of_undeclared_length(stream: Any, status: int, code: str, path: str) -> None:
    environment = EnvironBuilder(path, method="POST", content_type=JSON).get_environ()
    environment.pop("CONTENT_LENGTH", None)
    environment |= {"wsgi.input": stream(), "wsgi.input_terminated": True}
    response = Response.from_app(APP, environment)
    assert (response.status_code, outcome(response)["details"]["coding"][0]["code"]) == (status, code)


@pytest.mark.requirement("crd-2.2.1@hook-13", "crd-2.2.1@hook-10")
def test_crd_2_2_answers_400_where_2_0_answered_422_and_names_the_element() -> None:
    document = replaced(hook_request(), "context.draftOrders", ...)
    for version, status in (("2.0", 422), ("2.1", 422), ("2.2", 400)):
        document["extension"] = {"davinci-crd.requestedVersion": version}
        response = APP.test_client().post(CALL, json=document)
        assert response.status_code == status
        assert outcome(response)["expression"] == ["context.draftOrders"]


def test_an_unsupported_crd_version_is_an_error() -> None:
    response = APP.test_client().post(
        CALL, json=hook_request(extension={"davinci-crd.requestedVersion": "9.9"})
    )
    issue = outcome(response)
    assert (response.status_code, issue["code"]) == (400, "not-supported")


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", CALL, 405, {"POST", "OPTIONS"}),
        ("PUT", CALL, 405, {"POST", "OPTIONS"}),
        ("DELETE", CALL, 405, {"POST", "OPTIONS"}),
        ("HEAD", CALL, 405, {"POST", "OPTIONS"}),
        ("TRACE", CALL, 405, {"POST", "OPTIONS"}),
        ("POST", "/cds-services", 405, {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/cds-services/", 405, {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/cds-services/unknown", 404, None),
        ("GET", "/cds-services/a/b/c", 404, None),
        ("POST", "/cds-services/%2e%2e/etc", 404, None),
        ("POST", "/cds-services/order-sign-crd%00", 404, None),
        ("POST", "/cds-services/%ff%fe", 404, None),
    ],
)
def test_wrong_methods_and_addresses(method: str, path: str, status: int, allow: set[str] | None) -> None:
    response = APP.test_client().open(path, method=method, json=hook_request())
    assert response.status_code == status
    if allow:
        assert set(response.headers["Allow"].split(", ")) == allow
    if method != "HEAD":
        outcome(response)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (JSON, 200),
        ("application/json; charset=utf-8", 200),
        ("application/fhir+json", 200),
        ("application/json+fhir", 200),
        ("", 200),
        ("text/plain", 415),
        ("application/xml", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/x-www-form-urlencoded", 415),
        ("nonsense", 415),
    ],
)
def test_content_types(content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = APP.test_client().post(CALL, data=body(hook_request()), headers=headers)
    assert response.status_code == status


def test_compressed_bodies_are_refused_in_words() -> None:
    response = APP.test_client().post(
        CALL, data=b"\x1f\x8b", content_type=JSON, headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 415
    assert outcome(response)["details"]["coding"][0]["code"] == "CDS-1415"


@pytest.mark.parametrize(
    "path",
    ["/cds-services/order-sign-crd/", "/cds-services//order-sign-crd", "/cds-services///order-sign-crd//"],
)
def test_slashes_too_many_are_no_error(path: str) -> None:
    assert APP.test_client().post(path, json=hook_request()).status_code == 200


def test_unusual_text_passes_through() -> None:
    text = "Ω 漢字 \u202e 🧪 \u0000 ' OR 1=1 <script>alert(1)</script> {{7*7}}"
    document = hook_request(prefetch={text: None}, hookInstance=text)
    assert APP.test_client().post(CALL, json=document).status_code == 200


def test_duplicate_keys_and_a_byte_order_mark_are_tolerated() -> None:
    data = b"\xef\xbb\xbf" + body(hook_request())[:-1] + b',"hook":"order-sign"}'
    assert APP.test_client().post(CALL, data=data, content_type=JSON).status_code == 200


def test_an_error_of_ours_is_an_outcome_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(request: Any, now: Any) -> dict[str, Any]:
        raise KeyError("Jane Doe")

    app = application(fail)
    response = app.test_client().post(CALL, json=hook_request())
    assert response.status_code == 500
    assert outcome(response)["details"]["coding"][0]["code"] == "CDS-1500"
    assert b"Jane" not in response.data


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.COVERAGE, 400),
        (ErrorKind.DATA_UNAVAILABLE, 412),
        (ErrorKind.PROFILE, 422),
        (ErrorKind.TOO_LARGE, 413),
    ],
)
def test_errors_of_the_coverage_check_have_their_status(kind: ErrorKind, status: int) -> None:
    def refuse(request: Any, now: Any) -> dict[str, Any]:
        raise RequestError("CDS-1030", "No Coverage.", ("prefetch.coverage",), kind)

    response = application(refuse).test_client().post(CALL, json=hook_request())
    assert response.status_code == status
    assert outcome(response)["expression"] == ["prefetch.coverage"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
PATHS = st.sampled_from(
    [
        "hook",
        "hookInstance",
        "context",
        "context.userId",
        "context.patientId",
        "context.draftOrders",
        "context.draftOrders.entry",
        "context.draftOrders.entry.0",
        "context.draftOrders.entry.0.resource",
        "context.draftOrders.entry.0.resource.medicationCodeableConcept",
        "context.draftOrders.entry.0.resource.id",
        "prefetch",
        "extension",
        "fhirServer",
    ]
)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    response = APP.test_client().post(CALL, data=data, content_type=JSON)
    assert response.status_code in (200, 400, 422)


@given(PATHS, JSON_VALUES)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_anywhere(path: str, value: Any) -> None:
    document = replaced(hook_request(), path, value)
    try:
        data = orjson.dumps(document)
    except TypeError:  # integers beyond 64 bits, lone surrogates: written by the standard library
        import json

        data = json.dumps(document).encode()
    response = APP.test_client().post(CALL, data=data, content_type=JSON)
    assert response.status_code in (200, 400, 413, 422)
    if response.status_code != 200:
        outcome(response)
