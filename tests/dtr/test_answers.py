"""Reading responses of any client: lenient about shape, strict about what decides."""

from __future__ import annotations

import base64
import copy
import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.values import Date, Quantity
from cds_service.dtr.answers import Answers, Attachment, ResponseError, is_about, read_answers
from cds_service.dtr.model import AnswerType, Form, Question
from cds_service.dtr.responses import Author, Subject, completed, draft, restated
from cds_service.dtr.versions import DTR_2_0, DTR_2_2, VERSIONS
from tests.dtr.shipped import EVERY_FORM, KETAMINE, MACRILEN, SITE_OF_CARE, form

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
ABOUT = Subject("Patient/pat-1", "Coverage/cov-1", "MedicationRequest/mr-1")
USED = "used-to-diagnose-adult-growth-hormone-deficiency"
BORN = "is-18-years-of-age-or-older"
BMI = "body-mass-index-is-at-most-40-kg-m2"
DATA = base64.b64encode(b"%PDF-1.7 notes").decode()
PDF = {"contentType": "application/pdf", "data": DATA, "title": "notes.pdf"}
MACRILEN_ANSWERS = {USED: True, BORN: Date.parse("1980-05-17"), BMI: Quantity(Decimal("24.2"), "kg/m2")}

Json = dict[str, Any]


def macrilen(items: dict[str, Any] | None = None, **more: Json) -> Json:
    """A flat response with these answers by link id."""
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": form(*MACRILEN).canonical,
        "status": "completed",
        "item": [
            {"linkId": link_id, "answer": [answer]} for link_id, answer in {**(items or {}), **more}.items()
        ],
    }


def read(response: Json, of: tuple[str, str, str] = MACRILEN, **options: Any) -> Answers:
    return read_answers(form(*of), response, **options)


def bmi(**quantity: Any) -> Json:
    """Everything answered, with this body mass index."""
    answers: dict[str, Json] = {USED: {"valueBoolean": True}, BORN: {"valueDate": "1980-05-17"}}
    return macrilen(**answers, **{BMI: {"valueQuantity": quantity}})


def first_proof(of: Form) -> Any:
    return next(each for each in of.questions() if each.documents is not None)


# -- lenient ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("dtr-2.2.0@conf-10")
@pytest.mark.parametrize("version", VERSIONS.values(), ids=list(VERSIONS))
def test_what_this_service_writes_it_reads(version: Any) -> None:
    made = completed(form(*MACRILEN), version, ABOUT, MACRILEN_ANSWERS, {}, NOW)
    assert dict(read(made).values) == {
        "Used to diagnose adult growth hormone deficiency": True,
        "Common.Birth date": Date.parse("1980-05-17"),
        "Common.Latest body mass index": Quantity(Decimal("24.2"), "kg/m2"),
    }


def test_items_may_be_flat_below_groups_or_below_answers() -> None:
    flat = bmi(value=24.2, code="kg/m2", system="http://unitsofmeasure.org")
    nested = copy.deepcopy(flat)
    used, born, index = nested["item"]
    used["answer"][0]["item"] = [born]
    born["answer"][0]["item"] = [index]
    grouped = {**flat, "item": [{"linkId": "unknown-group", "text": "x", "item": flat["item"]}]}
    assert read(flat).values == read({**flat, "item": [used]}).values == read(grouped).values


def test_extensions_and_elements_of_others_are_passed_over() -> None:
    response = bmi(value=24.2, code="kg/m2")
    strange = {"url": "https://vendor.example/x", "valueString": "<script>"}
    response |= {"extension": [strange], "_status": {"id": "x"}, "text": {"div": "<script/>"}}
    response["item"][0] |= {"extension": [strange], "definition": "urn:x"}
    response["item"][0]["answer"][0]["extension"] = [strange]
    response["item"].append({"linkId": "a-display-item"})
    assert len(read(response).values) == 3


def test_an_answer_to_what_is_not_asked_counts_as_none() -> None:
    answers = read(
        macrilen({USED: {"valueBoolean": False}, BMI: {"valueQuantity": {"value": 24, "code": "kg/m2"}}})
    )
    assert dict(answers.values) == {"Used to diagnose adult growth hormone deficiency": False}
    assert answers.given[BMI] == (Quantity(Decimal(24), "kg/m2"),)
    assert BMI not in answers.asked


def test_what_the_chart_knows_lets_questions_be_asked_and_is_no_answer() -> None:
    only = macrilen({BMI: {"valueQuantity": {"value": 24, "code": "kg/m2"}}})
    assert dict(read(only).values) == {}
    known = {USED: True, BORN: Date.parse("1980-05-17")}
    assert list(read(only, known=known).values) == ["Common.Latest body mass index"]


