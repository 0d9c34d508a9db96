"""The form page over HTTP: what it shows, what it takes, what it refuses, and what it never tells."""

from __future__ import annotations

import functools
import io
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from cds_service import logs
from cds_service.app import create_app
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.settings import Settings
from cds_service.web.form_guard import stamp
from cds_service.web.form_state import VERSION
from cds_service.web.services import EXTENSION
from tests.e2e.service import LINK, coverage_information, example

BMI = "0.body-mass-index-is-at-most-40-kg-m2"
BIRTH = "0.is-18-years-of-age-or-older"
USE = "0.used-to-diagnose-adult-growth-hormone-deficiency"
ON_RECORD = {BIRTH: "1980-05-17", USE: "yes"}
SIGNED = {"who.name": "Dana Reyes, MD", "who.role": "ordered"}
ANSWERS = {**ON_RECORD, **SIGNED, BMI: "24.5", "issue": "yes", "action": "submit"}
NOTES = "0.medically-necessary-for-this-member-documentation"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("forms")
    return create_app(
        Settings(database_url=f"sqlite:///{folder}/forms.sqlite3", public_base_url="http://payer.example.org")
    )


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


class Order:
    """An order that asks for documentation, and its form."""

    def __init__(self, client: FlaskClient, name: str = "documentation-needed-macrilen-no-bmi") -> None:
        self.client = client
        self.request = example(name, f"order-{uuid4().hex[:12]}")
        (self.url,) = (
            link["url"]
            for card in self.fire()["cards"]
            for link in card.get("links", ())
            if link["label"] == LINK
        )
        self.path = self.url.removeprefix("http://payer.example.org")
        self.token = self.path.rpartition("/")[2]

    def fire(self) -> dict[str, Any]:
        """The hook call."""
        answer = self.client.post("/cds-services/order-sign-crd", json=self.request).json
        assert answer is not None
        return dict(answer)

    def information(self) -> dict[str, Any]:
        """What the hook says now."""
        return coverage_information(self.fire())

    def get(self, below: str = "") -> TestResponse:
        """The page."""
        return self.client.get(self.path + below)

    def post(
        self, fields: dict[str, Any], seen: str | None = None, headers: dict[str, str] | None = None
    ) -> TestResponse:
        """The form as a browser sends it from a page that was opened before anything was sent."""
        seen = self.seen if seen is None else seen
        own = {"stamp": stamp(self.token, seen), "seen": seen}
        return self.client.post(
            self.path, data={**own, **fields}, headers=headers, content_type="multipart/form-data"
        )

    def correct(self, fields: dict[str, Any]) -> TestResponse:
        """The form again, after it was sent."""
        return self.post(fields, self.opened("/correct"))

    def opened(self, below: str = "") -> str:
        """The mark of a page that is opened now."""
        (mark,) = re.findall(r'name="seen" value="([^"]+)"', self.get(below).text)
        return str(mark)

    @functools.cached_property
    def seen(self) -> str:
        """The mark of the page before anything was sent."""
        return self.opened()


@pytest.fixture
def macrilen(client: FlaskClient) -> Order:
    return Order(client)


@pytest.fixture
def ketamine(client: FlaskClient) -> Order:
    return Order(client, "documentation-needed-ketamine-chronic-pain-fep")


def words(response: TestResponse) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", response.text)))


# ------------------------------------------------------------------------------------------ what it shows


def test_the_page_shows_the_order_the_question_why_it_is_asked_and_what_is_known(macrilen: Order) -> None:
    page = macrilen.get()
    assert page.status_code == 200
    assert page.content_type == "text/html; charset=utf-8"
    text = words(page)
    for shown in (
        "0.5 mg/kg once, fasting",
        "Hypopituitarism (E23.0)",
        "Marcus Lind, born 1980-05-17",
        "2024-09-02 (date the order was written)",
        "Ordered by Ngozi Okafor, MD",
        "1. What is the patient's most recent body mass index (kg/m2)?",
        "Why: Body mass index is at most 40 kg/m2 (Product-Specific Criteria, Macrilen, 2)",
        "What is the patient's date of birth? 1980-05-17 On record : Patient",
        "One answer now.",
        "may Cigna issue the prior authorization at once?",
        "This link and what is kept behind it work until",
    ):
        assert shown in text
    assert 'href="http://payer.example.org/policies/cigna-1701/2024-07-01"' in page.text
    assert '<html lang="en">' in page.text


