"""The form page in a browser: from the card's link to a decision that the next hook call repeats."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from cds_service.dtr.conditions import asked
from cds_service.dtr.forms import Forms
from cds_service.dtr.model import Form
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import default_rules_directory
from cds_service.web.form_entries import value
from cds_service.web.form_fields import same_questions
from tests.e2e.conftest import PHONE
from tests.e2e.service import Service, coverage_information, example

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.xdist_group("browser")  # one worker drives it

Open = Callable[..., "Page"]
Picture = Callable[["Page", str], None]
Barriers = Callable[["Page"], list[str]]

BMI = "#q0-body-mass-index-is-at-most-40-kg-m2-input"
BIRTH = "is-18-years-of-age-or-older"
NUMBER = re.compile(r"PA-[A-Z2-7]{10,}")


@pytest.fixture
def macrilen() -> dict[str, Any]:
    """Macrilen without a body mass index on record: a new order each time."""
    return example("documentation-needed-macrilen-no-bmi", f"order-{uuid4().hex[:12]}")


@pytest.fixture
def ketamine() -> dict[str, Any]:
    """Ketamine for a federal employee's chronic pain, where chart notes are due: a new order each time."""
    return example("documentation-needed-ketamine-chronic-pain-fep", f"order-{uuid4().hex[:12]}")


def sign(page: Page, name: str = "Dana Reyes, MD") -> None:
    """Say who answers."""
    page.fill("#who-name-input", name)
    page.select_option("#who-role-input", "ordered")


