"""Forms as Questionnaires: what each DTR version demands, and what every client can rely on."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree as ET

import orjson
import pytest

from cds_service.dtr.conditions import all_of, any_of
from cds_service.dtr.effort import seconds, time_code
from cds_service.dtr.model import AnswerType, Comparison, Form, Question, Section
from cds_service.dtr.questionnaire import questionnaire
from cds_service.dtr.versions import DTR_2_0, DTR_2_2, DtrVersion
from cds_service.policies.model import Connective
from tests.dtr.shipped import (
    BASE,
    DSUVIA,
    EVERY_FORM,
    EVERY_VERSION,
    KETAMINE,
    MACRILEN,
    NON_SPECIFIED,
    SITE_OF_CARE,
    Json,
    catalogue,
    extensions,
    form,
    forms,
    items,
    packages,
    questions,
)

QUOTED = r"it\'s"
ALL = [(named, version) for named in EVERY_FORM for version in EVERY_VERSION]


def made(named: tuple[str, str, str], version: DtrVersion) -> Json:
    return packages().questionnaire(form(*named), version)


# ---------------------------------------------------------------------------------------------- every form


@pytest.mark.parametrize(("named", "version"), ALL)
def test_it_is_a_valid_questionnaire(named: tuple[str, str, str], version: DtrVersion) -> None:
    models = importlib.import_module("fhir.resources.R4B")
    models.get_fhir_model_class("Questionnaire").model_validate(made(named, version))


@pytest.mark.parametrize(("named", "version"), ALL)
def test_it_says_what_it_is_and_for_whom(named: tuple[str, str, str], version: DtrVersion) -> None:
    found = made(named, version)
    assert found["meta"]["profile"] == [version.questionnaire_profile]
    assert f"{found['url']}|{found['version']}" == form(*named).canonical
    assert extensions(found, "/artifact-versionAlgorithm")[0]["valueCoding"]["code"] == "semver"
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["version"])
    assert found["subjectType"] == ["Patient"]
    assert found["status"] == "active"
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", found["name"])
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", found["id"])


@pytest.mark.parametrize(("named", "version"), ALL)
def test_it_has_a_narrative_with_every_question(named: tuple[str, str, str], version: DtrVersion) -> None:
    found = made(named, version)
    div = ET.fromstring(found["text"]["div"])
    assert div.tag == "{http://www.w3.org/1999/xhtml}div"
    told = [each.text for each in div.iter("{http://www.w3.org/1999/xhtml}li")]
    assert told == [each["text"] for each in questions(found).values()]


@pytest.mark.parametrize(("named", "version"), ALL)
def test_every_item_has_a_text_and_an_address_of_its_own(
    named: tuple[str, str, str], version: DtrVersion
) -> None:
    found = list(items(made(named, version)))
    assert all(each["text"] for each in found)
    assert len({each["linkId"] for each in found}) == len(found)


@pytest.mark.parametrize(("named", "version"), ALL)
@pytest.mark.requirement("dtr-2.2.0@sec-4")
def test_nothing_is_hidden_or_locked(named: tuple[str, str, str], version: DtrVersion) -> None:
    for each in items(made(named, version)):
        assert not each.get("readOnly")
        assert extensions(each, "hidden") == []


@pytest.mark.parametrize(("named", "version"), ALL)
@pytest.mark.requirement("dtr-2.2.0@spec-17")
def test_what_it_hangs_on_is_asked_before(named: tuple[str, str, str], version: DtrVersion) -> None:
    before: set[str] = set()
    for each in items(made(named, version)):
        for test in each.get("enableWhen", ()):
            assert test["question"] in before
        if len(each.get("enableWhen", ())) > 1:
            assert each["enableBehavior"] in ("all", "any")
        before.add(each["linkId"])


@pytest.mark.parametrize(("named", "version"), ALL)
@pytest.mark.requirement("dtr-2.2.0@spec-97", "dtr-2.2.0@spec-96")
def test_every_expression_names_a_definition_that_exists(
    named: tuple[str, str, str], version: DtrVersion
) -> None:
    found = made(named, version)
    addresses = [each["valueCanonical"] for each in extensions(found, "/cqf-library")]
    names = [each.partition("|")[0].rpartition("/")[2] for each in addresses]
    assert names[0] == form(*named).library
    for each in questions(found).values():
        for extension in extensions(each, "initialExpression"):
            said = extension["valueExpression"]
            elm = orjson.loads(said["extension"][0]["valueExpression"]["expression"])
            assert said["extension"][0]["url"] == version.alternative_expression
            assert elm["type"] == "ExpressionRef"
            assert elm["libraryName"] in names
            assert elm["name"] in library(form(*named), elm["libraryName"])
            if said["language"] == "text/cql":
                assert said["expression"] == f'"{elm["libraryName"]}"."{elm["name"]}"'
            else:
                assert (said["language"], said["expression"]) == ("text/cql-identifier", elm["name"])
                assert names == [elm["libraryName"]]  # a bare name needs a single library


def library(found: Form, name: str) -> Mapping[str, object]:
    version = catalogue().policy_version(found.policy, found.policy_version)
    assert version is not None
    known = {each.name: each for each in (version.library, *version.library.includes.values())}
    return known[name].definitions


# -------------------------------------------------------------------------------------- kinds of questions


def test_a_question_that_the_record_can_answer_is_prefilled_by_the_library_that_decides() -> None:
    asked = questions(made(MACRILEN, DTR_2_0))
    used = extensions(asked["used-to-diagnose-adult-growth-hormone-deficiency"], "initialExpression")[0]
    assert used["valueExpression"]["expression"] == (
        '"Cigna1701Version20240701"."Used to diagnose adult growth hormone deficiency"'
    )
    index = extensions(asked["body-mass-index-is-at-most-40-kg-m2"], "initialExpression")[0]
    assert index["valueExpression"]["expression"] == '"Common"."Latest body mass index"'


def test_a_quantity_is_asked_in_its_unit() -> None:
    index = questions(made(MACRILEN, DTR_2_2))["body-mass-index-is-at-most-40-kg-m2"]
    unit = {"system": "http://unitsofmeasure.org", "code": "kg/m2", "display": "kg/m2"}
    assert extensions(index, "unitOption")[0]["valueCoding"] == unit


def test_a_choice_lists_coded_answers() -> None:
    use = questions(made(KETAMINE, DTR_2_2))["used-to-treat-chronic-pain"]
    system = "https://cds-service.example/CodeSystem/infusion-use"
    assert use["type"] == "choice"
    assert {each["valueCoding"]["system"] for each in use["answerOption"]} == {system}


def test_what_follows_a_choice_hangs_on_its_code() -> None:
    section = made(KETAMINE, DTR_2_2)["item"][1]
    coding = {
        "system": "https://cds-service.example/CodeSystem/infusion-use",
        "code": "chronic-pain",
    }
    (test,) = [each for each in section["enableWhen"] if "answerCoding" in each]
    assert test["answerCoding"].items() >= coding.items()


def test_a_document_is_required_only_when_the_answer_needs_proof() -> None:
    asked = questions(made(DSUVIA, DTR_2_2))
    (name,) = [each for each in asked if each.endswith("-documentation")]
    assert asked[name]["required"] is True
    assert asked[name]["enableWhen"] == [
        {"question": name.removesuffix("-documentation"), "operator": "=", "answerBoolean": True}
    ]
    assert extensions(asked[name], "/mimeType")[0]["valueCode"] == "application/pdf"
    assert extensions(asked[name], "/maxSize")[0]["valueDecimal"] == 2


def test_help_says_where_the_policy_demands_it() -> None:
    index = questions(made(MACRILEN, DTR_2_2))["body-mass-index-is-at-most-40-kg-m2"]
    (shown,) = index["item"]
    assert shown["type"] == "display"
    assert extensions(shown, "itemControl")[0]["valueCodeableConcept"]["coding"][0]["code"] == "help"
    assert shown["text"].endswith("Policy: Product-Specific Criteria, Macrilen, 2.")


def test_an_added_question_may_stay_open() -> None:
    assert questions(made(NON_SPECIFIED, DTR_2_2))["added-compendium"]["required"] is False


def test_it_is_in_force_as_long_as_its_policy() -> None:
    assert made(MACRILEN, DTR_2_2)["effectivePeriod"] == {"start": "2024-07-01", "end": "2025-05-31"}
    assert "effectivePeriod" not in made(SITE_OF_CARE, DTR_2_2)  # a document without date


# ------------------------------------------------------------------------------------ what versions change


def test_a_link_to_the_policy_has_a_label_since_2_2() -> None:
    page = f"{BASE}/policies/cigna-1701/2024-07-01"
    name = "used-to-diagnose-adult-growth-hormone-deficiency"
    old = extensions(questions(made(MACRILEN, DTR_2_0))[name], "questionnaire-supportLink")
    assert [each["valueUri"] for each in old] == [page]
    (new,) = extensions(questions(made(MACRILEN, DTR_2_2))[name], "questionnaire-supportHyperlink")
    assert {each["url"]: each.get("valueUri") for each in new["extension"]} == {"label": None, "link": page}


@pytest.mark.requirement("dtr-2.2.0@oper-16")
def test_libraries_are_named_with_their_version_since_2_2() -> None:
    old = [each["valueCanonical"] for each in extensions(made(MACRILEN, DTR_2_0), "/cqf-library")]
    new = [each["valueCanonical"] for each in extensions(made(MACRILEN, DTR_2_2), "/cqf-library")]
    root = f"{BASE}/fhir/dtr/Library/"
    assert old == [f"{root}Cigna1701Version20240701", f"{root}Common"]
    assert new == [f"{root}Cigna1701Version20240701|2024.7.1", f"{root}Common|1.0.0"]


@pytest.mark.requirement("dtr-2.2.0@spec-86")
def test_a_definition_of_the_only_library_has_a_bare_name_since_2_2() -> None:
    name = "follows-a-hematopoietic-stem-cell-transplantation"
    defitelio = ("cigna-1701", "2024-07-01", "defitelio")
    for version, language, expression in (
        (
            DTR_2_0,
            "text/cql",
            '"Cigna1701Version20240701"."Follows a hematopoietic stem-cell transplantation"',
        ),
        (DTR_2_2, "text/cql-identifier", "Follows a hematopoietic stem-cell transplantation"),
    ):
        (found,) = extensions(questions(made(defitelio, version))[name], "initialExpression")
        assert found["valueExpression"]["language"] == language
        assert found["valueExpression"]["expression"] == expression


def test_audience_and_effort_are_told_since_2_2() -> None:
    assert extensions(made(SITE_OF_CARE, DTR_2_0), "estimated-completion-time") == []
    found = made(SITE_OF_CARE, DTR_2_2)
    assert extensions(found, "questionnaireAudience")[0]["valueCode"] == "clinical"
    (effort,) = extensions(found, "estimated-completion-time")
    assert {each["url"]: each["valueCode"] for each in effort["extension"]} == {
        "clinicalTime": "under-3min",
        "totalTime": "under-3min",
    }


def test_the_effort_is_that_of_the_longest_way_through_the_form() -> None:
    # five yes-or-no answers, and the documents of one exception
    assert seconds(form(*SITE_OF_CARE)) == 5 * 15 + 60
    codes = {
        each.statement: time_code(seconds(each)) for each in forms() if each.policy_version == "2024-07-01"
    }
    assert codes["macrilen"] == "under-1min"
    assert codes["isuprel"] == "under-3min"


@pytest.mark.requirement("dtr-2.2.0@spec-22")
def test_where_the_clinical_part_is_over_a_sentence_says_so() -> None:
    alabama = ("bcbs-al-mp-446", "2024-10-01", "chronic-pain")
    order, plan = made(alabama, DTR_2_2)["item"]
    assert plan["item"][0]["type"] == "display"
    assert plan["item"][0]["text"].startswith("The clinical part is complete.")
    assert all(each["type"] != "display" for each in order["item"])
    audience = [each["valueCode"] for each in extensions(made(alabama, DTR_2_2), "questionnaireAudience")]
    assert audience == ["clinical", "admin"]
    (effort,) = extensions(made(alabama, DTR_2_2), "estimated-completion-time")
    assert {each["url"]: each["valueCode"] for each in effort["extension"]} == {
        "clinicalTime": "under-1min",
        "totalTime": "under-3min",
    }


# ---------------------------------------------------------------------- what no list of enableWhen can say


def nested() -> Form:
    test = all_of(
        [
            any_of([Comparison("a", "=", True), Comparison("b", ">", Decimal("40.5"))]),
            any_of([Comparison("c", "exists", True), Comparison("it's", "=", False)]),
        ]
    )
    assert not isinstance(test, bool)
    asked = Question("d", "D & <D>?", AnswerType.BOOLEAN, "D", "D", enabled=test)
    return replace(form(*MACRILEN), items=(Section("s", "S", Connective.ALL, (asked,)),))


def test_a_nest_of_conditions_becomes_an_expression() -> None:
    found = questions(questionnaire(nested(), DTR_2_2))["d"]
    assert "enableWhen" not in found
    (said,) = extensions(found, "enableWhenExpression")
    answer = "%resource.descendants().where(linkId = '{}').answer.value"
    assert said["valueExpression"] == {
        "language": "text/fhirpath",
        "expression": (
            f"(({answer.format('a')}.where($this = true).exists()"
            f" or {answer.format('b')}.where($this.value > 40.5).exists())"
            f" and ({answer.format('c')}.exists()"
            f" or {answer.format(QUOTED)}"
            ".where($this = false).exists()))"
        ),
    }


def test_words_of_authors_are_no_markup() -> None:
    assert "<li>D &amp; &lt;D&gt;?</li>" in questionnaire(nested(), DTR_2_2)["text"]["div"]
