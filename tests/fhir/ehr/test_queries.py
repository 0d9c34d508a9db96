"""What an answer of a FHIR server means: there, not there, or nobody can tell."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from cds_service.fhir.availability import Availability
from cds_service.fhir.ehr.queries import Query, read_answer, search_page
from tests.fhir.ehr.server import searchset

READ = Query("Patient", "Patient/p1", "p1")
SEARCH = Query.search("Observation", "patient=p1")
PATIENT = {"resourceType": "Patient", "id": "p1"}
WEIGHT = {"resourceType": "Observation", "id": "o1"}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "security"}]}
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "incomplete"}]}


def test_a_read_gives_the_resource_asked_for() -> None:
    answer = read_answer(READ, 200, orjson.dumps(PATIENT))
    assert (answer.availability, answer.resources) == (Availability.AVAILABLE, (PATIENT,))


@pytest.mark.parametrize("status", [404, 410])
def test_what_does_not_exist_was_looked_for(status: int) -> None:
    assert read_answer(READ, status, b"<html>").availability is Availability.EMPTY


def nested(depth: int) -> bytes:
    return b'{"resourceType":"Patient","id":"p1","x":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>Sign in</html>"),
        (200, b'{"resourceType": "Patient", "id": "p1"'),
        (200, b"[]"),
        (200, b"null"),
        (200, orjson.dumps({"resourceType": "Person", "id": "p1"})),
        (200, orjson.dumps({"resourceType": "Patient", "id": "p2"})),
        (200, orjson.dumps({"resourceType": "Patient"})),
        (200, orjson.dumps(ERROR)),
        (200, b"\xff\xfe"),
        (200, nested(100)),
        (200, nested(5000)),
        (201, orjson.dumps(PATIENT)),
        (204, b""),
        (302, orjson.dumps(PATIENT)),
        (401, orjson.dumps(PATIENT)),
        (403, b""),
        (429, b""),
        (500, b""),
    ],
)
def test_anything_else_is_a_failure(status: int, body: bytes) -> None:
    answer = read_answer(READ, status, body)
    assert (answer.availability, answer.resources) == (Availability.FAILED, ())


def page(bundle: Any, status: int = 200) -> tuple[int, bool, str | None]:
    found = search_page(SEARCH, status, orjson.dumps(bundle))
    return len(found.resources), found.failed, found.next_link


@pytest.mark.parametrize(
    ("bundle", "expected"),
    [
        (searchset(WEIGHT), (1, False, None)),
        (searchset(), (0, False, None)),
        ({"resourceType": "Bundle", "type": "searchset", "total": 0}, (0, False, None)),
        ({"resourceType": "Bundle"}, (0, False, None)),
        (searchset(WEIGHT, WARNING), (1, False, None)),
        (searchset(WEIGHT, ERROR), (1, True, None)),
        (searchset(WEIGHT, {"resourceType": "OperationOutcome"}), (1, True, None)),
        (searchset(WEIGHT, PATIENT), (1, True, None)),
        (searchset({"id": "x"}), (0, True, None)),
        (searchset(entry=[{"resource": PATIENT, "search": {"mode": "include"}}], total=0), (0, False, None)),
        (searchset(entry=[None]), (0, True, None)),
        (searchset(entry={"resource": WEIGHT}), (0, True, None)),
        (searchset(total=7, entry=[]), (0, True, None)),
        (searchset(WEIGHT, type="batch-response"), (0, True, None)),
        (searchset(WEIGHT, link=[{"relation": "next", "url": "u"}]), (1, False, "u")),
        (searchset(WEIGHT, link=[{"relation": "self", "url": "u"}]), (1, False, None)),
        (searchset(WEIGHT, link=[{"relation": "next"}]), (1, False, "")),
        (WEIGHT, (0, True, None)),
        (ERROR, (0, True, None)),
    ],
)
def test_a_page_of_a_search(bundle: Any, expected: tuple[int, bool, str | None]) -> None:
    assert page(bundle) == expected


@pytest.mark.parametrize("status", [301, 401, 403, 404, 410, 500, 503])
def test_a_search_that_is_not_answered_failed(status: int) -> None:
    assert page(searchset(WEIGHT), status)[1]


@pytest.mark.parametrize(
    "identity", ["", ".", "..", "a/b", "a?b", "a%2fb", "a b", "a\nb", "é", "#x", "x" * 300, "a;b"]
)
def test_what_cannot_be_an_id_is_not_asked_for(identity: str) -> None:
    assert Query.read("Patient", identity) is None


@pytest.mark.parametrize("resource_type", ["", "patient", "Patient/1", "$op", "_history", "Pa tient"])
def test_what_cannot_be_a_type_is_not_asked_for(resource_type: str) -> None:
    assert Query.read(resource_type, "1") is None


def test_ids_longer_than_fhir_allows_are_asked_for() -> None:
    query = Query.read("Patient", "e_" + "x" * 100)
    assert query is not None
    assert query.path == "Patient/e_" + "x" * 100
