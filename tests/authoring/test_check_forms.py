"""`rules check`: mistakes in the questions of a policy are found before anybody is asked them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.authoring.build import build_rules
from cds_service.authoring.check import check_folder
from cds_service.authoring.check_forms import check_forms
from cds_service.authoring.rule_folder import RuleFolder
from tests.authoring.rule_folder import VERSION, edit

CQL = f"{VERSION}/criteria.cql"
POLICY = f"{VERSION}/policy.yaml"
STATURE = "Ordered for short stature"


def findings(folder: Path) -> list[str]:
    return [str(each) for each in check_folder(folder)]


def about_forms(folder: Path) -> list[str]:
    return sorted(str(each) for each in check_forms(RuleFolder.open(folder)))


def say(folder: Path, *lines: str) -> None:
    """Add `questions` to the policy."""
    path = folder / POLICY
    text = path.read_text("utf-8") + "\nquestions:\n" + "".join(f"  {line}\n" for line in lines)
    path.write_text(text, "utf-8")


def test_words_choices_and_more_questions_are_in_order(rules: Path) -> None:
    say(
        rules,
        f"- criterion: {STATURE}",
        "  text: What is Growmore ordered for?",
        "  help: The diagnosis counts.",
        "  choices:",
        "    - {code: short, display: Short stature, means: true}",
        "    - {code: other, display: Another reason, means: false}",
        "    - {code: unsure, display: Not decided, means: null}",
        "- group: Still growing",
        "  text: Whether the patient is still growing",
        "- added: height",
        f"  after: {STATURE}",
        "  when: met",
        "  text: How tall is the patient?",
        "  type: quantity",
        "  unit: cm",
    )
    assert findings(rules) == []


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        (["- criterion: Nobody", "  text: Who?"], "criterion: 'Nobody' is not defined in library Acme7"),
        (
            [f"- criterion: {STATURE}", "  text: a", f"- criterion: {STATURE}", "  text: b"],
            "criterion: 'Ordered for short stature' stands twice",
        ),
        (["- {text: Who?}"], "must name one of criterion, group or added"),
        (
            ["- {added: x, text: X, type: choice}"],
            "type: a choice needs `choices`, a quantity a `unit`, and nothing else has them",
        ),
        (["- {added: x, text: X, type: text, when: often}"], "when: must be one of answered, met, not-met"),
        (["- {added: x, text: X, type: picture}"], "type: must be one of boolean, quantity"),
        (
            [
                f"- criterion: {STATURE}",
                "  choices:",
                "    - {system: none, code: a, display: A, means: true}",
            ],
            "system: 'none' is not in catalog/code_systems.yaml",
        ),
        (
            [
                f"- criterion: {STATURE}",
                "  choices:",
                "    - {code: a, display: A, means: true}",
                "    - {code: a, display: B, means: false}",
            ],
            "code: a is listed twice",
        ),
    ],
)
def test_what_does_not_load(rules: Path, lines: list[str], finding: str) -> None:
    say(rules, *lines)
    found = findings(rules)
    assert any(POLICY in each for each in found)
    with pytest.raises(Exception, match=r"questions\[") as raised:
        RuleFolder.open(rules)
    assert finding in str(raised.value)


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        (
            ["- criterion: Growmore is medically necessary", "  text: Is it?"],
            "questions: Growmore is medically necessary: no form asks this criterion",
        ),
        (
            [f"- group: {STATURE}", "  text: Why"],
            "questions: Ordered for short stature: no form has this group of criteria",
        ),
        (
            ["- {added: x, text: X, type: text, statement: other}"],
            "questions: x: there is no statement other",
        ),
        (
            ["- {added: x, text: X, type: text, after: Still growing}"],
            "questions: x: no form asks 'Still growing', after which it stands",
        ),
        (
            [
                f"- criterion: {STATURE}",
                "  choices: [{code: a, display: A, means: true}, {code: b, display: B}]",
            ],
            f"questions: {STATURE}: one choice must mean true and one false, else the answer decides nothing",
        ),
        (
            [
                f"- criterion: {STATURE}",
                "  choices: [{code: a, display: A, means: true}, {code: b, display: B, means: false}]",
                f"  populated_by: {STATURE}",
            ],
            f"questions: {STATURE}: populated_by gives System.Boolean, not a code",
        ),
    ],
)
def test_what_loads_and_makes_no_sense(rules: Path, lines: list[str], finding: str) -> None:
    say(rules, *lines)
    assert findings(rules) == [f"{POLICY}: {finding}"]


def test_what_staff_can_answer_comes_last(rules: Path) -> None:
    say(rules, "- {group: Growmore is medically necessary, text: All, administrative: true}")
    assert about_forms(rules) == []
    say_more = "questions:\n  - added: x\n    text: More?\n    type: text\n"
    edit(rules, POLICY, "questions:\n", say_more)
    assert about_forms(rules) == [
        f"{POLICY}: form of growmore: 'More?' comes after a group that is administrative, so that the "
        "clinician cannot hand over"
    ]


def test_answers_that_give_nothing_a_rule_reads(rules: Path) -> None:
    edit(rules, CQL, "@question: Is Growmore ordered for short stature?", "@answer: choice")
    edit(
        rules, CQL, "@question: What is the patient's date of birth?", "@answer: date\n@question: When born?"
    )
    edit(
        rules,
        CQL,
        "@question: Does an X-ray show open growth plates?",
        "@answer: quantity\n@question: How open?\n@fact: Still growing",
    )
    assert build_rules(rules).errors == ()
    name_it = "name the definition that the answer gives in @fact"
    list_them = "list the `choices` under `questions` in policy.yaml"
    made_of_name = "has no @question, so it is asked in words made of its name"
    assert about_forms(rules) == [
        f"{CQL}: Growth plates are open: @answer is quantity: name its UCUM unit in @unit",
        f"{CQL}: Growth plates are open: @fact 'Still growing' gives System.Boolean, not System.Quantity",
        f"{CQL}: Is under 18 years of age: @answer is date: {name_it}",
        f"{CQL}: Ordered for short stature: @answer is choice: {list_them}",
        f"{POLICY}: form of growmore: 'Ordered for short stature' {made_of_name}",
    ]


def test_a_library_whose_version_is_no_version_of_a_questionnaire(rules: Path) -> None:
    edit(rules, CQL, "version '2024.1.1'", "version '2024'")
    assert build_rules(rules).errors == ()
    assert about_forms(rules) == [
        f"{POLICY}: form of growmore: the library's version '2024' is no semantic version (2024.7.1)"
    ]