def test_only_what_the_record_leaves_open_is_asked(macrilen: Order) -> None:
    assert re.findall(r'data-question="([^"]+)"[^>]* data-open', macrilen.get().text) == [BMI]


def test_who_has_no_script_is_told_when_a_question_counts(ketamine: Order) -> None:
    text = words(ketamine.get())
    assert "2. Is intravenous ketamine medically necessary for this member's chronic pain?" in text
    assert "Answer this if question 1 is yes." in text
    assert "One answer now; up to 2 more may follow." in text


def test_what_two_forms_ask_in_the_same_words_is_asked_and_answered_once(client: FlaskClient) -> None:
    order = Order(client, "documentation-needed-ketamine-use-unknown")
    page = order.get().text
    assert page.count("What is the infusion used for?</legend>") == 1
    assert "One answer now; up to 1 more may follow." in page
    use, *_ = re.findall(r'data-question="(0[^"]+)"[^>]* data-open', page)
    (depression,) = re.findall(r'value="([^"]+)"[^>]*> <span>A psychiatric disorder', page)
    assert order.post({**SIGNED, use: depression, "action": "save"}).status_code == 303
    assert f'value="{depression}" checked' in order.get().text
    assert "Nothing more." in order.get().text
    assert order.post({**SIGNED, use: depression, "action": "submit"}).status_code == 303
    done = words(order.get())
    assert done.count("What is the infusion used for?") == 1
    assert order.information()["covered"] == "not-covered"


def test_who_keeps_the_setting_reads_where_no_exception_is_needed(client: FlaskClient) -> None:
    text = words(Order(client, "lower-cost-site-remicade-hospital").get())
    assert "Another place needs no exception" in text
    assert "The drug is covered without one in these settings:" in text
    assert "Remicade (infliximab): questions for " in text
    assert "may Cigna issue" not in text, "the drug's own policy is not on file"


# ------------------------------------------------------------------------------------- drafts and sending


def test_answers_decide_and_the_next_hook_call_sees_it(macrilen: Order) -> None:
    sent = macrilen.post(ANSWERS)
    assert (sent.status_code, sent.headers["Location"]) == (303, macrilen.path)
    page = words(macrilen.get())
    assert "Covered Macrilen (macimorelin): policy criteria met, prior authorization satisfied" in page
    information = macrilen.information()
    assert information["pa-needed"] == "satisfied"
    assert f"Authorization number {information['satisfied-pa-id']}" in page
    assert "Valid 2024-09-02 to 2025-09-01" in page
    assert "<input" not in macrilen.get().text


def test_a_draft_decides_nothing_and_is_there_again(macrilen: Order) -> None:
    saved = macrilen.post({**ANSWERS, "action": "save"})
    assert saved.headers["Location"] == f"{macrilen.path}?saved=draft"
    page = macrilen.get("?saved=draft")
    assert "The draft is saved." in words(page)
    assert 'value="24.5"' in page.text
    assert 'value="Dana Reyes, MD"' in page.text
    assert '<option value="ordered" selected>' in page.text
    assert macrilen.information()["pa-needed"] == "auth-needed"


