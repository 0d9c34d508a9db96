"""Nothing of a patient and no token is logged or kept.

Every log line of every library, at the finest level, and every record of a run over all examples (as they
are, broken, gone wrong at random, read from a FHIR server that works and from one in trouble, and with
feedback) is searched for every identifier, name, date of birth, member id and token of the examples.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service import logs
from cds_service.app import create_app
from cds_service.hooks.discovery import services
from cds_service.settings import Settings
from tests.fhir.ehr import server as faults
from tests.fhir.ehr.server import Answer, FhirServer, serving
from tests.robustness.mutations import mutations

pytestmark = pytest.mark.xdist_group("patient-data")  # what they share is made once

FOLDER = Path(__file__).parents[2] / "fhir_examples"
EXAMPLES = [*sorted(FOLDER.glob("*.json")), *sorted(FOLDER.glob("hooks/*.json"))]
SERVICES = {each["hook"]: name for name, each in services().items()}
TROUBLE: dict[str, Answer | None] = {
    "": None,
    "error": faults.status(500, b"<html>Jane Roe</html>", "text/html"),
    "not found": faults.status(
        404, b'{"resourceType": "OperationOutcome", "issue": [{"diagnostics": "Jane Roe"}]}'
    ),
    "dropped": faults.dropped,
    "cut off": faults.truncated,
    "sign in": faults.status(302, Location="/login?patient=Jane%20Roe"),
}
TOKEN = "eyJhbGciOiJub25lIn0.secret-bearer-token.x"
PEOPLE = {"Patient", "Practitioner", "RelatedPerson"}
TEXTS = {
    "family",
    "given",
    "birthDate",
    "subscriberId",
    "dependent",
    "access_token",
    "phone",
    "line",
    "display",
}
PRIVATE = {"patientId", "userId", "encounterId"}


def secrets_of(node: Any, owner: str = "") -> Iterator[str]:
    """What must not be told of one example, wherever it stands."""
    if isinstance(node, list):
        for each in node:
            yield from secrets_of(each, owner)
    if not isinstance(node, dict):
        return
    kind = node.get("resourceType") or owner
    for name, value in node.items():
        if isinstance(value, str):
            in_people = kind in PEOPLE and name in {*TEXTS, "id", "text", "value"}
            in_coverage = kind == "Coverage" and name in {"subscriberId", "value", "dependent", "id"}
            if in_people or in_coverage or name in PRIVATE or name == "access_token":
                yield value.removeprefix("Patient/").removeprefix("Practitioner/")
            if name == "display" and "reference" in node and kind != "Coverage":
                yield value
        elif name == "given" and isinstance(value, list):
            yield from (each for each in value if isinstance(each, str))
        else:
            yield from secrets_of(value, kind)


def examples() -> list[dict[str, Any]]:
    """Every example that is a hook request, with a token as a client would send it."""
    found = [json.loads(path.read_text("utf-8")) for path in EXAMPLES]
    calls = [each for each in found if isinstance(each, dict) and "hook" in each]
    for each in calls:
        each.setdefault("fhirAuthorization", {"access_token": TOKEN, "token_type": "Bearer"})
    return calls


def broken(call: dict[str, Any]) -> Iterator[bytes]:
    """The same call as refusals and troubles see it."""
    whole = json.dumps(call).encode()
    yield whole[: len(whole) // 2]
    yield json.dumps({**call, "context": str(call["context"])}).encode()
    yield json.dumps({**call, "hookInstance": call["context"]["patientId"] + " Jane Roe"}).encode()
    yield json.dumps({**call, "prefetch": {}}).encode()
    yield json.dumps({**call, "prefetch": {"patient": str(call.get("prefetch"))}}).encode()


def from_server(call: dict[str, Any], server: FhirServer) -> Iterator[bytes]:
    """The same call from a client that has its server read: one that works, and one in each trouble."""
    given = [each for each in call.get("prefetch", {}).values() if isinstance(each, dict)]
    server.resources = [entry["resource"] for each in given for entry in each.get("entry", ())]
    server.resources += [each for each in given if each.get("resourceType") != "Bundle"]
    kept = {name: each for name, each in call.get("prefetch", {}).items() if name in ("coverage", "payers")}
    for fault in TROUBLE.values():
        server.faults = {} if fault is None else {"/": fault}
        yield json.dumps({**call, "fhirServer": server.base, "prefetch": kept}).encode()


def feedback_on(call: dict[str, Any]) -> bytes:
    """What a clinician says of a card, patient and all."""
    comment = f"Jane Roe, patient {call['context']['patientId']}, cannot wait"
    reason = {"reason": {"code": "other"}, "userComment": comment}
    return json.dumps(
        {"feedback": [{"card": "0b1c", "outcome": "overridden", "overrideReason": reason}]}
    ).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[FhirServer]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, server: FhirServer) -> tuple[str, str, int]:
    """All log lines of all loggers, everything stored, and the number of calls answered with 200."""
    place = tmp_path_factory.mktemp("run") / "log.sqlite3"
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonFormatter())
    app = create_app(
        Settings(
            database_url=f"sqlite:///{place}",
            log_level="DEBUG",
            fhir_servers=(server.base,),
            ehr_deadline=0.4,
        )
    )
    root, ours = logging.getLogger(), logging.getLogger("cds_service")
    level = root.level
    ours.handlers[:] = []
    ours.propagate = True
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    client = app.test_client()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    answered = 0
    try:
        for number, call in enumerate(examples()):
            path = f"/cds-services/{SERVICES[call['hook']]}"
            wrong = (each.body for each in mutations(call, f"patient data/{number}", 8, {"": call}))
            for body in (json.dumps(call).encode(), *broken(call), *wrong, *from_server(call, server)):
                response = client.post(path, data=body, headers=headers)
                assert response.status_code < 500
                answered += response.status_code == 200
            client.post(f"{path}/feedback", data=feedback_on(call), headers=headers)
        app.extensions["cds_service"].record.__self__.close(30)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        ours.propagate = False
    connection = sqlite3.connect(place)
    tables = ("invocation", "sent_card")
    kept = "\n".join(repr(row) for table in tables for row in connection.execute(f"SELECT * FROM {table}"))
    connection.close()
    return written.getvalue(), kept, answered


@pytest.mark.requirement("crd-2.2.1@sec-6")
def test_no_log_line_tells_anything_of_a_patient(run: tuple[str, str, int]) -> None:
    written, _, answered = run
    assert answered >= 5 * len(EXAMPLES)
    assert written.count("hook answered") == answered
    assert written.count("request refused") >= len(EXAMPLES)
    assert written.count('"message": "EHR read"') >= 2 * len(EXAMPLES)
    assert '"failed": ["' in written
    assert told(written) == set()


def test_the_log_of_invocations_tells_nothing_of_a_patient(run: tuple[str, str, int]) -> None:
    _, kept, answered = run
    assert kept.count("order-sign-crd") >= answered
    assert told(kept) == set()


def test_the_search_would_find_what_it_looks_for() -> None:
    for call in examples():
        found = told(json.dumps(call, ensure_ascii=False))
        assert call["fhirAuthorization"]["access_token"] in found
        assert call["context"]["patientId"] in found
    assert len(told(json.dumps(examples(), ensure_ascii=False))) > 100


def told(text: str) -> set[str]:
    """The secrets of all examples that stand in a text as words of their own.

    Numbers of up to four digits are left out: any timing may show the same digits.
    """
    secrets = {value.strip() for call in examples() for value in secrets_of(call)} | {TOKEN, "Jane Roe"}
    return {
        value
        for value in secrets
        if value
        and not re.fullmatch(r"\d{1,4}", value)
        and re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text)
    }
