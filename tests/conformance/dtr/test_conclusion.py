"""An adaptive form begun for a decision: it says what it concludes, and asks before it authorizes."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from cds_service.web.fhir_dtr_conclusion import ISSUE
from tests.conformance.crd import service as crd
from tests.conformance.dtr.service import (
    ADAPTIVE,
    Resource,
    answered,
    bundles,
    client,
    contained,
    draft,
    next_question,
    order,
    package,
    parameters,
    post,
    questions,
    refusal,
)

INFORMATION = crd.COVERAGE_INFORMATION
Said = dict[str, list[Any]]


def hook(identity: str) -> Said:
    """What the hook says of an order whose chart holds no body mass index."""
    document = crd.call("order-sign", order(identity), prefetch=crd.chart(observations=crd.bundle()))
    response = client().post("/cds-services/order-sign-crd", json=document)
    assert response.status_code == 200
    found: Said = crd.said(response.get_json())
    return found


def begun(identity: str, version: str = "2.2") -> Resource:
    """The draft of the adaptive form for that order's decision."""
    name = hook(identity)["coverage-assertion-id"][0]
    body = parameters(questionnaires=[ADAPTIVE], context=name)
    return draft(bundles(package(version, body), version)[-1])


def said(response: Resource) -> Said:
    """The coverage information on a response."""
    (extension,) = [each for each in response["extension"] if each["url"] == INFORMATION]
    values: Said = {}
    for part in extension["extension"]:
        values.setdefault(part["url"], []).append(next(value for key, value in part.items() if key != "url"))
    return values


def with_body_mass_index(response: Resource, value: float) -> Resource:
    """The response after the one open question is answered."""
    asked = next_question("2.2", response)
    (question,) = [each for each in questions(contained(asked)) if each["type"] == "quantity"]
    item = answered(question)
    item["answer"][0]["valueQuantity"]["value"] = value
    return {**asked, "item": [*asked["item"], item]}


def consent(response: Resource, given: bool) -> Resource:
    (question,) = [each for each in questions(contained(response)) if each["linkId"] == ISSUE]
    return {**response, "item": [*response["item"], answered(question, given)]}


@pytest.fixture
def identity() -> str:
    """An order of its own for each test."""
    return f"order-{uuid.uuid4()}"


@pytest.mark.requirement("dtr-2.2.0@spec-43")
def test_the_draft_carries_what_the_hook_said(identity: str) -> None:
    found = said(begun(identity))
    assert found["doc-needed"] == ["clinical"]
    assert found["coverage-assertion-id"] == hook(identity)["coverage-assertion-id"]
    assert INFORMATION not in [each["url"] for each in begun(identity, "2.0.1")["extension"]]


@pytest.mark.requirement("dtr-2.2.0@spec-41", "dtr-2.2.0@spec-33", "dtr-2.2.0@spec-148")
def test_the_last_question_asks_whether_to_issue_the_number(identity: str) -> None:
    asked = next_question("2.2", with_body_mass_index(begun(identity), 30))
    assert asked["status"] == "in-progress"
    last = contained(asked)["item"][-1]
    assert (last["linkId"], last["type"], last["required"]) == (ISSUE, "boolean", True)
    assert said(asked)["doc-needed"] == ["clinical"]
    assert "satisfied-pa-id" not in said(asked)
    done = next_question("2.2", consent(asked, True))
    assert done["status"] == "completed"
    assert said(done)["pa-needed"] == ["satisfied"]
    number = said(done)["satisfied-pa-id"]
    assert number[0].startswith("PA-")
    assert hook(identity)["satisfied-pa-id"] == number
    assert next_question("2.2", done) == done


def test_whoever_declines_gets_no_number_and_nothing_is_kept(identity: str) -> None:
    asked = next_question("2.2", with_body_mass_index(begun(identity), 30))
    done = next_question("2.2", consent(asked, False))
    assert done["status"] == "completed"
    assert said(done)["covered"] == ["covered"]
    assert said(done)["pa-needed"] == ["auth-needed"]
    assert "satisfied-pa-id" not in said(done)
    assert hook(identity)["doc-needed"] == ["clinical"]


@pytest.mark.requirement("dtr-2.2.0@spec-33", "dtr-2.2.0@spec-45")
def test_answers_that_rule_the_drug_out_say_so_and_a_new_completion_replaces_them(identity: str) -> None:
    first = begun(identity)
    done = next_question("2.2", with_body_mass_index(first, 45))
    assert done["status"] == "completed"
    assert said(done)["covered"] == ["not-covered"]
    assert hook(identity)["covered"] == ["not-covered"]
    asked = next_question("2.2", with_body_mass_index(first, 30))
    next_question("2.2", consent(asked, True))
    assert hook(identity)["pa-needed"] == ["satisfied"]


def forge(response: Resource, **values: str) -> Resource:
    """The response with other words in its coverage information."""
    changed = copy.deepcopy(response)
    (extension,) = [each for each in changed["extension"] if each["url"] == INFORMATION]
    kept = [each for each in extension["extension"] if each["url"] not in values]
    extension["extension"] = [*kept, *({"url": key, "valueString": value} for key, value in values.items())]
    return changed


def test_what_a_client_writes_into_the_coverage_information_counts_for_nothing(identity: str) -> None:
    response = begun(identity)
    lie = {"pa-needed": "satisfied", "satisfied-pa-id": "PA-FORGED", "covered": "covered"}
    step = next_question("2.2", forge(response, **lie))
    assert said(step) == said(next_question("2.2", response))
    for unknown in ("CA-AAAAAAAAAAAAAAAAAAAAAAAA", "x"):
        step = next_question("2.2", forge(response, **{"coverage-assertion-id": unknown, **lie}))
        assert INFORMATION not in [each["url"] for each in step["extension"]]
        assert b"FORGED" not in orjson.dumps(step)


def test_consent_before_the_question_is_asked_issues_nothing(identity: str) -> None:
    early = begun(identity)
    early["item"] = [*early["item"], {"linkId": ISSUE, "answer": [{"valueBoolean": True}]}]
    step = next_question("2.2", early)
    assert step["status"] == "in-progress"
    assert "satisfied-pa-id" not in said(step)
    assert hook(identity)["doc-needed"] == ["clinical"]


@pytest.mark.parametrize(
    "change",
    [
        lambda response: response | {"subject": {"reference": "Patient/somebody-else"}},
        lambda response: (
            response
            | {
                "extension": [
                    each
                    if "qr-context" not in each["url"]
                    else each | {"valueReference": {"reference": "MedicationRequest/another"}}
                    for each in response["extension"]
                ]
            }
        ),
    ],
)
def test_a_response_about_somebody_or_something_else_is_refused(
    identity: str, change: Callable[[Resource], Resource]
) -> None:
    response = change(with_body_mass_index(begun(identity), 30))
    assert refusal(post("2.2", "Questionnaire/$next-question", response), 400) == "CDS-1051"


def test_without_a_context_nothing_is_concluded() -> None:
    (bundle,) = bundles(package("2.2", parameters(questionnaires=[ADAPTIVE])), "2.2")
    assert INFORMATION not in [each["url"] for each in draft(bundle)["extension"]]