def test_nothing_is_issued_to_who_does_not_want_it(macrilen: Order) -> None:
    kept = macrilen.post({**ANSWERS, "issue": "no"})
    assert "no authorization was asked for" in words(
        macrilen.get(kept.headers["Location"][len(macrilen.path) :])
    )
    assert macrilen.information()["pa-needed"] == "auth-needed"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({BMI: ""}, "Enter a number"),
        ({BMI: "24,5"}, "Enter a number in kg/m2, with a point before decimals, such as 24.5."),
        ({BMI: "-3"}, "Enter a number in kg/m2"),
        ({BMI: "1e9"}, "Enter a number in kg/m2"),
        ({BMI: "0"}, "Enter a number between 5 and 300."),
        ({BIRTH: "17.05.1980"}, "Enter a date as year-month-day, such as 1980-05-17."),
        ({BIRTH: "0001-01-01"}, "Enter a date after 1879."),
        ({USE: "perhaps"}, "Choose yes or no."),
        ({"who.name": "  "}, "Who answers: enter your name"),
        ({"who.role": "king"}, "Who answers: choose your role"),
    ],
)
def test_mistakes_are_told_beside_their_field_and_nothing_is_sent(
    macrilen: Order, changes: dict[str, str], said: str
) -> None:
    page = macrilen.post({**ANSWERS, **changes})
    assert page.status_code == 422
    assert "<title>Error: " in page.text
    summary = page.text[page.text.index('id="problems"') : page.text.index("</ul>")]
    assert said in unescape(summary)
    (target,) = re.findall(r'href="#([^"]+)"', summary)
    field = page.text[page.text.index(f'id="{target}"') :]
    assert 'aria-invalid="true"' in field[: field.index(">")]
    assert macrilen.information()["pa-needed"] == "auth-needed"


def test_what_was_entered_is_not_lost_by_a_mistake(macrilen: Order) -> None:
    macrilen.post({**ANSWERS, "who.name": ""})
    assert 'value="24.5"' in macrilen.get().text


def test_what_the_answers_settle_is_not_asked_for(ketamine: Order) -> None:
    first = re.findall(r'data-question="([^"]+)"[^>]* data-open', ketamine.get().text)[0]
    sent = ketamine.post({**SIGNED, first: "no", "action": "submit"})
    assert sent.status_code == 303
    assert "Not covered" in words(ketamine.get())


def test_answers_can_be_corrected_which_makes_a_new_decision(macrilen: Order) -> None:
    macrilen.post({**ANSWERS, BMI: "41"})
    assert "Criterion not met: Body mass index is at most 40 kg/m2 (answered: 41 kg/m2)" in words(
        macrilen.get()
    )
    assert macrilen.information()["covered"] == "not-covered"
    assert macrilen.correct({**ANSWERS, BMI: "31"}).status_code == 303
    assert "Covered Macrilen" in words(macrilen.get())
    assert macrilen.information()["pa-needed"] == "satisfied"


def test_a_mistake_in_a_correction_can_be_put_right_on_the_page_and_after_going_back(macrilen: Order) -> None:
    macrilen.post({**ANSWERS, BMI: "41"})
    seen = macrilen.opened("/correct")
    wrong = macrilen.post({**ANSWERS, BMI: "thirty"}, seen)
    assert wrong.status_code == 422
    (shown,) = re.findall(r'name="seen" value="([^"]+)"', wrong.text)
    assert macrilen.information()["covered"] == "not-covered"
    assert macrilen.post({**ANSWERS, BMI: "31"}, shown).status_code == 303
    assert macrilen.information()["pa-needed"] == "satisfied"
    seen = macrilen.opened("/correct")
    macrilen.post({**ANSWERS, BMI: "32", "action": "save"}, seen)
    assert macrilen.post({**ANSWERS, BMI: "42"}, seen).status_code == 303
    assert macrilen.information()["covered"] == "not-covered"


def test_an_answer_against_the_record_covers_nothing(macrilen: Order) -> None:
    macrilen.post({**ANSWERS, BIRTH: "2015-01-01"})
    page = words(macrilen.get())
    assert "The answer differs from the record; the payer will look at the documents." in page
    assert "2015-01-01 (differs from the record)" in page
    assert "Authorization number" not in page
    assert macrilen.information()["pa-needed"] == "auth-needed"


def test_the_same_form_sent_twice_counts_once(macrilen: Order) -> None:
    assert macrilen.post(ANSWERS).status_code == 303
    number = macrilen.information()["satisfied-pa-id"]
    again = macrilen.post(ANSWERS)
    assert (again.status_code, again.headers["Location"]) == (303, macrilen.path)
    assert macrilen.information()["satisfied-pa-id"] == number


