"""Good requests gone wrong by thousands: a valid answer or a named refusal, no approval without support.

Two things are asked of approvals (`covered`, with authorization satisfied, not needed, or left to the drug's
own policy). Each must rest on what the request as sent shows, by a check of its own (`support`). And a
mutation that only takes facts away or makes them unreadable approves nothing that was not approved before;
except where it removes the very obstacle, so that nothing tells the request from one that never had it.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, thread_time
from typing import Any

import orjson
import pytest
from flask import Flask

from cds_service.app import create_app
from cds_service.crd.invariants import check_answer
from cds_service.crd.versions import COVERAGE_INFORMATION, VERSIONS
from cds_service.hooks.discovery import services
from cds_service.hooks.errors import ERROR_CODES
from cds_service.hooks.versions import negotiate
from cds_service.settings import CRD_VERSIONS, Settings
from tests.robustness.mutations import Json, Mutation, Place, at, mutations
from tests.robustness.mutations import mutation as mutated
from tests.robustness.support import objections, resources

FOLDER = Path(__file__).parents[2] / "fhir_examples"
EXAMPLES = {
    str(path.relative_to(FOLDER).with_suffix("")): document
    for path in (*sorted(FOLDER.glob("*.json")), *sorted(FOLDER.glob("hooks/*.json")))
    if "hook" in (document := json.loads(path.read_bytes()))
}
SERVICES = {each["hook"]: name for name, each in services().items()}
EACH = 150
AT_LEAST = 5_000
PATIENCE = 2.0  # seconds
REFUSED = {400, 412, 413, 422}
# Refusals of the body as a whole, which no element stands for.
NAMELESS = {"CDS-1001", "CDS-1002", "CDS-1003", "CDS-1004", "CDS-1005", "CDS-1413"}
APPROVED = {"satisfied", "no-auth", "conditional"}
# Without period or its end a coverage is open-ended, without partOf a place belongs to nothing: what was an
# obstacle is gone without a trace (FHIR R4).
OBSTACLES = {"period", "end", "partOf"}


@functools.cache
def app() -> Flask:
    """The real application with the shipped policies."""
    folder = tempfile.mkdtemp(prefix="mutations-")
    return create_app(Settings(database_url=f"sqlite:///{folder}/service.sqlite3", log_level="CRITICAL"))


def post(hook: str, body: bytes) -> Any:
    """The answer, which must come in time; a machine that stalls gets a second chance."""
    for chance in (1, 2):
        computed, waited = thread_time(), monotonic()
        path = f"/cds-services/{SERVICES[hook]}"
        response = app().test_client().post(path, data=body, content_type="application/json")
        if thread_time() - computed < PATIENCE and monotonic() - waited < PATIENCE:
            return response
        assert chance == 1, "no answer in time"
    return None


def approvals(answer: Json) -> list[tuple[Json, str]]:
    """Each order that an answer approves, with its `pa-needed`."""
    found = []
    for action in answer.get("systemActions", ()):
        ours = [each for each in action["resource"]["extension"] if is_coverage_information(each)][-1]
        codes = {part["url"]: part.get("valueCode") for part in ours["extension"]}
        if codes["covered"] == "covered" and codes["pa-needed"] in APPROVED:
            found.append((action["resource"], codes["pa-needed"]))
    return found


def is_coverage_information(extension: Any) -> bool:
    return isinstance(extension, dict) and extension.get("url") == COVERAGE_INFORMATION


def ids(orders: Iterable[Json]) -> frozenset[str]:
    """The ids of orders, as far as they are texts."""
    return frozenset(each["id"] for each in orders if isinstance(each.get("id"), str))


@functools.cache
def approved_before(name: str) -> frozenset[str]:
    """The orders that an example has approved as it is."""
    example = EXAMPLES[name]
    response = post(example["hook"], json.dumps(example).encode())
    assert response.status_code == 200
    return ids(order for order, _ in approvals(orjson.loads(response.data)))


def sent(body: bytes) -> Json:
    """The request that a service sees which answered it."""
    document: Json = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    return document


def judge_refusal(response: Any) -> None:
    """An OperationOutcome with a code of ours that names an element where there is one."""
    assert response.status_code in REFUSED
    assert response.content_type == "application/fhir+json"
    (issue,) = orjson.loads(response.data)["issue"]
    code = issue["details"]["coding"][0]["code"]
    assert code in ERROR_CODES
    assert issue["details"]["text"]
    if code not in NAMELESS:
        assert issue["expression"]
        assert all(isinstance(each, str) and each for each in issue["expression"])


def judge_answer(name: str, mutation: Mutation, answer: Json) -> None:
    """A valid answer that approves nothing without support, and gives every order back as it came."""
    request = sent(mutation.body)
    extension = request.get("extension")
    spoken = negotiate(extension if isinstance(extension, dict) else {}, CRD_VERSIONS, "2.0")
    assert check_answer(answer, VERSIONS[spoken]) == []
    received = [without_extensions(each) for each in resources(request)]
    for action in answer.get("systemActions", ()):
        assert without_extensions(action["resource"]) in received
    approved = approvals(answer)
    today = datetime.now(UTC).date()
    for order, pa_needed in approved:
        assert objections(request, order, pa_needed, today) == []
    if (
        approved
        and mutation.weakening
        and not any(is_obstacle_gone(path, request) for path in mutation.paths)
    ):
        known = ids(resources(EXAMPLES[name]))
        assert approved_before(name)
        assert ids(order for order, _ in approved) & known <= approved_before(name)


def without_extensions(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "extension"}


def is_obstacle_gone(path: Place, request: Json) -> bool:
    """Whether a change at a path left nothing of what spoke against approval."""
    for length, step in enumerate(path, 1):
        if step in OBSTACLES:
            try:
                return at(request, path[:length]) in (None, "", {}, [])
            except (KeyError, IndexError, TypeError):
                return True
    return False


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_request_gone_wrong_gets_a_valid_answer_or_a_named_refusal(name: str) -> None:
    example = EXAMPLES[name]
    for number in range(EACH):
        spoken = {"davinci-crd.requestedVersion": CRD_VERSIONS[number % len(CRD_VERSIONS)]}
        request = example | {"extension": example.get("extension", {}) | spoken}
        mutation = mutated(request, f"{name}/{number}", EXAMPLES)
        response = post(example["hook"], mutation.body)
        try:
            if response.status_code == 200:
                judge_answer(name, mutation, orjson.loads(response.data))
            else:
                judge_refusal(response)
        except AssertionError as error:
            told = response.get_data(as_text=True)[:2_000]
            pytest.fail(f"{name}/{number}, {'; '.join(mutation.what)}: {error}\n{told}")


def test_there_are_as_many_as_promised_and_each_is_the_same_again() -> None:
    assert len(EXAMPLES) * EACH >= AT_LEAST
    name = "covered-macrilen-2024"
    first, second = (list(mutations(EXAMPLES[name], name, 20, EXAMPLES)) for _ in range(2))
    assert first == second
    assert len({each.body for each in first}) == 20


def test_the_mutations_reach_every_kind_of_answer() -> None:
    """Judging would be idle if everything were refused, or nothing approved any more."""
    statuses, approved, weakened = Counter[int](), 0, 0
    for name in ("covered-macrilen-2024", "covered-site-entyvio-infusion-center", "several-orders"):
        for mutation in mutations(EXAMPLES[name], name, 100, EXAMPLES):
            response = post(EXAMPLES[name]["hook"], mutation.body)
            statuses[response.status_code] += 1
            if response.status_code == 200:
                still = bool(approvals(orjson.loads(response.data)))
                approved += still
                weakened += not still
    assert set(statuses) >= {200, 400, 422}
    assert approved > 100
    assert weakened > 10
