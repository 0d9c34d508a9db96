"""From what a hook call leaves behind to the new decision: drafts, answers, contradictions, trouble."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cds_service.coverage_check.documentation import OpenDocumentation
from cds_service.cql.values import Quantity
from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.extension import standing
from cds_service.crd.versions import VERSIONS as CRD_VERSIONS
from cds_service.decisions.model import CriterionStatus, Outcome
from cds_service.dtr.versions import DTR_2_0, DTR_2_2, VERSIONS
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.request import HookRequest
from cds_service.hooks.trust.clients import Caller
from cds_service.store.schema import coverage_assertion, prior_authorization, questionnaire_response
from tests.coverage_check.calls import DAY, call, chart, found, hook_call, macrilen, observation, said
from tests.coverage_check.desk import DOCUMENT, Desk, filled, golden, is_of_rules, open_questions, prepared

NOW = datetime.combine(DAY, time(12), UTC)
BMI = "body-mass-index-is-at-most-40-kg-m2"
NAME = "Body mass index is at most 40 kg/m2"

_ME = {"reference": "Patient/pat-1"}
_OTHER = {"reference": "Patient/pat-2"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk.at(tmp_path)
    yield made
    made.close()


def without_bmi(**keys: Any) -> dict[str, Any]:
    return chart(observations=found(), **keys)


def answered(desk: Desk, request: HookRequest | None = None) -> dict[str, Any]:
    return desk.check.answer(request or call(prefetch=without_bmi()), NOW)


def opened_of(desk: Desk, answer: dict[str, Any], client: str | None = None) -> OpenDocumentation:
    return desk.documentation.open(said(answer)["coverage-assertion-id"][0], client)


def response(
    desk: Desk, opened: OpenDocumentation, bmi: str | None, unit: str = "kg/m2", **options: Any
) -> dict[str, Any]:
    """The questionnaire with the body mass index answered."""
    (form,) = opened.forms
    given = {} if bmi is None else {BMI: Quantity(Decimal(bmi), unit)}
    return filled(opened, form, given, desk.documentation.prefilled(opened, form), **options)


def rows(desk: Desk, table: Any) -> int:
    with desk.store._opened().connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def refused(work: Any) -> RequestError:
    with pytest.raises(RequestError) as raised:
        work()
    return raised.value


# -- the way from one hook call to the next ------------------------------------------------------------


@pytest.mark.requirement("crd-2.2.1@resp-38")
@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_decision_that_needs_documentation_names_its_questionnaire(desk: Desk, version: str) -> None:
    values = said(answered(desk, call(prefetch=without_bmi(), version=version)))
    assert values["doc-needed"] == ["clinical"]
    assert values["questionnaire"] == [
        "https://service.example/fhir/dtr/Questionnaire/cigna-1701-macrilen|2024.7.1"
    ]


def test_what_the_call_left_behind_decides_the_same(desk: Desk) -> None:
    answer = answered(desk)
    opened = opened_of(desk, answer)
    assert opened.assertion.identifiers.assertion_id == said(answer)["coverage-assertion-id"][0]
    assert [each.name for each in opened.determination.asks] == [NAME]
    assert opened.patient is not None
    assert opened.patient["birthDate"] == "1980-05-17"
    assert (opened.crd_version, opened.now) == ("2.2", NOW)


def test_an_answer_covers_the_order_and_the_next_call_says_so(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    decided = desk.documentation.submit(opened, [response(desk, opened, "24.2")], NOW)
    assert decided.determination.outcome is Outcome.COVERED
    assert decided.determination.attested
    number = decided.authorization_number
    assert number is not None
    values = said(again := answered(desk))
    assert (values["pa-needed"], values["satisfied-pa-id"]) == (["satisfied"], [number])
    assert values["coverage-assertion-id"] == [decided.assertion.identifiers.assertion_id]
    assert "questionnaire" not in values
    # An order that carries this already is left alone.
    carrying = again["systemActions"][0]["resource"]
    assert answered(desk, call(carrying, prefetch=without_bmi())) == {"cards": []}
    authorization = desk.decisions.authorization(number)
    assert authorization is not None
    assert authorization.assertion_id == decided.assertion.identifiers.assertion_id
    recorded = desk.decisions.find(decided.assertion.identifiers.assertion_id)
    assert recorded is not None
    assert [each.id for each in recorded.criteria if each.attested] == [BMI]


def test_an_answer_can_settle_that_it_is_not_covered(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    decided = desk.documentation.submit(opened, [response(desk, opened, "41")], NOW)
    assert decided.determination.outcome is Outcome.NOT_COVERED
    assert NAME in decided.determination.reasons[0].text
    assert said(answered(desk))["covered"] == ["not-covered"]


def test_another_worker_knows_the_answer_and_gives_it_the_same_names(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    decided = desk.documentation.submit(opened, [response(desk, opened, "24.2")], NOW)
    other = Desk(desk.store._url)
    assert said(answered(other))["coverage-assertion-id"] == [decided.assertion.identifiers.assertion_id]
    other.close()


def test_answers_belong_to_their_order(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    desk.documentation.submit(opened, [response(desk, opened, "24.2")], NOW)
    others = (
        call(macrilen("mr-2"), prefetch=without_bmi()),
        call(prefetch=without_bmi(), fhirServer="https://other.example/fhir"),
        replace(call(prefetch=without_bmi()), client=Caller("https://ehr.example")),
        call(macrilen(reasonCode=[{"text": "growth hormone deficiency"}]), prefetch=without_bmi()),
    )
    for other in others:
        assert said(answered(desk, other))["doc-needed"] == ["clinical"]
    same = call(macrilen(status="active", note=[{"text": "called back"}]), prefetch=without_bmi())
    assert said(answered(desk, same))["pa-needed"] == ["satisfied"]


def test_a_chart_that_came_to_know_goes_before_the_answer(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    desk.documentation.submit(opened, [response(desk, opened, "24.2")], NOW)
    now_known = answered(desk, call(prefetch=chart(observations=found(observation(45)))))
    assert said(now_known)["covered"] == ["not-covered"]


def test_nothing_is_asked_before_the_order_is_signed(desk: Desk) -> None:
    drafts = {"resourceType": "Bundle", "entry": [{"resource": macrilen()}]}
    context = {"selections": ["MedicationRequest/mr-1"], "draftOrders": drafts}
    request = hook_call("order-select", context, without_bmi())
    values = said(answered(desk, request))
    assert "questionnaire" not in values
    assert "doc-needed" not in values


def test_a_covered_order_leaves_nothing_behind(desk: Desk) -> None:
    answer = desk.check.answer(call(), NOW)
    assert said(answer)["covered"] == ["covered"]
    identifier = said(answer)["coverage-assertion-id"][0]
    assert refused(lambda: desk.documentation.open(identifier, None)).code == "CDS-1050"


# -- answers that do not count ------------------------------------------------------------


def test_an_answer_against_the_chart_is_kept_flagged_and_never_approves(desk: Desk) -> None:
    uncoded = macrilen(reasonCode=[{"text": "work-up"}])
    too_heavy = call(uncoded, prefetch=chart(observations=found(observation(39))))
    opened = opened_of(desk, answered(desk, too_heavy))
    (form,) = opened.forms
    used = "used-to-diagnose-adult-growth-hormone-deficiency"
    known = desk.documentation.prefilled(opened, form)
    assert known[BMI] == Quantity(Decimal("39"), "kg/m2")
    agreeing = filled(opened, form, {used: True}, known)
    assert desk.documentation.preview(opened, [agreeing], NOW).determination.outcome is Outcome.COVERED
    against = filled(opened, form, {used: True, BMI: Quantity(Decimal(45), "kg/m2")}, known)
    decided = desk.documentation.submit(opened, [against], NOW)
    assert decided.determination.outcome is Outcome.DOCUMENTATION_NEEDED
    (contradiction,) = decided.contradictions
    assert (contradiction.name, contradiction.on_record) == (NAME, "39 kg/m2 on 2024-08-20")
    (open_still,) = decided.determination.asks
    assert open_still.status is CriterionStatus.UNKNOWN
    assert "contradicts the record (39 kg/m2 on 2024-08-20); the payer reviews" in (open_still.why or "")
    origins = [
        part["valueCode"]
        for item in items(against)
        for answer in item.get("answer", ())
        for part in answer["extension"][0]["extension"]
        if part["url"] == "source"
    ]
    assert sorted(origins) == ["auto-server", "manual", "override"]
    again = said(answered(desk, too_heavy))
    assert again["pa-needed"] == ["auth-needed"]
    assert again["coverage-assertion-id"] == [decided.assertion.identifiers.assertion_id]
    assert any("contradicts the record" in each["text"] for each in again["reason"])


@pytest.mark.parametrize("on_record", ["40", "12"])
@pytest.mark.parametrize("claimed", ["40.0", "13", "6"])
def test_another_value_that_means_the_same_is_no_contradiction(
    desk: Desk, on_record: str, claimed: str
) -> None:
    uncoded = macrilen(reasonCode=[{"text": "work-up"}])
    request = call(uncoded, prefetch=chart(observations=found(observation(float(on_record)))))
    opened = opened_of(desk, answered(desk, request))
    (form,) = opened.forms
    known = desk.documentation.prefilled(opened, form)
    given = {
        "used-to-diagnose-adult-growth-hormone-deficiency": True,
        BMI: Quantity(Decimal(claimed), "kg/m2"),
    }
    decided = desk.documentation.preview(opened, [filled(opened, form, given, known)], NOW)
    assert decided.determination.outcome is Outcome.COVERED
    resting = {each.name: each.attested for each in decided.determination.criteria}
    assert resting[NAME] is False  # the chart shows it


def test_an_answer_without_its_document_does_not_count(desk: Desk) -> None:
    case = prepared(next(each for each in golden() if golden()[each].expect.outcome == "lower-cost-site"))
    assertion, _ = desk.asserted(case)
    opened = desk.documentation.open(assertion.identifiers.assertion_id, None)
    (form,) = opened.forms
    proven = next(each for each in form.questions() if each.documents)
    known = desk.documentation.prefilled(opened, form)
    given = _up_to(form, proven.documents or "", known)
    bare = filled(opened, form, given, known, documents=False)
    decided = desk.documentation.preview(opened, [bare], NOW)
    assert decided.determination.outcome is Outcome.LOWER_COST_SITE
    assert decided.undocumented == (proven.criterion,)
    (asked,) = (each for each in decided.determination.asks if each.name == proven.criterion)
    assert asked.why == f"the answer needs documentation that has not come: {asked.documentation}"
    whole = filled(opened, form, given, known)
    assert desk.documentation.preview(opened, [whole], NOW).determination.outcome is Outcome.COVERED


def _up_to(form: Any, link_id: str, known: Any) -> dict[str, Any]:
    """No to every question that is asked before one, and yes to it."""
    given: dict[str, Any] = {}
    while True:
        question = next(each for each in open_questions(form, known, given) if is_of_rules(each))
        given[question.link_id] = question.link_id == link_id
        if question.link_id == link_id:
            return given


# -- drafts, and what a response begins with ------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS.values(), ids=list(VERSIONS))
def test_a_draft_begins_with_what_the_chart_tells(desk: Desk, version: Any) -> None:
    opened = opened_of(desk, answered(desk))
    (form,) = opened.forms
    begun = desk.documentation.draft_response(opened, form, version)
    assert begun["status"] == "in-progress"
    assert begun["questionnaire"] == form.canonical
    assert begun["subject"] == {"reference": "Patient/pat-1"}
    links = [each["valueReference"]["reference"] for each in begun["extension"] if "valueReference" in each]
    assert links == ["Coverage/cov-1", "MedicationRequest/mr-1"]
    given = {each["linkId"]: each["answer"][0] for each in items(begun) if "answer" in each}
    assert given["is-18-years-of-age-or-older"]["valueDate"] == "1980-05-17"
    assert BMI not in given
    for each in given.values():
        (origin,) = each["extension"]
        assert origin["extension"] == [{"url": "source", "valueCode": version.origin_of_payer_answers}]


def test_a_draft_is_kept_and_gives_way_to_the_answers(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    (form,) = opened.forms
    for bmi in ("30", "31"):
        begun = {**response(desk, opened, bmi), "status": "in-progress"}
        desk.documentation.save_draft(opened, form, begun, NOW)
    assert rows(desk, questionnaire_response) == 1
    kept = desk.documentation.response(opened, form, DTR_2_2)
    assert _answer(kept, BMI)["valueQuantity"]["value"] == 31
    # A draft decides nothing.
    assert said(answered(desk))["doc-needed"] == ["clinical"]
    desk.documentation.submit(opened, [response(desk, opened, "24")], NOW)
    assert rows(desk, questionnaire_response) == 1
    kept = desk.documentation.response(opened, form, DTR_2_0)
    assert (kept["status"], _answer(kept, BMI)["valueQuantity"]["value"]) == ("completed", 24)
    codes = [
        part["valueCode"]
        for item in items(kept)
        for each in item.get("answer", ())
        for part in each["extension"][0]["extension"]
        if part["url"] == "source"
    ]
    assert set(codes) == {"auto", "manual"}
    assert desk.documentation.draft_response(opened, form, DTR_2_2)["status"] == "in-progress"
    fresh = desk.documentation.fresh_response(opened, form, DTR_2_2)
    assert BMI not in [each["linkId"] for each in items(fresh)]


def items(holder: Any) -> Iterator[dict[str, Any]]:
    for each in holder.get("item", ()):
        yield each
        yield from items(each)


def _answer(holder: Any, link_id: str) -> dict[str, Any]:
    (item,) = (each for each in items(holder) if each["linkId"] == link_id)
    answer: dict[str, Any] = item["answer"][0]
    return answer


# -- who may open and send what ------------------------------------------------------------


def test_unknown_foreign_and_expired_ids_are_refused_with_the_same_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cds_service.coverage_check.documentation._WAITS", ())
    mine = replace(call(prefetch=without_bmi()), client=Caller("https://ehr.example", "north"))
    identifier = said(answered(desk, mine))["coverage-assertion-id"][0]
    desk.documentation.open(identifier, "https://ehr.example north")
    said_of = [
        refused(lambda client=client: desk.documentation.open(identifier, client))
        for client in (None, "https://ehr.example", "https://ehr.example south", "")
    ]
    said_of += [
        refused(lambda name=name: desk.documentation.open(name, "https://ehr.example north"))
        for name in ("", "CA-1", identifier[:-1] + "A", identifier.lower(), "' OR 1=1 --")
    ]
    old = Desk(desk.store._url, lifetime=timedelta(seconds=-1))
    expired = said(answered(old, call(macrilen("mr-9"), prefetch=without_bmi())))["coverage-assertion-id"][0]
    said_of.append(refused(lambda: desk.documentation.open(expired, None)))
    old.close()
    assert {(each.code, each.kind, each.message) for each in said_of} == {
        ("CDS-1050", ErrorKind.NOT_FOUND, said_of[0].message)
    }


def test_two_tenants_with_equal_resources_do_not_meet(desk: Desk) -> None:
    north, south = (
        replace(call(prefetch=without_bmi()), client=Caller("https://ehr.example", tenant))
        for tenant in ("north", "south")
    )
    first, second = (said(answered(desk, each))["coverage-assertion-id"][0] for each in (north, south))
    assert first != second
    opened = desk.documentation.open(first, "https://ehr.example north")
    desk.documentation.submit(opened, [response(desk, opened, "24")], NOW)
    assert said(answered(desk, north))["pa-needed"] == ["satisfied"]
    assert said(answered(desk, south))["doc-needed"] == ["clinical"]


def test_links_open_what_they_were_made_for_and_nothing_else(desk: Desk) -> None:
    answer = answered(desk, call(prefetch=without_bmi(), version="2.0"))
    (link,) = (
        each["url"]
        for card in answer["cards"]
        for each in card["links"]
        if each["label"] == "Answer the open questions"
    )
    token = link.removeprefix("https://service.example/forms/")
    opened = desk.documentation.open_link(token)
    assert opened.assertion.identifiers.assertion_id == said(answer)["coverage-assertion-id"][0]
    other = Desk.at(Path(desk.store._url.removeprefix("sqlite:///")).parent)
    foreign = other.documentation.token(opened.assertion.identifiers.assertion_id, None)
    changed = token[:10] + ("A" if token[10] != "A" else "B") + token[11:]
    for forged in ("", "x", token[:-1], changed, token + "A", str(foreign), "A" * 5_000):
        assert refused(lambda forged=forged: desk.documentation.open_link(forged)).code == "CDS-1050"
    other.close()
    # Clients of CRD 2.2 have DTR, and get no link to a page of the payer's.
    newest = answered(desk, call(prefetch=without_bmi(), version="2.2"))
    assert "forms/" not in str(newest["cards"])


def test_a_link_expires(tmp_path: Path) -> None:
    desk = Desk.at(tmp_path, lifetime=timedelta(seconds=-1))
    answer = answered(desk, call(prefetch=without_bmi(), version="2.0"))
    token = desk.documentation.token(said(answer)["coverage-assertion-id"][0], None)
    assert token is not None
    assert refused(lambda: desk.documentation.open_link(token)).code == "CDS-1050"
    desk.close()


@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({"status": "in-progress"}, "QuestionnaireResponse.status"),
        (
            {"questionnaire": "https://elsewhere.example/Questionnaire/x"},
            "QuestionnaireResponse.questionnaire",
        ),
        (
            {"questionnaire": "https://service.example/fhir/dtr/Questionnaire/cigna-1701-macrilen|9.9"},
            "QuestionnaireResponse.questionnaire",
        ),
        ({"subject": {"reference": "Patient/pat-2"}}, "QuestionnaireResponse.subject"),
        ({"subject": None}, "QuestionnaireResponse.subject"),
        (
            {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/qr-context",
                        "valueReference": {"reference": "MedicationRequest/mr-2"},
                    }
                ]
            },
            "QuestionnaireResponse.extension[0]",
        ),
        ({"item": [{"linkId": "made-up", "answer": [{"valueBoolean": True}]}]}, "item[0].linkId"),
        ({"item": [{"linkId": BMI, "answer": [{"valueBoolean": True}]}]}, "answer[0].valueBoolean"),
    ],
)
def test_a_response_that_is_not_valid_here_changes_nothing(
    desk: Desk, change: dict[str, Any], element: str
) -> None:
    opened = opened_of(desk, answered(desk))
    sent = {**response(desk, opened, "24"), **change}
    error = refused(lambda: desk.documentation.submit(opened, [sent], NOW))
    assert error.code == "CDS-1051"
    assert error.expressions[0].endswith(element)
    assert rows(desk, questionnaire_response) == 0


def test_references_of_the_response_may_be_absolute(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    sent = {
        **response(desk, opened, "24"),
        "subject": {"reference": "https://ehr.example/fhir/Patient/pat-1"},
    }
    assert desk.documentation.submit(opened, [sent], NOW).determination.outcome is Outcome.COVERED


# -- repeated, at once, and without a database ------------------------------------------------------------


def test_the_same_response_again_changes_nothing(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    sent = response(desk, opened, "24")
    first = desk.documentation.submit(opened, [sent], NOW)
    later = {**sent, "authored": "2024-09-02T08:00:00+00:00"}
    second = desk.documentation.submit(opened, [later], NOW + timedelta(hours=20))
    assert first.assertion.identifiers == second.assertion.identifiers
    counts = [
        rows(desk, table) for table in (questionnaire_response, prior_authorization, coverage_assertion)
    ]
    assert counts == [1, 1, 2]


def test_a_corrected_response_counts_and_the_earlier_one_stays_on_file(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    desk.documentation.submit(opened, [response(desk, opened, "24")], NOW)
    decided = desk.documentation.submit(opened, [response(desk, opened, "44")], NOW + timedelta(minutes=1))
    assert decided.determination.outcome is Outcome.NOT_COVERED
    assert rows(desk, questionnaire_response) == 2
    assert said(answered(desk))["covered"] == ["not-covered"]


def test_many_at_once_leave_one_response_and_one_authorization(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    sent = response(desk, opened, "24")
    numbers: list[str | None] = []
    barrier = threading.Barrier(6)

    def submit() -> None:
        barrier.wait()
        numbers.append(desk.documentation.submit(opened, [sent], NOW).authorization_number)

    threads = [threading.Thread(target=submit) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(numbers) == 6
    assert len(set(numbers)) == 1
    assert rows(desk, questionnaire_response) == rows(desk, prior_authorization) == 1


def test_what_was_just_recorded_is_waited_for(desk: Desk) -> None:
    """The worker that answered the hook may not have written its queue yet."""
    found_later = Desk(desk.store._url)
    records: list[Any] = []
    slow = type("Slow", (), {"record": lambda self, *given: records.extend(given)})()
    found_later.questionnaires._recorder = slow
    found_later.check._recorder = slow
    answer = answered(found_later)
    timer = threading.Timer(0.15, lambda: desk.decisions.write(records))
    timer.start()
    assert opened_of(desk, answer).forms
    timer.join()
    found_later.close()


def test_a_database_that_is_down_stops_no_hook_and_loses_nothing_silently(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = opened_of(desk, answered(desk))
    sent = response(desk, opened, "24")

    def broken(*_arguments: Any) -> Any:
        raise OSError("no disk")

    monkeypatch.setattr(desk.store, "_opened", broken)
    (form,) = opened.forms
    for work in (
        lambda: desk.documentation.submit(opened, [sent], NOW),
        lambda: desk.documentation.save_draft(opened, form, sent, NOW),
        lambda: desk.documentation.response(opened, form, DTR_2_2),
        lambda: desk.documentation.open(opened.assertion.identifiers.assertion_id, None),
    ):
        error = refused(work)
        assert (error.code, error.kind, error.retry_after) == ("CDS-1052", ErrorKind.UNAVAILABLE, 5)
    answer = answered(desk, call(prefetch=without_bmi(), version="2.0"))
    assert said(answer)["doc-needed"] == ["clinical"]


def test_nothing_that_is_kept_can_be_read_in_the_database(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    (form,) = opened.forms
    desk.documentation.save_draft(
        opened, form, {**response(desk, opened, "24"), "status": "in-progress"}, NOW
    )
    desk.documentation.submit(opened, [response(desk, opened, "24")], NOW)
    desk.close()
    file = Path(desk.store._url.removeprefix("sqlite:///"))
    kept = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    for secret in (b"1980-05-17", b"birthDate", b"valueQuantity", DOCUMENT["data"].encode(), b"W123"):
        assert secret not in kept


def test_only_what_the_decision_reads_is_kept(desk: Desk) -> None:
    others = {
        "allergies": found({"resourceType": "AllergyIntolerance", "id": "a-1", "patient": _ME}),
        "conditions": found({"resourceType": "Condition", "id": "c-foreign", "subject": _OTHER}),
    }
    opened = opened_of(desk, answered(desk, call(prefetch=without_bmi(**others))))
    assert b"AllergyIntolerance/" not in opened.state.content
    assert b'"a-1"' not in opened.state.content
    assert b"c-foreign" not in opened.state.content


def test_what_waits_for_a_database_that_is_down_is_bounded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waiting: list[Any] = []
    monkeypatch.setattr("cds_service.coverage_check.questionnaires.MOST_WAITING", 2)
    desk.questionnaires._recorder = type("Slow", (), {"record": lambda self, given: waiting.append(given)})()
    for number in range(4):
        answered(desk, call(macrilen(f"mr-{number}"), prefetch=without_bmi()))
    assert len(waiting) == 2
    assert "documentation is not kept" in caplog.text
    waiting.clear()
    answered(desk, call(macrilen("mr-5"), prefetch=without_bmi()))
    assert len(waiting) == 1


def test_an_order_is_the_same_however_its_references_are_written(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    desk.documentation.submit(opened, [response(desk, opened, "24.2")], NOW)
    absolute = macrilen(subject={"reference": "https://ehr.example/fhir/Patient/pat-1"})
    assert said(answered(desk, call(absolute, prefetch=without_bmi())))["pa-needed"] == ["satisfied"]


def test_what_was_answered_is_known_before_the_order_is_signed_too(desk: Desk) -> None:
    opened = opened_of(desk, answered(desk))
    decided = desk.documentation.submit(opened, [response(desk, opened, "24.2")], NOW)
    drafts = {"resourceType": "Bundle", "entry": [{"resource": macrilen()}]}
    context = {"selections": ["MedicationRequest/mr-1"], "draftOrders": drafts}
    values = said(answered(desk, hook_call("order-select", context, without_bmi())))
    assert values["satisfied-pa-id"] == [decided.authorization_number]
    assert values["coverage-assertion-id"] == [decided.assertion.identifiers.assertion_id]


def test_an_order_without_context_is_decided_by_what_came_with_it(desk: Desk) -> None:
    prefetch = without_bmi()
    coverage = prefetch["coverage"]["entry"][0]["resource"]
    opened = desk.documentation.open_order(macrilen(), coverage, [prefetch["patient"]], None, NOW)
    (form,) = opened.forms
    assert (opened.stored, opened.patient_reference) == (False, "Patient/pat-1")
    begun = desk.documentation.draft_response(opened, form, DTR_2_2)
    assert BMI not in [each["linkId"] for each in items(begun)]
    sent = response(desk, opened, "24.2")
    assert desk.documentation.preview(opened, [sent], NOW).determination.outcome is Outcome.COVERED
    assert refused(lambda: desk.documentation.submit(opened, [sent], NOW)).code == "CDS-1050"
    assert rows(desk, questionnaire_response) == 0


def test_where_every_exception_is_ruled_out_no_documentation_is_asked_for(desk: Desk) -> None:
    """Neither by the chart nor by answers: what cannot help is not asked for (CRD 2.2.1 resp-38)."""
    label = "cigna-site-of-care/undated: With every exception ruled out the answer stays a lower-cost site"
    by_chart, _ = desk.asserted(prepared(next(each for each in golden() if each.startswith(label))))
    asking, _ = desk.asserted(
        prepared(next(each for each in golden() if golden()[each].expect.outcome == "lower-cost-site"))
    )
    opened = desk.documentation.open(asking.identifiers.assertion_id, None)
    (form,) = opened.forms
    known, given = desk.documentation.prefilled(opened, form), dict[str, Any]()
    while question := next((each for each in open_questions(form, known, given) if is_of_rules(each)), None):
        given[question.link_id] = False
    sent = filled(opened, form, given, known)
    by_answers = desk.documentation.submit(opened, [sent], opened.now).assertion
    assert _standing(asking) == ("covered", "auth-needed", "clinical", "withpa")
    for assertion in (by_chart, by_answers):
        assert assertion.determination.outcome is Outcome.LOWER_COST_SITE
        assert (assertion.questionnaires, _standing(assertion)) == (
            (),
            ("covered", "auth-needed", None, None),
        )


def _standing(assertion: CoverageAssertion) -> tuple[str | None, ...]:
    codes = standing(assertion, CRD_VERSIONS["2.2"])
    return codes.covered, codes.pa_needed, codes.doc_needed, codes.doc_purpose


def test_what_is_kept_of_any_order_decides_the_same(desk: Desk) -> None:
    """Minimum necessary, but all that is: nothing that a decision reads is left out."""
    opened = 0
    for label in golden():
        case = prepared(label)
        if case.answers or case.coverage.service_excluded is not None:  # neither stands in the call
            continue
        assertion, _ = desk.asserted(case)
        if assertion.questionnaires:
            found = desk.documentation.open(assertion.identifiers.assertion_id, None)
            assert found.assertion.identifiers == assertion.identifiers, label
            opened += 1
    assert opened > 100