def test_the_same_form_sent_at_once_from_everywhere_counts_once(app: Flask, macrilen: Order) -> None:
    seen = macrilen.seen
    fields = {**ANSWERS, "stamp": stamp(macrilen.token, seen), "seen": seen}

    def send(_: int) -> int:
        return app.test_client().post(macrilen.path, data=fields).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, range(8))) == {303}
    documentation = app.extensions[EXTENSION].documentation
    opened = documentation.open_link(macrilen.token)
    assert documentation.response(opened, opened.forms[0], VERSION)["status"] == "completed"
    assert macrilen.information()["satisfied-pa-id"] in words(macrilen.get())


def test_other_answers_that_come_late_change_nothing(macrilen: Order) -> None:
    macrilen.post(ANSWERS)
    late = macrilen.post({**ANSWERS, BMI: "45"})
    assert late.status_code == 409
    assert "Other answers were sent for this order meanwhile" in words(late)
    assert macrilen.information()["pa-needed"] == "satisfied"


def test_who_answered_stands_on_what_was_answered(app: Flask, macrilen: Order) -> None:
    macrilen.post(ANSWERS)
    documentation = app.extensions[EXTENSION].documentation
    opened = documentation.open_link(macrilen.token)
    response = documentation.response(opened, opened.forms[0], VERSION)
    assert response["status"] == "completed"
    text = json.dumps(response)
    assert '"auto-server"' in text
    assert '"manual"' in text
    assert '{"reference": "Practitioner/practitioner-1", "display": "Dana Reyes, MD"}' in text


# ---------------------------------------------------------------------------------------------- documents