def test_an_answer_without_a_value_is_none() -> None:
    empty = macrilen({USED: {"extension": [{"url": "urn:x", "valueCode": "y"}]}})
    assert not read(empty).is_answered(USED)


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ({"value": 24.2, "code": "kg/m2", "system": "http://unitsofmeasure.org"}, "24.2"),
        ({"value": 24, "unit": "kg/m2"}, "24"),
        ({"value": 24200, "code": "g/m2"}, "24.2"),
        ({"value": 0.00242, "code": "kg/cm2"}, "24.2"),
    ],
)
def test_units_that_convert_are_converted(quantity: Json, value: str) -> None:
    (found,) = read(bmi(**quantity)).given[BMI]
    assert found.unit == "kg/m2"
    assert float(found.value) == pytest.approx(float(value))


@pytest.mark.parametrize("text", ["1980-05-17", "1980-05", "1980", "1980-05-17T00:00:00+02:00"])
def test_dates_may_be_as_precise_as_fhir_lets_them(text: str) -> None:
    element = "valueDateTime" if "T" in text else "valueDate"
    (born,) = read(macrilen({USED: {"valueBoolean": True}, BORN: {element: text}})).given[BORN]
    assert str(born) == text.partition("T")[0]


def test_free_text_is_kept_as_it_is_and_decides_nothing() -> None:
    said = Question("remark", "Anything else?", AnswerType.TEXT, None, None)
    with_remark = dataclasses.replace(form(*MACRILEN), items=(*form(*MACRILEN).items, said))
    response = macrilen(remark={"valueString": "<script>covered = true</script>"})
    answers = read_answers(with_remark, response)
    assert answers.given["remark"] == ("<script>covered = true</script>",)
    assert not answers.values


@pytest.mark.parametrize("named", EVERY_FORM, ids=["/".join(each) for each in EVERY_FORM])
def test_every_question_of_every_form_takes_its_own_kind_of_answer(named: tuple[str, str, str]) -> None:
    for question in form(*named).questions():
        values = {
            AnswerType.BOOLEAN: True,
            AnswerType.QUANTITY: Quantity(Decimal("12.5"), question.unit or "1"),
            AnswerType.DATE: Date.parse("2020-02-29"),
            AnswerType.CHOICE: question.options[0] if question.options else None,
            AnswerType.ATTACHMENT: PDF,
            AnswerType.TEXT: "as in the chart",
        }
        made = completed(form(*named), DTR_2_2, ABOUT, {question.link_id: values[question.type]}, {}, NOW)
        answers = read(made, named)
        (found,) = answers.given[question.link_id]
        if question.type is AnswerType.ATTACHMENT:
            assert found == Attachment("application/pdf", "notes.pdf", 14)
        else:
            assert found == values[question.type]


# -- strict ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "element"),
    [
        ({BMI: {"valueQuantity": {"value": 24, "code": "lb"}}}, "valueQuantity.code"),
        ({BMI: {"valueQuantity": {"value": 24, "code": "kg"}}}, "valueQuantity.code"),
        (
            {BMI: {"valueQuantity": {"value": 24, "code": "kg/m2", "system": "urn:mine"}}},
            "valueQuantity.system",
        ),
        (
            {BMI: {"valueQuantity": {"value": 24, "code": "kg/m2", "comparator": "<"}}},
            "valueQuantity.comparator",
        ),
        ({BMI: {"valueQuantity": {"value": "24", "code": "kg/m2"}}}, "valueQuantity.value"),
        ({BMI: {"valueQuantity": {"value": True, "code": "kg/m2"}}}, "valueQuantity.value"),
        ({BMI: {"valueQuantity": {"value": 1e300, "code": "kg/m2"}}}, "valueQuantity"),
        ({BMI: {"valueQuantity": {"code": "kg/m2"}}}, "valueQuantity.value"),
        ({BMI: {"valueQuantity": []}}, "valueQuantity"),
        ({BMI: {"valueQuantity": {"value": -5, "code": "kg/m2"}}}, "valueQuantity"),
        ({BMI: {"valueQuantity": {"value": 0, "code": "kg/m2"}}}, "valueQuantity"),
        ({BMI: {"valueQuantity": {"value": 0.00001, "code": "[lb_av]/[in_i]2"}}}, "valueQuantity"),
        ({BMI: {"valueQuantity": {"value": 20000, "code": "kg/m2"}}}, "valueQuantity"),
        ({BMI: {"valueDecimal": 24}}, "valueDecimal"),
        ({BORN: {"valueDate": "17.5.1980"}}, "valueDate"),
        ({BORN: {"valueDate": "1980-02-30"}}, "valueDate"),
        ({BORN: {"valueString": "1980-05-17"}}, "valueString"),
        ({USED: {"valueBoolean": "true"}}, "valueBoolean"),
        ({USED: {"valueCoding": {"code": "yes"}}}, "valueCoding"),
        ({USED: {"valueBoolean": True, "valueString": "no"}}, "valueString"),
        ({"not-on-the-form": {"valueBoolean": True}}, "linkId"),
    ],
)
def test_what_would_decide_wrongly_is_refused_by_name(change: dict[str, Json], element: str) -> None:
    with pytest.raises(ResponseError) as raised:
        read(macrilen(change))
    assert raised.value.element.endswith(element)
    assert "24" not in raised.value.text
    assert "1980" not in raised.value.text.replace("1980-05-17", "")


