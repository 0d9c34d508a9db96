"""Adaptive forms: one step after the other, everything in the response itself (SDC; DTR, adaptive forms)."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from cds_service import logs
from cds_service.decisions.tree import settle
from cds_service.dtr.adaptive import LAST_QUESTIONS
from cds_service.dtr.logic import simplified
from cds_service.dtr.model import AnswerType, Form, Question, Section
from cds_service.policies.model import Connective, CriteriaGroup
from cds_service.web.fhir_dtr_conclusion import ISSUE
from tests import profiles
from tests.conformance.dtr.service import (
    ADAPTIVE,
    BASE,
    DTR,
    MACRILEN,
    SDC,
    VERSIONS,
    Resource,
    adaptive_draft,
    app,
    bundles,
    contained,
    draft,
    extensions,
    items,
    next_question,
    of_kind,
    order,
    package,
    parameters,
    post,
    questionnaire,
    questions,
    refusal,
    steps,
    with_answers,
)
from tests.conformance.dtr.test_package_operation import context, settled_rows

NEXT = "Questionnaire/$next-question"
ADAPTIVE_EXTENSION = f"{SDC}/sdc-questionnaire-questionnaireAdaptive"


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def forms() -> list[Form]:
    return list(app().extensions["cds_service"].forms)


def begun(version: str, form: Form) -> Resource:
    """A response to begin with, as clients may make one themselves."""
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "in-progress",
        "questionnaire": f"{form.url}-adaptive|{form.version}",
        "subject": {"reference": "Patient/pat-1"},
        "authored": "2026-10-05T09:00:00Z",
    }


@functools.cache
def run_through(version: str, identity: str, wish: bool) -> tuple[Resource, ...]:
    """Every answer to a form by somebody who always says yes, or always no."""
    form = next(each for each in forms() if f"{each.id}|{each.version}" == identity)
    return tuple(steps(version, begun(version, form), wish))


def every_run(version: str) -> Iterator[tuple[Form, tuple[Resource, ...]]]:
    for form in forms():
        for wish in (True, False):
            yield form, run_through(version, f"{form.id}|{form.version}", wish)


def links(response: Resource) -> list[str]:
    return [each["linkId"] for each in questions(contained(response))]


# -- the package ---------------------------------------------------------------------------------------------


@pytest.mark.requirement(
    "dtr-2.2.0@spec-15", "dtr-2.2.0@spec-23", "dtr-2.2.0@spec-24", "dtr-2.2.0@spec-28", "dtr-2.2.0@spec-29",
    "dtr-2.2.0@spec-34", "dtr-2.0.1@37", "dtr-2.0.1@40", "dtr-2.0.1@41", "dtr-2.0.1@350",
)  # fmt: skip
def test_the_package_of_an_adaptive_form_says_where_to_ask_and_asks_nothing_itself(version: str) -> None:
    (bundle,) = bundles(package(version, parameters(order(), questionnaires=[ADAPTIVE])), version)[1:]
    form = questionnaire(bundle)
    assert form["url"] == ADAPTIVE
    assert form["meta"]["profile"] == [f"{DTR}/dtr-questionnaire-adapt-search"]
    assert "item" not in form
    (where,) = extensions(form, ADAPTIVE_EXTENSION)
    assert where == {"url": ADAPTIVE_EXTENSION, "valueUrl": f"{BASE}/{version}"}
    assert of_kind(bundle, "Library")
    if version == "2.0.1":
        published = profiles.packages("davinci_dtr_2.0.1", "uscore311", "davinci-crd-2.0.1")
        assert profiles.unreviewed(profiles.errors(form, published)) == []


@pytest.mark.requirement("dtr-2.2.0@spec-25", "dtr-2.0.1@42")
def test_its_draft_contains_a_questionnaire_derived_from_the_canonical(version: str) -> None:
    answer = package(version, parameters(order(reasonCode=[]), questionnaires=[ADAPTIVE]))
    response = draft(bundles(answer, version)[-1])
    inner = contained(response)
    assert inner["derivedFrom"] == [f"{ADAPTIVE}|2024.7.1"]
    assert inner["meta"]["profile"] == [f"{DTR}/dtr-questionnaire-adapt"]
    assert response["questionnaire"] == f"#{inner['id']}"
    assert response["status"] == "in-progress"
    assert "item" not in inner
    assert "item" not in response
    references = [
        each["valueReference"]["reference"] for each in response["extension"] if "valueReference" in each
    ]
    assert references == ["Coverage/cov-1", "MedicationRequest/order-1"]


@pytest.mark.requirement("dtr-2.2.0@spec-26", "dtr-2.2.0@spec-40")
def test_what_the_hook_was_told_is_not_asked_again(version: str) -> None:
    answer = package(version, parameters(questionnaires=[ADAPTIVE], context=context()))
    static, adaptive = (draft(each) for each in bundles(answer, version))
    assert adaptive["item"] == static["item"]
    known = {each["linkId"] for each in items(adaptive) if each.get("answer")}
    assert known == set(links(adaptive))
    first = next_question(version, adaptive)
    assert set(links(first)) - known == {"body-mass-index-is-at-most-40-kg-m2"}
    then = next_question(version, with_answers(first))
    assert set(links(then)) - set(links(first)) == {"2.0.1": set(), "2.2": {ISSUE}}[version]
    assert (then["status"] == "completed") == (version == "2.0.1")


# -- step by step --------------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.0.1@219", "dtr-2.2.0@conf-10", "dtr-2.2.0@conf-1")
def test_every_form_comes_to_its_end_and_asks_nothing_twice(version: str) -> None:
    for form, run in every_run(version):
        asked: list[str] = []
        for step in run:
            now = links(step)
            assert set(asked) <= set(now)
            assert len(now) == len(set(now))
            asked = now
        assert run[-1]["status"] == "completed"
        assert all(each["status"] == "in-progress" for each in run[:-1])
        assert len(run) <= len(list(form.questions())) + 1
        assert len(run) == 1 or links(run[-1]) == links(run[-2])


@pytest.mark.requirement("dtr-2.2.0@spec-17")
def test_each_question_could_still_change_the_outcome_when_it_is_asked(version: str) -> None:
    checked = 0
    catalogue = app().extensions["cds_service"].catalogue
    for form, run in every_run(version):
        kinds = {each.type for each in form.questions() if each.criterion is not None}
        if kinds & {AnswerType.DATE, AnswerType.QUANTITY}:
            continue  # what such an answer means is for the rules to say
        found = catalogue.policy_version(form.policy, form.policy_version)
        statement = next(each for each in found.statements if each.id == form.statement)
        trees = [
            part
            for each in (statement.scope, statement.criteria)
            if each is not None and not isinstance(part := simplified(each, found.library), bool)
        ]
        tree = CriteriaGroup(Connective.ALL, tuple(trees))
        before: Resource = begun(version, form)
        for step in run:
            values = meanings(form, before)
            conclusion, open_still = settle(tree, values)
            known = (
                {each["linkId"] for each in questions(contained(before))} if "contained" in before else set()
            )
            for each in form.questions():
                decides = each.criterion is not None and each.documents is None
                if each.link_id in links(step) and each.link_id not in known and decides:
                    assert conclusion is None
                    assert each.link_id in open_still, (form.id, each.link_id)
                    checked += 1
            before = step if step["status"] == "completed" else _answered_as(step, run)
        assert settle(tree, meanings(form, run[-1]))[0] is not None
    assert checked > 20


def meanings(form: Form, response: Resource) -> dict[str, bool | None]:
    """The truth value of each criterion by the answers of a response."""
    found: dict[str, bool | None] = {}
    given = {each["linkId"]: each["answer"][0] for each in items(response) if each.get("answer")}
    for question in form.questions():
        answer = given.get(question.link_id)
        if answer is None or question.criterion is None:
            continue
        if question.type is AnswerType.BOOLEAN:
            found[question.link_id] = answer["valueBoolean"]
        elif question.type is AnswerType.CHOICE:
            coding = answer["valueCoding"]
            option = next(each for each in question.options if each.code == coding["code"])
            found[question.link_id] = option.means
    return found


def _answered_as(step: Resource, run: tuple[Resource, ...]) -> Resource:
    """The step with the answers that the person of this run gave to it."""
    position = run.index(step)
    return {**step, "item": run[position + 1].get("item", [])}


@pytest.mark.requirement("dtr-2.2.0@spec-36", "dtr-2.2.0@spec-52")
def test_the_document_that_proves_an_answer_is_asked_for_with_the_next_question(version: str) -> None:
    together = 0
    for form, run in every_run(version):
        documents = {each.link_id for each in form.questions() if each.documents}
        before: set[str] = set()
        for step in run:
            new = set(links(step)) - before
            together += len(new) > 1 and bool(new & documents)
            before |= new
    assert together


@pytest.mark.requirement("dtr-2.2.0@spec-39")
def test_the_last_clinical_questions_are_announced(version: str) -> None:
    announced = 0
    for form, run in every_run(version):
        clinical = set(clinical_links(form.items))
        for position, step in enumerate(run[:-1]):
            said = [each for each in items(contained(step)) if each["linkId"] == LAST_QUESTIONS]
            following = set(links(run[-1])) & clinical - set(links(step))
            if said:
                announced += 1
                assert said[0]["type"] == "display"
                assert following == set(), (form.id, position)
            if not clinical - set(links(step)):
                assert said
    assert announced > 10


def clinical_links(parts: tuple[Section | Question, ...]) -> Iterator[str]:
    """The questions outside administrative groups."""
    for part in parts:
        if isinstance(part, Question):
            yield part.link_id
        elif not part.administrative:
            yield from clinical_links(part.children)


@pytest.mark.requirement("dtr-2.0.1@348", "dtr-2.2.0@spec-54")
def test_each_step_is_valid_and_its_questions_carry_what_fills_them() -> None:
    published = profiles.packages("davinci_dtr_2.0.1", "uscore311", "davinci-crd-2.0.1")
    filled = 0
    for run in (run_through("2.0.1", f"{each.id}|{each.version}", True) for each in forms()):
        for step in run[-1:]:
            inner = contained(step)
            found = profiles.errors(inner, published, f"{DTR}/dtr-questionnaire-adapt")
            assert profiles.unreviewed(found) == []
            for item in items(inner):
                assert "enableWhen" not in item
                filled += len(extensions(item, f"{SDC}/sdc-questionnaire-initialExpression"))
    assert filled > 10


@pytest.mark.requirement("dtr-2.2.0@spec-38")
def test_nine_of_ten_steps_come_within_a_second(version: str) -> None:
    spent, response = [], adaptive_draft(version)
    for _ in range(10):
        started = time.perf_counter()
        next_question(version, response)
        spent.append(time.perf_counter() - started)
    assert sorted(spent)[8] < 1


@pytest.mark.requirement("dtr-2.2.0@spec-42", "dtr-2.2.0@spec-43", "dtr-2.0.1@52", "dtr-2.0.1@53")
def test_without_a_context_no_form_says_anything_of_coverage_or_authorization(version: str) -> None:
    for _, run in every_run(version):
        said = orjson.dumps(run)
        assert b"coverage-information" not in said
        assert b"satisfied-pa-id" not in said


@pytest.mark.requirement("dtr-2.2.0@sec-10", "dtr-2.0.1@49", "dtr-2.0.1@346")
def test_nothing_of_a_step_is_kept(version: str, capfd: pytest.CaptureFixture[str]) -> None:
    response = with_answers(next_question(version, adaptive_draft(version)))
    response["item"][0]["answer"][0]["extension"][0]["extension"].append(
        {
            "url": "author",
            "extension": [{"url": "practitioner", "valueReference": {"display": "Dr. Ungewitter"}}],
        }
    )
    before = settled_rows()
    logs.configure("DEBUG", "json")
    next_question(version, response)
    assert settled_rows() == before
    written = capfd.readouterr()
    assert "next question" in written.err
    assert "Ungewitter" not in written.out + written.err


def test_the_same_step_twice_is_the_same(version: str) -> None:
    response = adaptive_draft(version)
    assert next_question(version, response) == next_question(version, response)
    done = run_through(version, "cigna-1701-macrilen|2024.7.1", True)[-1]
    assert next_question(version, done) == done


def test_a_correction_of_an_earlier_answer_may_end_the_form(version: str) -> None:
    second = next_question(version, with_answers(next_question(version, adaptive_draft(version))))
    assert second["status"] == "in-progress"
    changed = copy.deepcopy(second)
    first = next(each for each in changed["item"] if "valueBoolean" in each["answer"][0])
    first["answer"][0]["valueBoolean"] = False
    assert next_question(version, changed)["status"] == "completed"


def test_both_forms_of_the_body_are_taken_and_the_response_comes_back_bare(version: str) -> None:
    response = adaptive_draft(version)
    expected = next_question(version, response)
    in_2_1 = {
        "resourceType": "Parameters",
        "parameter": [{"name": "questionnaire-response-in", "resource": response}],
    }
    for body in (response, in_2_1):
        assert orjson.loads(post(version, NEXT, body).data) == expected


# -- what is not valid ---------------------------------------------------------------------------------------


def tampered(version: str, **elements: Any) -> Resource:
    """A response after the first question, with elements set to something else (... takes them away)."""
    response = with_answers(next_question(version, adaptive_draft(version)))
    changed = {**response, **elements}
    return {key: value for key, value in changed.items() if value is not ...}


BORN = "is-18-years-of-age-or-older"
BOOLEAN = "used-to-diagnose-adult-growth-hormone-deficiency"


def item(value: Mapping[str, Any], link_id: str = BOOLEAN) -> list[Resource]:
    return [{"linkId": link_id, "answer": [dict(value)]}]


@pytest.mark.requirement("dtr-2.2.0@spec-147", "dtr-2.2.0@oper-11")
@pytest.mark.parametrize(
    "elements",
    [
        {"status": "entered-in-error"},
        {"status": ...},
        {"item": ...},
        {"item": item({"valueString": "yes"})},
        {"item": item({"valueBoolean": "true"})},
        {"item": [{"linkId": BOOLEAN, "answer": [{"valueBoolean": True}, {"valueBoolean": False}]}]},
        {"item": item({"valueBoolean": True}, "no-such-question")},
        {"item": item({"valueBoolean": True}) + item({"valueDate": "1970-01-01"}, BORN)},
        {"item": {"linkId": BOOLEAN}},
        {"item": ["x"]},
        {"contained": ..., "questionnaire": MACRILEN},
        {"contained": ..., "questionnaire": ...},
        {"contained": "x", "questionnaire": "#adaptive"},
        {"contained": [{"resourceType": "Questionnaire"}] * 2},
        {"contained": [{"resourceType": "Questionnaire", "derivedFrom": ["https://other.example.org/Q"]}]},
        {"contained": [{"resourceType": "Questionnaire", "derivedFrom": [ADAPTIVE], "item": "x"}]},
        {"contained": [{"resourceType": "Questionnaire", "derivedFrom": [ADAPTIVE], "item": [5]}]},
        {
            "contained": [
                {
                    "resourceType": "Questionnaire",
                    "derivedFrom": [ADAPTIVE],
                    "item": [{"linkId": "how-rich-are-you", "type": "boolean", "text": "?"}],
                }
            ]
        },
    ],
)  # fmt: skip
def test_a_response_that_is_not_valid_for_the_form_is_a_400(version: str, elements: dict[str, Any]) -> None:
    response = post(version, NEXT, tampered(version, **elements))
    assert refusal(response, 400) in ("CDS-1051", "CDS-1220")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"resourceType": "Parameters"}, "CDS-1220"),
        ({"resourceType": "Parameters", "parameter": [{"name": "questionnaire-response"}]}, "CDS-1220"),
        (
            {
                "resourceType": "Parameters",
                "parameter": [{"name": "questionnaire-response", "resource": {"resourceType": "Patient"}}],
            },
            "CDS-1220",
        ),
        ({"resourceType": "Questionnaire"}, "CDS-1220"),
        (b"[]", "CDS-1220"),
        (b"<x/>", "CDS-1002"),
    ],
)
def test_a_body_that_is_no_response_is_a_400(version: str, body: object, code: str) -> None:
    assert refusal(post(version, NEXT, body), 400) == code


def test_the_questions_are_always_those_of_the_form(version: str) -> None:
    response = next_question(version, adaptive_draft(version))
    changed = copy.deepcopy(response)
    for each in questions(contained(changed)):
        each["text"] = "<script>alert(1)</script> Is everything fine?"
        each["required"] = False
    contained(changed)["title"] = "Another form"
    answer = next_question(version, with_answers(changed))
    assert b"<script" not in orjson.dumps(answer["contained"])
    assert contained(answer)["title"] == contained(response)["title"]
