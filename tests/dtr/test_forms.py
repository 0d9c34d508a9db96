"""A form is made of the criteria of its statement: every question, in the policy's order, in its groups."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cds_service.dtr.forms import Forms, resource_id
from cds_service.dtr.logic import bound
from cds_service.dtr.model import (
    AnswerType,
    Comparison,
    Conditions,
    Form,
    PopulatedBy,
    Question,
    Section,
)
from cds_service.policies.criteria import leaves
from cds_service.policies.model import Connective
from tests.dtr.shipped import (
    BASE,
    DEFITELIO,
    DSUVIA,
    EVERY_FORM,
    KETAMINE,
    MACRILEN,
    NEVER_ASKED,
    NON_SPECIFIED,
    SITE_OF_CARE,
    catalogue,
    form,
    forms,
)


def question(form: Form, link_id: str) -> Question:
    return next(each for each in form.questions() if each.link_id == link_id)


def outline(items: tuple[Section | Question, ...], depth: int = 0) -> list[str]:
    lines = []
    for item in items:
        lines.append("  " * depth + item.text)
        if isinstance(item, Section):
            lines += outline(item.children, depth + 1)
    return lines


# ----------------------------------------------------------------------------------- which forms there are


def test_every_statement_that_answers_can_change_has_a_form() -> None:
    without = {
        (version.policy, version.version, statement.id)
        for version in catalogue().versions
        for statement in version.statements
        if forms().of(version.policy, version.version, statement.id) is None
    }
    assert without == {("cigna-1701", "2025-06-01", "ketalar")}  # covers no use, whatever anybody answers


@pytest.mark.parametrize("named", EVERY_FORM)
def test_every_criterion_that_can_be_unknown_is_asked_once(named: tuple[str, str, str]) -> None:
    version = catalogue().policy_version(*named[:2])
    assert version is not None
    statement = next(each for each in version.statements if each.id == named[2])
    trees = [tree for tree in (statement.scope, statement.criteria) if tree is not None]
    criteria = list(dict.fromkeys(leaf.id for tree in trees for leaf in leaves(tree)))
    asked = [each.link_id for each in form(*named).questions() if each.definition is not None]
    assert asked == [each for each in criteria if each not in NEVER_ASKED]


def test_a_criterion_that_the_record_always_settles_is_not_asked() -> None:
    asked = {each.link_id for each in form(*KETAMINE).questions()}
    assert "the-product-is-known-to-exclude-the-service" not in asked


# -------------------------------------------------------------------------------------------- how it reads


def test_questions_stand_in_the_groups_of_the_policy() -> None:
    assert outline(form(*DEFITELIO).items) == [
        "Defitelio is medically necessary: all of the following",
        "  Is Defitelio ordered to treat hepatic veno-occlusive disease (sinusoidal obstruction syndrome)?",
        "  Has renal or pulmonary dysfunction: any of the following",
        "    Does the patient have renal dysfunction?",
        "    Does the patient have pulmonary dysfunction?",
        "  Did the liver disease follow a hematopoietic stem-cell transplantation?",
    ]


def test_whether_the_policy_speaks_of_the_order_is_asked_first() -> None:
    assert outline(form(*KETAMINE).items) == [
        "The order",
        "  Is the ketamine given intravenously (infusion or push)?",
        "  What is the ketamine used for?",
        "The member's coverage and need",
        "  Does the member's contract cover the infusion, with no exclusion that applies to it?",
        "  Is the member enrolled in the Federal Employee Program (FEP)?",
        "  Is intravenous ketamine medically necessary for this member's chronic pain?",
        "  Chart notes with the diagnosis, the treatments tried and their results, and the treatment plan.",
    ]


def test_a_question_carries_its_citation() -> None:
    found = question(form(*MACRILEN), "body-mass-index-is-at-most-40-kg-m2")
    assert found.cite == "Product-Specific Criteria, Macrilen, 2"


def test_the_author_can_word_explain_and_code_a_question() -> None:
    found = question(form(*KETAMINE), "used-to-treat-chronic-pain")
    assert found.text == "What is the ketamine used for?"
    assert found.type is AnswerType.CHOICE
    assert {each.code: each.means for each in found.options} == {
        "chronic-pain": True,
        "psychiatric-disorder": False,
        "anesthesia": False,
        "acute-pain": False,
        "other": False,
    }
    assert found.definition == "Used to treat chronic pain"  # the rule reads what the choice means
    assert question(form(*MACRILEN), "body-mass-index-is-at-most-40-kg-m2").help is not None


def test_the_author_can_add_a_question_that_no_rule_reads() -> None:
    found = question(form(*NON_SPECIFIED), "added-compendium")
    assert (found.type, found.required, found.definition) == (AnswerType.TEXT, False, None)
    assert found.enabled == Comparison(
        "use-is-supported-by-a-standard-medical-reference-compendium", "=", True
    )


# ------------------------------------------------------------------------------- what an answer stands for


def test_a_quantity_gives_the_fact_and_not_the_criterion() -> None:
    found = question(form(*MACRILEN), "body-mass-index-is-at-most-40-kg-m2")
    assert (found.type, found.unit) == (AnswerType.QUANTITY, "kg/m2")
    assert found.definition == "Common.Latest body mass index"
    assert found.populated_by == PopulatedBy("Common", "Latest body mass index")


def test_what_nothing_in_a_record_shows_is_prefilled_by_nothing() -> None:
    assert question(form(*SITE_OF_CARE), "label-restricts-the-site-of-administration").populated_by is None


def test_a_document_is_asked_for_when_the_answer_speaks_for_coverage() -> None:
    found = [each for each in form(*DSUVIA).questions() if each.type is AnswerType.ATTACHMENT]
    proved = "non-opioid-analgesics-or-opioid-combinations-failed-or-cannot-be-used"
    assert [(each.link_id, each.documents, each.enabled) for each in found] == [
        (f"{proved}-documentation", proved, Comparison(proved, "=", True))
    ]
    assert found[0].help == catalogue().versions[2].documentation_rule


def test_a_document_that_proves_two_criteria_of_one_group_is_asked_for_once() -> None:
    documents = [each for each in form(*SITE_OF_CARE).questions() if each.documents]
    assert [each.documents for each in documents] == [
        "label-restricts-the-site-of-administration",
        "documented-adverse-event-warrants-a-more-intense-level-of-care",  # and that it cannot be managed
        "significant-comorbidity-precludes-a-less-intensive-setting",
        "concerns-about-fluid-overload-preclude-a-less-intensive-setting",
    ]


# ---------------------------------------------------------------------------------------- when it is asked


def test_alternatives_are_asked_one_after_the_other() -> None:
    assert question(form(*DEFITELIO), "has-pulmonary-dysfunction").enabled == Comparison(
        "has-renal-dysfunction", "=", False
    )


def test_what_follows_alternatives_is_asked_when_one_is_met() -> None:
    assert question(
        form(*DEFITELIO), "follows-a-hematopoietic-stem-cell-transplantation"
    ).enabled == Conditions(
        Connective.ANY,
        (
            Comparison("has-renal-dysfunction", "=", True),
            Comparison("has-pulmonary-dysfunction", "=", True),
        ),
    )


def test_a_comparison_in_the_rule_is_the_comparison_in_the_form() -> None:
    library = catalogue().versions[2].library
    fact = "Common.Latest body mass index"
    assert bound(library, "Body mass index is at most 40 kg/m2", fact) == ("<=", Decimal(40), "kg/m2")
    assert bound(library, "Is 18 years of age or older", "Common.Birth date") is None  # no literal compares


# ----------------------------------------------------------------------------------------- how it is found


def test_a_form_is_found_by_its_canonical() -> None:
    found = forms().find(f"{BASE}/fhir/dtr/Questionnaire/cigna-1701-isuprel|2024.7.1")
    assert found is forms().of("cigna-1701", "2024-07-01", "isuprel")
    assert found is not None
    assert found.canonical == f"{BASE}/fhir/dtr/Questionnaire/cigna-1701-isuprel|2024.7.1"
    assert forms().by_id("cigna-1701-isuprel", "2024.7.1") is found
    assert forms().by_id(resource_id(found)) is found


@pytest.mark.parametrize(
    ("day", "version"),
    [("2020-01-01", "2024.7.1"), ("2025-05-31", "2024.7.1"), ("2025-06-01", "2025.6.1")],
)
@pytest.mark.requirement("dtr-2.2.0@oper-9")
def test_without_a_version_the_current_one_is_found(day: str, version: str) -> None:
    found = forms().find(f"{BASE}/fhir/dtr/Questionnaire/cigna-1701-isuprel", date.fromisoformat(day))
    assert found is not None
    assert found.version == version


@pytest.mark.parametrize(
    "address",
    [
        "",
        "|",
        "cigna-1701-isuprel",
        f"{BASE}/fhir/dtr/Questionnaire/cigna-1701-isuprel|1.0.0",
        f"{BASE}/fhir/dtr/Questionnaire/cigna-1701-nothing",
        "https://other.example/fhir/dtr/Questionnaire/cigna-1701-isuprel",
    ],
)
def test_what_is_not_ours_is_not_found(address: str) -> None:
    assert forms().find(address) is None


def test_every_form_has_an_address_of_its_own() -> None:
    assert len({each.canonical for each in forms()}) == len(forms()) == len(Forms(forms())) == 15