def test_several_answers_where_one_is_due_are_refused() -> None:
    twice = macrilen({USED: {"valueBoolean": True}})
    twice["item"][0]["answer"].append({"valueBoolean": False})
    with pytest.raises(ResponseError, match="several answers"):
        read(twice)
    repeated = macrilen({USED: {"valueBoolean": True}})
    repeated["item"] *= 2
    with pytest.raises(ResponseError, match="several answers"):
        read(repeated)


@pytest.mark.parametrize(
    "coding",
    [{"code": "made-up"}, {"system": "urn:other", "code": "chronic-pain"}, {}, "chronic-pain", None],
)
def test_an_option_that_is_none_is_refused(coding: Any) -> None:
    choice = next(each for each in form(*KETAMINE).questions() if each.type is AnswerType.CHOICE)
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": form(*KETAMINE).url,
        "item": [{"linkId": choice.link_id, "answer": [{"valueCoding": coding}]}],
    }
    with pytest.raises(ResponseError, match="none of the options"):
        read(response, KETAMINE)
    code = {"code": choice.options[0].code}
    response["item"] = [{"linkId": choice.link_id, "answer": [{"valueCoding": code}]}]
    assert read(response, KETAMINE).given[choice.link_id] == (choice.options[0],)


@pytest.mark.parametrize(
    ("attachment", "why"),
    [
        ({"data": DATA}, "media type"),
        ({"contentType": "application/pdf\r\nX: y", "data": DATA}, "media type"),
        ({"contentType": "application/pdf"}, "document itself"),
        ({"contentType": "application/pdf", "data": ""}, "base64"),
        ({"contentType": "application/pdf", "data": "not base64!"}, "base64"),
        ({"contentType": "application/pdf", "data": "A" * 4_000}, "at most 2048 bytes"),
        ({"contentType": "application/pdf", "data": base64.b64encode(b"x" * 2_100).decode()}, "at most 2048"),
    ],
)
def test_documents_are_checked_before_they_are_kept(attachment: Json, why: str) -> None:
    proof = first_proof(form(*SITE_OF_CARE))
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": form(*SITE_OF_CARE).url,
        "item": [{"linkId": proof.link_id, "answer": [{"valueAttachment": attachment}]}],
    }
    with pytest.raises(ResponseError, match=why):
        read(response, SITE_OF_CARE, max_attachment_bytes=2_048)


def document(content: bytes, kind: str = "application/pdf") -> Json:
    return {"contentType": kind, "data": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    "proof",
    [
        None,
        {"contentType": "application/pdf", "url": "http://169.254.169.254/"},
        document(b"\x00"),
        document(b"MZ\x90\x00"),
        document(b"\xff\xfe\xfd"),
        document(b" \n\t", "text/plain"),
    ],
)
def test_a_document_that_is_due_and_has_not_come_is_named(proof: Json | None) -> None:
    """An address is no document: it is never fetched. Nor are bytes that nobody can read."""
    of = form(*SITE_OF_CARE)
    place = first_proof(of)
    given: Json = {each.link_id: False for each in of.questions() if each.type is AnswerType.BOOLEAN}
    given[place.documents] = True
    if proof is not None:
        given[place.link_id] = [proof]
    answers = read(completed(of, DTR_2_2, ABOUT, given, {}, NOW), SITE_OF_CARE)
    assert answers.undocumented == (place.documents,)
    assert answers.undocumented_criteria == {place.criterion}
    proven = read(completed(of, DTR_2_2, ABOUT, {**given, place.link_id: [PDF, PDF]}, {}, NOW), SITE_OF_CARE)
    assert proven.undocumented == ()
    refused = read(completed(of, DTR_2_2, ABOUT, {**given, place.documents: False}, {}, NOW), SITE_OF_CARE)
    assert refused.undocumented == ()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("Infusion reaction on 3 May: \u00dcbelkeit.".encode(), "text/plain"),
        (b'<?xml version="1.0"?><ClinicalDocument/>', "application/xml"),
    ],
)
def test_a_document_that_people_can_read_proves_its_answer(content: bytes, kind: str) -> None:
    of = form(*SITE_OF_CARE)
    place = first_proof(of)
    given: Json = {each.link_id: False for each in of.questions() if each.type is AnswerType.BOOLEAN}
    given |= {place.documents: True, place.link_id: [document(content, kind)]}
    proven = read(completed(of, DTR_2_2, ABOUT, given, {}, NOW), SITE_OF_CARE)
    assert proven.undocumented == ()


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"resourceType": "Questionnaire"},
        {"resourceType": "QuestionnaireResponse"},
        {"resourceType": "QuestionnaireResponse", "questionnaire": "#missing"},
        {"resourceType": "QuestionnaireResponse", "questionnaire": 1},
    ],
)
def test_a_response_to_something_else_is_refused(response: Json) -> None:
    with pytest.raises(ResponseError):
        read(response)