def upload(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def medically_necessary(ketamine: Order, **more: Any) -> dict[str, Any]:
    """Every question of the form answered with yes."""
    names = re.findall(r'data-question="([^"]+)" data-asks="[^"]*" data-open aria', ketamine.get().text)
    assert len(names) == 2
    return {**SIGNED, **dict.fromkeys(names, "yes"), "action": "submit", **more}


def test_a_document_is_due_where_the_policy_wants_one(ketamine: Order) -> None:
    page = ketamine.post(medically_necessary(ketamine))
    assert page.status_code == 422
    assert "Add the document" in words(page)
    sent = ketamine.post(medically_necessary(ketamine, **{NOTES: upload(b"%PDF-1.7", "notes.pdf")}))
    assert sent.status_code == 303
    assert "notes.pdf" in ketamine.get().text


def test_documents_of_a_draft_stay_until_they_are_removed(ketamine: Order) -> None:
    fields = medically_necessary(ketamine, action="save")
    ketamine.post({**fields, NOTES: [upload(b"%PDF-1", "one.pdf"), upload(b"notes", "two.txt")]})
    page = ketamine.get().text
    assert re.findall(r'class="file">([^<]+)', page) == ["one.pdf", "two.txt"]
    first, _ = re.findall(r'\.remove" value="([^"]+)"', page)
    ketamine.post({**fields, f"{NOTES}.remove": first})
    assert re.findall(r'class="file">([^<]+)', ketamine.get().text) == ["two.txt"]


def test_a_document_of_another_kind_is_not_taken(ketamine: Order) -> None:
    page = ketamine.post(
        medically_necessary(ketamine, **{NOTES: upload(b"<script>alert(1)</script>", "notes.pdf")})
    )
    assert page.status_code == 422
    assert "“notes.pdf” is none of these: PDF, PNG, JPEG, TIFF or plain text." in words(page)
    assert 'class="file"' not in ketamine.get().text


def test_documents_of_many_drafts_have_a_limit_together(ketamine: Order) -> None:
    fields = medically_necessary(ketamine, action="save")
    for number in range(2):
        saved = ketamine.post({**fields, NOTES: upload(b"%d" % number * 2_000_000, f"{number}.txt")})
        assert saved.status_code == 303
    page = ketamine.post({**fields, NOTES: upload(b"2" * 2_000_000, "2.txt")})
    assert "Send at most 10 documents and 4 MB for one question: the last ones were not taken." in words(page)
    assert re.findall(r'class="file">([^<]+)', ketamine.get().text) == ["0.txt", "1.txt"]


def test_names_of_documents_are_text(ketamine: Order) -> None:
    fields = medically_necessary(ketamine, action="save")
    ketamine.post({**fields, NOTES: upload(b"notes", "<img src=x onerror=alert(1)>.txt")})
    page = ketamine.get().text
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.txt" in page


def test_what_is_too_large_gets_a_page(ketamine: Order) -> None:
    one = ketamine.post(medically_necessary(ketamine, **{NOTES: upload(b"n" * 2_100_000, "notes.txt")}))
    assert one.status_code == 422
    assert "“notes.txt” is larger than 2 MB." in words(one)
    whole = ketamine.post(medically_necessary(ketamine, **{NOTES: upload(b"n" * 4_300_000, "notes.txt")}))
    assert (whole.status_code, whole.content_type) == (413, "text/html; charset=utf-8")
    assert "The documents are too large" in words(whole)


# ------------------------------------------------------------------------------------------------ safety


def test_the_headers_keep_the_page_to_itself(macrilen: Order) -> None:
    for page in (macrilen.get(), macrilen.get("/correct"), macrilen.client.get("/forms/nothing")):
        headers = page.headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert "noindex" in headers["X-Robots-Tag"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert "style=" not in page.text
        assert not re.search(r"<script(?! src=\"/static/)", page.text)
        assert not re.search(r"\son\w+=", page.text)
        assert "Set-Cookie" not in headers


def test_an_operator_may_let_a_site_frame_it(tmp_path: Path) -> None:
    app = create_app(
        Settings(
            database_url=f"sqlite:///{tmp_path}/framed.sqlite3", frame_ancestors=("https://ehr.example.org",)
        )
    )
    headers = app.test_client().get("/forms/nothing").headers
    assert "frame-ancestors https://ehr.example.org" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers


def forged(token: str) -> Iterator[str]:
    payload, moment, signature = token.split(".")
    yield "nothing"
    yield f"{payload}.{moment}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    yield f"{payload}.{moment}."
    yield f"{payload}x.{moment}.{signature}"
    yield URLSafeTimedSerializer("guess", salt="form").dumps(["CA-X", None])
    yield "%3Cscript%3E"
    yield "a" * 5_000


def test_links_that_are_forged_or_spoiled_tell_nothing(macrilen: Order) -> None:
    pages = {macrilen.client.get(f"/forms/{each}").text for each in forged(macrilen.token)}
    assert len(pages) == 1
    (page,) = pages
    assert "This link does not work" in page
    assert "sign or refresh it" in page
    for path in ("/forms/nothing", "/forms/nothing/correct"):
        assert macrilen.client.get(path).status_code == 404
    assert macrilen.client.post("/forms/nothing", data=ANSWERS).status_code == 404


def test_an_expired_link_is_as_a_forged_one_and_says_how_to_get_another(
    macrilen: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, later = macrilen.seen, time.time() + 73 * 3600
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    page = macrilen.get()
    assert page.status_code == 404
    assert page.text == macrilen.client.get("/forms/nothing").text
    assert macrilen.post(ANSWERS, seen).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://payer.example.org.evil.example"},
        {"Origin": "evil"},
    ],
)
def test_what_another_site_sends_is_not_taken(macrilen: Order, headers: dict[str, str]) -> None:
    refused = macrilen.post(ANSWERS, headers=headers)
    assert refused.status_code == 403
    assert "These answers were not taken" in words(refused)
    assert macrilen.information()["pa-needed"] == "auth-needed"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "http://payer.example.org"},
        {"Origin": "http://localhost"},
        {},
    ],
)
def test_what_the_page_itself_sends_is_taken(macrilen: Order, headers: dict[str, str]) -> None:
    assert macrilen.post(ANSWERS, headers=headers).status_code == 303


def test_a_form_without_the_stamp_of_its_link_is_not_taken(macrilen: Order) -> None:
    other = Order(macrilen.client)
    for wrong in ("", "0" * 32, stamp(other.token, macrilen.seen), stamp(macrilen.token, other.seen), "é"):
        assert macrilen.post({**ANSWERS, "stamp": wrong}).status_code == 403
    assert macrilen.information()["pa-needed"] == "auth-needed"


def test_answers_of_one_order_never_reach_another(macrilen: Order) -> None:
    other = Order(macrilen.client)
    macrilen.post(ANSWERS)
    assert 'value="24.5"' not in other.get().text
    assert other.information()["pa-needed"] == "auth-needed"