def tab_to(page: Page, selector: str) -> None:
    """Press the tabulator key until an element has the focus."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by the keyboard")


def test_from_the_hook_to_the_authorization_by_keyboard_alone(
    service: Service, open_page: Open, picture: Picture, barriers: Barriers, macrilen: dict[str, Any]
) -> None:
    page = open_page()
    page.goto(service.link(macrilen))
    assert page.title() == "Questions: Macrilen (macimorelin): questions for prior authorization"
    order = page.inner_text("aside.order")
    for shown in ("0.5 mg/kg once, fasting", "1 pouch", "Hypopituitarism (E23.0)", "2024-09-02", "Cigna"):
        assert shown in order
    assert page.get_attribute("aside.order a", "href") == f"{service.base}/policies/cigna-1701/2024-07-01"
    known = page.inner_text("ul.record")
    assert "1980-05-17" in known
    assert "On record: Patient" in known
    assert page.inner_text("#needed-said") == "One answer now."
    assert barriers(page) == []
    picture(page, "form")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    tab_to(page, BMI)
    page.keyboard.type("24.5")
    assert page.inner_text("#needed-said").startswith("Nothing more.")
    tab_to(page, "#who-name-input")
    page.keyboard.type("Dana Reyes, MD")
    tab_to(page, "#who-role-input")
    page.keyboard.type("Clin")
    tab_to(page, "button.main")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")

    page.wait_for_selector(".outcome.covered")
    assert page.title().startswith("Covered: Macrilen")
    number = NUMBER.search(page.inner_text(".outcome"))
    assert number is not None
    assert "2024-09-02 to 2025-09-01" in page.inner_text(".outcome")
    assert "answered: 24.5 kg/m2" in page.inner_text(".said")
    assert "Sent by Dana Reyes, MD" in page.inner_text("main")
    assert page.locator("input").count() == 0
    assert barriers(page) == []
    picture(page, "covered")

    answer = service.fire(macrilen)
    information = coverage_information(answer)
    assert (information["covered"], information["pa-needed"]) == ("covered", "satisfied")
    assert information["satisfied-pa-id"] == number[0]
    assert "questionnaire" not in information
    (card, *_) = answer["cards"]
    assert card["summary"] == page.inner_text("h1")


def test_without_script_and_with_mistakes(
    service: Service, open_page: Open, picture: Picture, macrilen: dict[str, Any]
) -> None:
    page = open_page(script=False)
    page.goto(service.link(macrilen))
    page.fill(BMI, "twenty")
    page.click("button.main")
    page.wait_for_selector("#problems")
    assert page.title().startswith("Error: ")
    problems = page.locator("#problems a")
    assert problems.all_inner_texts() == [
        "What is the patient's most recent body mass index (kg/m2)? – Enter a number in kg/m2, with a point "
        "before decimals, such as 24.5.",
        "Who answers: enter your name",
        "Who answers: choose your role",
    ]
    assert page.input_value(BMI) == "twenty"
    assert page.get_attribute(BMI, "aria-invalid") == "true"
    described = (page.get_attribute(BMI, "aria-describedby") or "").split()
    assert "Enter a number" in page.inner_text(f"#{described[-1]}")
    picture(page, "mistakes")
    problems.first.click()
    page.wait_for_selector(f"{BMI}:focus")

    page.fill(BMI, "24.5")
    sign(page)
    page.click("button.main")
    page.wait_for_selector(".outcome.covered")
    assert page.title().startswith("Covered: Macrilen")
    page.reload()
    assert page.title().startswith("Covered: Macrilen")


def test_mistakes_with_script_are_announced_and_without_barriers(
    service: Service, open_page: Open, picture: Picture, barriers: Barriers, macrilen: dict[str, Any]
) -> None:
    page = open_page(PHONE)
    page.goto(service.link(macrilen))
    page.click("button.main")
    page.wait_for_selector("#problems")
    assert page.evaluate("document.activeElement.id") == "problems"
    assert barriers(page) == []
    picture(page, "mistakes-phone")


def test_an_answer_that_fails_a_criterion_is_not_covered_and_can_be_corrected(
    service: Service, open_page: Open, picture: Picture, barriers: Barriers, macrilen: dict[str, Any]
) -> None:
    page = open_page()
    page.goto(service.link(macrilen))
    page.fill(BMI, "41")
    sign(page)
    page.click("button.main")
    page.wait_for_selector(".outcome.refused")
    assert "Criterion not met: Body mass index is at most 40 kg/m2 (answered: 41 kg/m2)" in page.inner_text(
        "main"
    )
    assert barriers(page) == []
    picture(page, "not-covered")
    assert coverage_information(service.fire(macrilen))["covered"] == "not-covered"

    page.click("text=Correct the answers")
    page.wait_for_selector(BMI)
    assert page.input_value(BMI) == "41"
    assert page.input_value("#who-name-input") == "Dana Reyes, MD"
    page.fill(BMI, "31")
    page.click("button.main")
    page.wait_for_selector(".outcome.covered")
    assert coverage_information(service.fire(macrilen))["pa-needed"] == "satisfied"


def test_an_answer_against_the_record_is_kept_and_flagged_and_covers_nothing(
    service: Service, open_page: Open, picture: Picture, barriers: Barriers, macrilen: dict[str, Any]
) -> None:
    page = open_page()
    page.goto(service.link(macrilen))
    page.fill(BMI, "24.5")
    page.locator(f"li[data-recorded='0.{BIRTH}'] summary").click()
    page.fill(f"#q0-{BIRTH}-input", "2015-01-01")
    sign(page)
    picture(page, "correcting-the-record")
    assert barriers(page) == []
    page.click("button.main")
    page.wait_for_selector(".outcome.open")
    said = page.inner_text("main")
    assert "The answer differs from the record; the payer will look at the documents." in said
    assert NUMBER.search(said) is None
    assert "2015-01-01 (differs from the record)" in said
    assert "Answered, and not counted: Is 18 years of age or older" in said
    assert "What is the patient's date of birth?" not in page.inner_text(".said"), "asked again"
    assert barriers(page) == []
    picture(page, "differs-from-the-record")
    information = coverage_information(service.fire(macrilen))
    assert information["pa-needed"] == "auth-needed"
    assert "satisfied-pa-id" not in information


def test_a_draft_with_its_documents_waits_for_whoever_opens_the_link_again(
    service: Service, open_page: Open, picture: Picture, barriers: Barriers, ketamine: dict[str, Any]
) -> None:
    link = service.link(ketamine)
    page = open_page(PHONE)
    page.goto(link)
    picture(page, "ketamine-phone")
    assert barriers(page) == []
    first = page.locator("[data-open]:visible").first
    first.get_by_text("Yes", exact=True).click()
    page.locator("[data-open]:visible").last.get_by_text("Yes", exact=True).click()
    assert not page.locator("#issue").count(), "this payer issues no authorization at once"
    document = page.locator("input[type=file]:visible")
    document.set_input_files(
        {"name": "notes <b>.txt", "mimeType": "text/plain", "buffer": b"Tried gabapentin."}
    )
    page.fill("#who-name-input", "A. Nurse")
    page.click("text=Save a draft")
    page.wait_for_selector("#notice")
    assert "The draft is saved." in page.inner_text("#notice")
    assert page.title().startswith("Draft kept: ")

    again = open_page(script=False)
    again.goto(link)
    assert again.inner_text(".file") == "notes <b>.txt"
    assert again.input_value("#who-name-input") == "A. Nurse"
    sign(again)
    again.click("button.main")
    again.wait_for_selector(".outcome.covered")
    assert again.title().startswith("Covered: ")
    picture(again, "ketamine-covered")
    assert "send the prior authorization request" in again.inner_text("h1")
    answer = coverage_information(service.fire(ketamine))
    assert (answer["covered"], answer["pa-needed"]) == ("covered", "auth-needed")
    assert "questionnaire" not in answer


def test_no_authorization_is_issued_when_none_is_wanted(
    service: Service, open_page: Open, macrilen: dict[str, Any]
) -> None:
    page = open_page()
    page.goto(service.link(macrilen))
    page.fill(BMI, "24.5")
    sign(page)
    page.check("#issue-no")
    page.click("button.main")
    page.wait_for_selector("#notice")
    assert "Nothing was sent" in page.inner_text("#notice")
    assert coverage_information(service.fire(macrilen))["pa-needed"] == "auth-needed"
    assert page.input_value(BMI) == "24.5"


def test_the_same_form_in_two_windows_counts_once(
    service: Service, open_page: Open, macrilen: dict[str, Any]
) -> None:
    link = service.link(macrilen)
    windows = [open_page(), open_page(), open_page()]
    for page, index in zip(windows, ("24.5", "24.5", "39"), strict=True):
        page.goto(link)
        page.fill(BMI, index)
        sign(page)
    numbers = []
    for page in windows[:2]:
        page.click("button.main")
        page.wait_for_selector(".outcome.covered")
        numbers.append(page.inner_text("dl.number strong"))
    assert numbers[0] == numbers[1]
    late = windows[2]
    late.click("button.main")
    late.wait_for_selector("text=Show the answers")
    assert late.title() == "These answers were not sent"
    late.click("text=Show the answers")
    late.wait_for_selector(".said")
    assert "answered: 24.5 kg/m2" in late.inner_text(".said")


def test_the_page_fits_small_windows_and_paper(
    service: Service, open_page: Open, picture: Picture, ketamine: dict[str, Any]
) -> None:
    page = open_page({"width": 320, "height": 640})
    page.goto(service.link(ketamine))
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 800, "height": 1100})
    page.emulate_media(media="print")
    picture(page, "paper")
    assert not page.locator("button.main").is_visible()


def test_text_of_people_stays_text(service: Service, open_page: Open, macrilen: dict[str, Any]) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'`"
    (entry,) = macrilen["context"]["draftOrders"]["entry"]
    entry["resource"]["dosageInstruction"][0]["text"] = hostile
    macrilen["prefetch"]["patient"]["name"] = [{"text": hostile}]
    page = open_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(service.link(macrilen))
    assert page.inner_text("aside.order").count(hostile) == 2
    page.fill(BMI, "24.5")
    sign(page, hostile)
    page.click("button.main")
    page.wait_for_selector(".outcome.covered")
    assert f"Sent by {hostile}" in page.inner_text("main")
    assert dialogs == []


def test_a_link_that_does_not_work_is_explained(
    service: Service, open_page: Open, picture: Picture, barriers: Barriers, macrilen: dict[str, Any]
) -> None:
    page = open_page()
    answer = page.goto(service.link(macrilen)[:-3])
    assert answer is not None
    assert answer.status == 404
    assert "sign or refresh it" in page.inner_text("main")
    assert barriers(page) == []
    picture(page, "no-such-link")


def test_the_log_never_holds_a_link(service: Service, open_page: Open, macrilen: dict[str, Any]) -> None:
    link = service.link(macrilen)
    page = open_page()
    page.goto(link)
    page.fill(BMI, "23.0625")
    sign(page, "Zacharias Quince")
    page.click("button.main")
    page.wait_for_selector(".outcome.covered")
    written = service.log.read_text()
    assert "form answered" in written
    token = link.rpartition("/")[2]
    for secret in (token, *token.split("."), "Quince", "23.0625", "Lind"):
        assert secret not in written


@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("documentation-needed-ketamine-chronic-pain-fep", ["excellus-7.03.03-ketamine-chronic-pain"]),
        (
            "documentation-needed-ketamine-use-unknown",
            ["bcbs-al-mp-446-chronic-pain", "bcbs-al-mp-446-psychiatric-disorders"],
        ),
        ("lower-cost-site-remicade-hospital", ["cigna-site-of-care-site-of-care"]),
    ],
)
def test_the_script_shows_what_the_server_would_ask(
    service: Service, open_page: Open, name: str, statements: list[str]
) -> None:
    forms = [(position, _form(identity)) for position, identity in enumerate(statements)]
    same = same_questions(forms)
    page = open_page()
    page.goto(service.link(example(name, f"order-{uuid4().hex[:12]}")))
    chance = random.Random(7)
    radios = page.locator("[data-open]:not([hidden]) input[type=radio]")
    seen = set()
    for _ in range(12):
        radios.nth(chance.randrange(radios.count())).check()
        shown = set(page.eval_on_selector_all("[data-open]:not([hidden])", _NAMES))
        fields = set(page.eval_on_selector_all("[data-open]", _NAMES))
        chosen = page.evaluate(_CHOSEN)
        now = {
            same[position, link_id][0]
            for position, form in forms
            for link_id in asked(form, _answers(form, position, same, chosen))
        }
        assert shown == now & fields
        seen.add(frozenset(shown))
    assert len(seen) > 1


_NAMES = "all => all.map(each => each.dataset.question)"
_CHOSEN = """() => Object.fromEntries(
    [...document.querySelectorAll("#answers input")]
        .filter(each => each.type === "radio" ? each.checked : each.type === "date" && each.value)
        .map(each => [each.name, each.value]))"""


def _form(identity: str) -> Form:
    form = _forms().by_id(identity)
    assert form is not None
    return form


@functools.cache
def _forms() -> Forms:
    return Forms.load(Catalogue.load(default_rules_directory()), "http://127.0.0.1")


def _answers(
    form: Form, position: int, same: dict[tuple[int, str], tuple[str, ...]], chosen: dict[str, str]
) -> dict[str, object]:
    """What stands in the fields, as the rules of one form compare it."""
    found: dict[str, object] = {}
    for question in form.questions():
        text = chosen.get(same[position, question.link_id][0])
        if text is not None:
            found[question.link_id] = value(question, text)
    return found