def test_a_contained_derivation_is_about_its_form() -> None:
    url = form(*MACRILEN).url
    contained = {
        "resourceType": "Questionnaire",
        "id": "adaptive",
        "derivedFrom": [f"{url}-adaptive|2024.7.1"],
    }
    response = {"questionnaire": "#adaptive", "contained": [contained]}
    assert is_about(form(*MACRILEN), response)
    assert not is_about(form(*SITE_OF_CARE), response)


def test_nesting_and_numbers_without_end_are_refused() -> None:
    deep: Json = {"linkId": "x"}
    for _ in range(60):
        deep = {"linkId": "x", "item": [deep]}
    with pytest.raises(ResponseError, match="deeper"):
        read({**macrilen(), "item": [deep]})
    with pytest.raises(ResponseError, match="more items"):
        read({**macrilen(), "item": [{"linkId": "x"}] * 6_000})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
elements = st.sampled_from(
    ["valueBoolean", "valueQuantity", "valueDate", "valueCoding", "valueAttachment", "item"]
)


@given(link_id=st.sampled_from([USED, BORN, BMI, "x"]), element=elements, value=anything, items=anything)
def test_anything_at_all_is_read_or_refused(link_id: str, element: str, value: Any, items: Any) -> None:
    response = macrilen({link_id: {element: value}})
    response["item"].append(items)
    places = []
    try:
        read(response)
    except ResponseError as error:
        places.append(error.element)
    assert all(each.startswith("QuestionnaireResponse") for each in places)


# -- written ---------------------------------------------------------------------------------------------


def test_who_answered_stands_on_each_answer_and_never_on_the_charts() -> None:
    known = {USED: True, BORN: Date.parse("1980-05-17")}
    given = {**MACRILEN_ANSWERS, BORN: Date.parse("1981-05-17")}
    author = Author(("http://x.example", "doctor", "Doctor"), "Practitioner/p1", "Dr. Ada Example")
    made = completed(form(*MACRILEN), DTR_2_0, ABOUT, given, known, NOW, author=author)
    origins = dict(_origins(made["item"]))
    assert origins[USED] == [{"url": "source", "valueCode": "auto"}]
    assert [each["valueCode"] for each in (origins[BORN][0], origins[BMI][0])] == ["override", "manual"]
    who = origins[BMI][1]
    assert who["url"] == "author"
    assert who["extension"][1]["valueReference"] == {
        "reference": "Practitioner/p1",
        "display": "Dr. Ada Example",
    }


def _origins(items: Any) -> Any:
    for item in items:
        for answer in item.get("answer", ()):
            yield item["linkId"], answer["extension"][0]["extension"]
        yield from _origins(item.get("item", ()))


def test_what_was_kept_is_restated_without_what_this_form_does_not_ask() -> None:
    made = completed(form(*MACRILEN), DTR_2_2, ABOUT, MACRILEN_ANSWERS, {USED: True}, NOW)
    (group,) = made["item"]
    kept = {**made, "item": [{"linkId": "gone", "item": [*group["item"], {"linkId": "gone-too"}]}]}
    again = restated(kept, form(*MACRILEN), DTR_2_0, ABOUT, "completed")
    assert [each["linkId"] for each in again["item"]] == [USED, BORN, BMI]
    assert dict(_origins(again["item"]))[USED] == [{"url": "source", "valueCode": "auto"}]
    assert (again["authored"], again["status"]) == (made["authored"], "completed")
    assert read(again).values == read(made).values


def test_an_empty_draft_is_valid_in_each_version() -> None:
    old = draft(form(*MACRILEN), DTR_2_0, ABOUT, {}, NOW)
    assert len(old["item"]) == 1  # DTR 2.0.1: item 1..*
    assert [each["url"].rpartition("/")[2] for each in old["extension"]] == [
        "qr-context",
        "qr-context",
        "intendedUse",
    ]
    new = draft(form(*MACRILEN), DTR_2_2, ABOUT, {}, NOW)
    assert "item" not in new
    assert [each["url"].rpartition("/")[2] for each in new["extension"]] == [
        "qr-coverage",
        "qr-context",
        "intendedUse",
    ]