def test_texts_of_orders_and_people_are_never_markup(client: FlaskClient) -> None:
    order = Order(client)
    hostile = "<script>alert('x')</script>"
    (entry,) = order.request["context"]["draftOrders"]["entry"]
    entry["resource"]["id"] = f"order-{uuid4().hex[:12]}"
    entry["resource"]["dosageInstruction"][0]["text"] = hostile
    entry["resource"]["reasonCode"][0]["text"] = hostile
    entry["resource"]["requester"]["display"] = hostile
    order.request["prefetch"]["patient"]["name"] = [{"text": hostile}]
    (path,) = (
        link["url"] for card in order.fire()["cards"] for link in card["links"] if link["label"] == LINK
    )
    order.path = path.removeprefix("http://payer.example.org")
    order.token = order.path.rpartition("/")[2]
    page = order.get().text
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") == 4
    order.post({**ANSWERS, "who.name": hostile})
    done = order.get().text
    assert "<script>alert" not in done
    assert "Sent by &lt;script&gt;" in done


def test_the_log_names_no_link_no_person_and_no_answer(
    macrilen: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", "json")
    macrilen.get()
    macrilen.post({**ANSWERS, BMI: "23.0625"})
    macrilen.get()
    macrilen.client.get(f"/forms/{macrilen.token}x")
    written = capsys.readouterr().err
    assert "form answered" in written
    assert "form refused" in written
    for secret in (*macrilen.token.split("."), "Reyes", "23.0625", "Lind", "Macrilen"):
        assert secret not in written


def test_a_database_that_is_down_loses_nothing_that_was_typed(
    app: Flask, macrilen: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    documentation = app.extensions[EXTENSION].documentation

    def fail(*arguments: Any) -> None:
        raise RequestError("CDS-1052", "Not now.", kind=ErrorKind.UNAVAILABLE)

    monkeypatch.setattr(type(documentation), "submit", fail)
    page = macrilen.post(ANSWERS)
    assert page.status_code == 503
    assert 'value="24.5"' in page.text
    assert "could not be kept" in words(page)
    monkeypatch.setattr(type(documentation), "open_link", fail)
    closed = macrilen.get()
    assert closed.status_code == 503
    assert "cannot be reached at the moment" in words(closed)


def test_an_error_of_ours_is_a_page_without_details(
    app: Flask, macrilen: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise ZeroDivisionError("Marcus Lind")

    monkeypatch.setattr(type(app.extensions[EXTENSION].documentation), "prefilled", fail)
    page = macrilen.get()
    assert (page.status_code, page.content_type) == (500, "text/html; charset=utf-8")
    assert "Something went wrong here" in page.text
    assert "Lind" not in page.text


# ---------------------------------------------------------------------------------------- how it is built


class Elements(HTMLParser):
    """The elements of a page, each with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "name",
    [
        "documentation-needed-macrilen-no-bmi",
        "documentation-needed-ketamine-chronic-pain-fep",
        "documentation-needed-ketamine-use-unknown",
        "documentation-needed-unidentified-j3490",
        "lower-cost-site-remicade-hospital",
    ],
)
def test_every_field_has_its_label_and_every_reference_its_element(client: FlaskClient, name: str) -> None:
    order = Order(client, name)
    for page in (order.get(), order.post({"action": "submit"})):
        found = Elements(page.text).found
        ids = [attributes["id"] for _, attributes in found if "id" in attributes]
        assert len(ids) == len(set(ids))
        named = {attributes.get("for") for tag, attributes in found if tag == "label"}
        for tag, attributes in found:
            for reference in ("for", "aria-labelledby", "aria-describedby"):
                assert set((attributes.get(reference) or "").split()) <= set(ids), reference
            if (attributes.get("href") or "").startswith("#"):
                assert (attributes["href"] or "")[1:] in ids
            free = ("hidden", "radio", "checkbox")  # a radio button stands inside its label
            if tag in ("input", "select", "textarea") and attributes.get("type") not in free:
                assert attributes["id"] in named
    assert page.status_code == 422
