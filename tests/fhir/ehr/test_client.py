"""The reads of one call: parallel, inside one deadline, to one server, whatever that server does."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any

import pytest

from cds_service.fhir.availability import Availability
from cds_service.fhir.ehr import AllowedServers, EhrClient, EhrLimits, Fetched, Query
from tests.fhir.ehr import server as faults
from tests.fhir.ehr.server import Answer, FhirServer, searchset, serving

DEADLINE = 0.6
GRACE = 0.4  # for a busy machine; every fault below would go on for seconds
TOKEN = "b-SECRET-token.42"
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1980-05-17"}
WEIGHTS = [{"resourceType": "Observation", "id": f"o{number}"} for number in range(3)]
READ = Query("Patient", "Patient/p1", "p1")
SEARCH = Query.search("Observation", "patient=p1")


@pytest.fixture
def ehr() -> Iterator[FhirServer]:
    with serving(PATIENT, *WEIGHTS) as server:
        yield server


def client(*servers: FhirServer, **limits: Any) -> EhrClient:
    chosen = EhrLimits(**({"deadline": DEADLINE} | limits))
    return EhrClient(AllowedServers([each.base for each in servers]), chosen)


def asked(ehr: FhirServer, *queries: Query, token: str | None = TOKEN, **limits: Any) -> list[Fetched]:
    """The answers to these queries, which must all come before the deadline."""
    reader = client(ehr, **limits)
    call = reader.call(ehr.base, token)
    assert call is not None
    for query in queries:
        call.ask(query)
    answers = list(call.answers())
    assert call.seconds < limits.get("deadline", DEADLINE) + GRACE
    reader.close()
    return answers


def standing(answers: list[Fetched]) -> list[tuple[str, int]]:
    return sorted((each.availability.value, len(each.resources)) for each in answers)


def test_reads_and_searches_give_their_resources(ehr: FhirServer) -> None:
    answers = {each.query: each for each in asked(ehr, READ, SEARCH)}
    assert answers[READ].resources == (PATIENT,)
    assert list(answers[SEARCH].resources) == WEIGHTS
    assert {each.availability for each in answers.values()} == {Availability.AVAILABLE}


def test_what_is_not_there_is_known_not_to_be_there(ehr: FhirServer) -> None:
    nobody = Query("Patient", "Patient/p2", "p2")
    nothing = Query.search("Condition", "patient=p1")
    assert standing(asked(ehr, nobody, nothing)) == [("empty", 0), ("empty", 0)]


def test_all_reads_run_at_the_same_time(ehr: FhirServer) -> None:
    ehr.together = threading.Barrier(6)  # nothing is answered before all six are asked
    queries = [Query("Patient", f"Patient/{number}", str(number)) for number in range(6)]
    assert len(asked(ehr, *queries, deadline=4.0)) == 6
    assert ehr.most_at_once == 6


def test_connections_are_used_again(ehr: FhirServer) -> None:
    reader = client(ehr)
    for _ in range(5):
        call = reader.call(ehr.base, TOKEN)
        assert call is not None
        call.ask(READ)
        assert standing(list(call.answers())) == [("available", 1)]
    assert len(ehr.connections) == 1


def test_the_same_question_is_asked_once_in_a_call_and_again_in_the_next(ehr: FhirServer) -> None:
    asked(ehr, READ, READ)
    assert ehr.paths == ["Patient/p1"]
    asked(ehr, READ)
    assert ehr.paths == ["Patient/p1"] * 2


FAULTS: dict[str, Answer] = {
    "silence": faults.silence,
    "body in drops": faults.dribbled_body,
    "header in drops": faults.dribbled_header,
    "chunk in drops": faults.dribbled_chunk,
    "endless": faults.endless,
    "cut off": faults.truncated,
    "dropped": faults.dropped,
    "unauthorized": faults.status(401),
    "forbidden": faults.status(403),
    "too many": faults.status(429),
    "too many, later": faults.status(429, Retry_After="3600"),
    "error": faults.status(500),
    "error page": faults.status(500, b"<html>Oops</html>", "text/html"),
    "unavailable": faults.status(503),
    "page to sign in": faults.body(b"<html>Sign in</html>", "text/html"),
    "half a document": faults.body(b'{"resourceType": "Patient", "id": "p1"'),
    "nothing": faults.body(b""),
    "another type": faults.document({"resourceType": "Person", "id": "p1"}),
    "outcome": faults.document({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}),
    "bad compression": faults.status(200, b"not gzip", Content_Encoding="gzip"),
    "redirect to itself": faults.status(302, Location="Patient/p1"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.requirement("crd-2.2.1@found-2")
def test_every_trouble_is_a_failure_inside_the_deadline(ehr: FhirServer, fault: str) -> None:
    ehr.faults["Patient"] = ehr.faults["Observation"] = FAULTS[fault]
    assert standing(asked(ehr, READ, SEARCH)) == [("failed", 0), ("failed", 0)]


@pytest.mark.parametrize("fault", ["silence", "body in drops", "dropped", "error"])
def test_trouble_with_one_read_leaves_the_others_alone(ehr: FhirServer, fault: str) -> None:
    ehr.faults["Observation"] = FAULTS[fault]
    assert standing(asked(ehr, SEARCH, READ)) == [("available", 1), ("failed", 0)]


def test_a_server_that_is_not_there_is_a_failure() -> None:
    with serving() as gone:
        pass
    assert standing(asked(gone, READ, SEARCH)) == [("failed", 0), ("failed", 0)]


@pytest.mark.parametrize(
    "fault", [faults.dropped, faults.truncated, faults.status(503), faults.status(429, Retry_After="0")]
)
def test_a_read_that_failed_in_passing_is_repeated(ehr: FhirServer, fault: Answer) -> None:
    ehr.faults["Patient"] = faults.first(fault)
    assert standing(asked(ehr, READ, deadline=3.0)) == [("available", 1)]
    assert ehr.paths == ["Patient/p1"] * 2


def test_a_server_may_say_when_to_come_back(ehr: FhirServer) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    ehr.faults["Patient"] = faults.first(faults.status(503, Retry_After=past))
    assert standing(asked(ehr, READ, deadline=3.0)) == [("available", 1)]


def test_nobody_waits_for_longer_than_there_is_time(ehr: FhirServer) -> None:
    ehr.faults["Patient"] = faults.status(503, Retry_After="5")
    started = monotonic()
    assert standing(asked(ehr, READ, deadline=3.0)) == [("failed", 0)]
    assert monotonic() - started < 1.0
    assert len(ehr.asked) == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 500, 502])
def test_what_will_not_change_is_not_repeated(ehr: FhirServer, code: int) -> None:
    ehr.faults["Patient"] = faults.status(code)
    asked(ehr, READ)
    assert len(ehr.asked) == 1


def test_a_busy_server_is_not_asked_for_ever(ehr: FhirServer) -> None:
    ehr.faults["Patient"] = faults.status(429, Retry_After="0")
    asked(ehr, READ)
    assert len(ehr.asked) == 3


# -- pages -----------------------------------------------------------------------------------------


def test_all_pages_of_a_search_are_read(ehr: FhirServer) -> None:
    ehr.faults["Observation"] = faults.paged(*(searchset(each) for each in WEIGHTS))
    assert standing(asked(ehr, SEARCH)) == [("available", 3)]


@pytest.mark.parametrize("url", ["Observation?page=1", "/fhir/Observation?page=1"])
def test_a_link_may_be_relative(ehr: FhirServer, url: str) -> None:
    ehr.faults["patient=p1"] = faults.linked(url, WEIGHTS[0])
    assert standing(asked(ehr, SEARCH)) == [("available", 1)]
    assert ehr.paths[-1] == "Observation?page=1"


def test_pages_that_go_round_in_circles_end(ehr: FhirServer) -> None:
    ehr.faults["Observation"] = lambda handler, server: faults.linked(
        f"{server.base}/Observation?page=1", WEIGHTS[0]
    )(handler, server)
    assert standing(asked(ehr, SEARCH)) == [("failed", 2)]
    assert len(ehr.asked) == 2


def test_pages_without_end_end(ehr: FhirServer) -> None:
    ehr.faults["Observation"] = faults.paged(*(searchset(WEIGHTS[0]) for _ in range(100)))
    assert standing(asked(ehr, SEARCH, most_pages=5)) == [("failed", 5)]
    assert len(ehr.asked) == 5


def test_what_came_before_a_page_that_failed_is_kept(ehr: FhirServer) -> None:
    ehr.faults["page=1"] = faults.status(500)
    ehr.faults["Observation"] = faults.paged(searchset(WEIGHTS[0]), searchset(WEIGHTS[1]))
    assert standing(asked(ehr, SEARCH)) == [("failed", 1)]


def test_what_came_before_a_page_that_never_came_is_kept(ehr: FhirServer) -> None:
    ehr.faults["page=1"] = faults.silence
    ehr.faults["Observation"] = faults.paged(searchset(WEIGHTS[0]), searchset(WEIGHTS[1]))
    assert standing(asked(ehr, SEARCH)) == [("failed", 1)]


@pytest.mark.requirement("crd-2.2.1@sec-1")
@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:{other}/fhir/Observation?page=1",
        "http://127.0.0.1:{port}@127.0.0.1:{other}/fhir/Observation",
        "//127.0.0.1:{other}/fhir/Observation",
        "http://localhost:{port}/fhir/Observation?page=1",
        "http://127.0.0.1:{port}/admin",
        "http://127.0.0.1:{port}/fhir/../admin",
        "https://127.0.0.1:{port}/fhir/Observation?page=1",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://127.0.0.1:{port}/fhir-other/Observation",
    ],
)
def test_a_link_to_elsewhere_is_not_followed(ehr: FhirServer, link: str) -> None:
    with serving(*WEIGHTS) as other:
        url = link.format(port=ehr.port, other=other.port)
        ehr.faults["Observation"] = faults.linked(url, WEIGHTS[0])
        assert standing(asked(ehr, SEARCH)) == [("failed", 1)]
        assert other.asked == []
        assert len(ehr.asked) == 1


# -- the token -------------------------------------------------------------------------------------


@pytest.mark.requirement("crd-2.2.1@sec-1")
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(ehr: FhirServer, code: int) -> None:
    with serving(PATIENT, *WEIGHTS) as other:
        ehr.faults["/"] = faults.status(code, Location=f"{other.base}/Patient/p1")
        assert standing(asked(ehr, READ, SEARCH)) == [("failed", 0), ("failed", 0)]
        assert other.asked == []


@pytest.mark.requirement("crd-2.0.1@57")
def test_the_token_goes_with_every_read_of_its_call_only(ehr: FhirServer) -> None:
    asked(ehr, READ, SEARCH)
    assert ehr.tokens == {f"Bearer {TOKEN}"}
    ehr.asked.clear()
    reader = client(ehr)
    for token in ("first", None, "second"):
        call = reader.call(ehr.base, token)
        assert call is not None
        call.ask(READ)
        list(call.answers())
    assert [headers.get("Authorization") for _, headers in ehr.asked] == [
        "Bearer first",
        None,
        "Bearer second",
    ]


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Other: 1", "é", "x" * 10_000, "Bearer abc"])
def test_what_cannot_be_a_token_is_not_sent(ehr: FhirServer, token: str) -> None:
    assert client(ehr).call(ehr.base, token) is None


def test_cookies_of_one_call_are_not_sent_with_the_next(ehr: FhirServer) -> None:
    ehr.faults["Patient"] = faults.status(401, Set_Cookie="session=of-another-patient; Path=/")
    reader = client(ehr)
    for _ in range(2):
        call = reader.call(ehr.base, TOKEN)
        assert call is not None
        call.ask(READ)
        list(call.answers())
    assert all("Cookie" not in headers for _, headers in ehr.asked)


def test_credentials_and_proxies_of_this_machine_are_not_used(
    ehr: FhirServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login operator password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert standing(asked(ehr, READ, token=None)) == [("available", 1)]
    assert ehr.tokens == {None}


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_neither_token_nor_patient_is_logged(
    ehr: FhirServer,
    fault: str | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("cds_service"), "propagate", True)
    caplog.set_level(logging.DEBUG, logger="cds_service")
    if fault is not None:
        ehr.faults["/"] = FAULTS[fault]
    with caplog.at_level(logging.DEBUG):
        asked(ehr, READ, SEARCH)
    shown = caplog.text + repr([vars(each) for each in caplog.records])
    assert TOKEN not in shown
    assert "/p1" not in shown
    assert "=p1" not in shown


# -- where it goes ---------------------------------------------------------------------------------


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_only_listed_servers_are_read(ehr: FhirServer) -> None:
    with serving(PATIENT) as other:
        reader = client(ehr)
        assert reader.call(other.base, TOKEN) is None
        assert reader.call(f"{ehr.base}/more", TOKEN) is None
        assert reader.call(other.base, TOKEN, AllowedServers([other.base])) is not None
        assert reader.call(ehr.base, TOKEN, AllowedServers([other.base])) is None
        assert EhrClient().call(ehr.base, TOKEN) is None
        assert other.asked == ehr.asked == []


def named(ehr: FhirServer, monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let ehr.example.org lead to these addresses in turn (the last one for good)."""
    real, looked_up = socket.getaddrinfo, []
    remaining = list(answers)

    def lookup(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "ehr.example.org":
            looked_up.append(host)
            host = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return looked_up


@pytest.mark.requirement("crd-2.2.1@sec-1")
def test_a_host_name_that_leads_into_this_machine_gets_no_connection(
    ehr: FhirServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = named(ehr, monkeypatch, "127.0.0.1")
    base = f"https://ehr.example.org:{ehr.port}/fhir"
    call = EhrClient(AllowedServers([base]), EhrLimits(deadline=2.0)).call(base, TOKEN)
    assert call is not None
    call.ask(READ)
    assert standing(list(call.answers())) == [("failed", 0)]
    assert call.seconds < 1.0
    assert looked_up == ["ehr.example.org"], "refused for good, not tried again"
    assert ehr.connections == set()


# -- how much --------------------------------------------------------------------------------------


def test_an_answer_that_is_too_large_is_not_read(ehr: FhirServer) -> None:
    ehr.faults["Patient"] = faults.document(PATIENT | {"text": "x" * 5_000})
    assert standing(asked(ehr, READ, most_bytes=4_000)) == [("failed", 0)]
    assert standing(asked(ehr, READ, most_bytes=9_000)) == [("available", 1)]


def test_the_answers_of_a_call_are_limited_together(ehr: FhirServer) -> None:
    ehr.faults["Observation"] = faults.paged(*(searchset({**each, "note": "x" * 900}) for each in WEIGHTS))
    assert standing(asked(ehr, SEARCH, most_bytes_in_all=2_000))[0][0] == "failed"


def test_a_compressed_answer_counts_as_what_it_holds(ehr: FhirServer) -> None:
    import gzip

    import orjson

    packed = gzip.compress(orjson.dumps(PATIENT | {"text": "x" * 1_000_000}))
    assert len(packed) < 5_000
    ehr.faults["Patient"] = faults.status(200, packed, Content_Encoding="gzip")
    assert standing(asked(ehr, READ, most_bytes=100_000)) == [("failed", 0)]
    assert standing(asked(ehr, READ)) == [("available", 1)]


def test_the_number_of_queries_is_limited(ehr: FhirServer) -> None:
    queries = [Query("Patient", f"Patient/{number}", str(number)) for number in range(10)]
    answers = asked(ehr, *queries, most_queries=4)
    assert sorted({each.availability.value for each in answers}) == ["empty", "failed"]
    assert len(answers) == 10
    assert len(ehr.asked) == 4


def test_calls_that_wait_for_a_dead_server_do_not_hold_threads(ehr: FhirServer) -> None:
    with serving(PATIENT) as dead:
        dead.faults["/"] = faults.dribbled_body
        reader = EhrClient(AllowedServers([ehr.base, dead.base]), EhrLimits(deadline=0.4, threads=4))
        call = reader.call(dead.base, TOKEN)
        assert call is not None
        for number in range(4):
            call.ask(Query("Patient", f"Patient/{number}", str(number)))
        assert standing(list(call.answers())) == [("failed", 0)] * 4
        well = reader.call(ehr.base, TOKEN)
        assert well is not None
        well.ask(READ)
        assert standing(list(well.answers())) == [("available", 1)]


def test_a_forked_process_starts_anew(ehr: FhirServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    reader = client(ehr)
    for process in (1, 2):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        call = reader.call(ehr.base, TOKEN)
        assert call is not None
        call.ask(READ)
        assert standing(list(call.answers())) == [("available", 1)]
    assert len(ehr.connections) == 2


def test_nothing_is_loaded_before_the_first_read() -> None:
    import subprocess
    import sys

    script = (
        "import sys\n"
        "from cds_service.fhir.ehr import AllowedServers, EhrClient\n"
        "base = 'https://ehr.example.org/fhir'\n"
        "EhrClient(AllowedServers([base])).call(base, 't')\n"
        "print(sorted({'requests', 'urllib3'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
