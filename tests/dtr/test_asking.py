"""What is asked follows the policy's tree: a question is open exactly as long as the conclusion is.

The conditions are read from the Questionnaire as any client reads them, by an evaluator of enableWhen that is
the test's own: an answer to an item that is not enabled counts as none (FHIR, Questionnaire.item.enableWhen).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from cds_service.dtr.conditions import asked
from cds_service.dtr.model import AnswerType, Form, Question
from cds_service.dtr.questionnaire import items as questionnaire_items
from cds_service.dtr.versions import DTR_2_2
from cds_service.policies.criteria import criterion_id
from cds_service.policies.model import (
    Connective,
    CriteriaGroup,
    CriteriaNode,
    Criterion,
    Statement,
)
from tests.dtr.made import made
from tests.dtr.shipped import EVERY_FORM, NEVER_ASKED, Json, catalogue, form

EXHAUSTIVE = 7  # questions; beyond, a sample of the answers
SAMPLE = 1500

Answers = Mapping[str, Any]


# ---------------------------------------------------------------------------------- enableWhen, read again


def enabled(item: list[Json], answers: Answers) -> set[str]:
    """The questions that a client shows, once everything that hangs on hidden ones is hidden too."""
    shown: set[str] = set()
    while True:
        found = set(_shown(item, {key: value for key, value in answers.items() if key in shown}))
        if found == shown:
            return shown
        shown = found


def _shown(item: list[Json], answers: Answers) -> Iterator[str]:
    for each in item:
        tests = [_test(test, answers) for test in each.get("enableWhen", ())]
        if tests and not (all(tests) if each.get("enableBehavior", "all") == "all" else any(tests)):
            continue
        if each["type"] == "group":
            yield from _shown(each["item"], answers)
        elif each["type"] != "display":
            yield each["linkId"]


def _test(test: Json, answers: Answers) -> bool:
    answer = answers.get(test["question"])
    if test["operator"] == "exists":
        return (answer is not None) is test["answerBoolean"]
    if answer is None:
        return False
    if "answerQuantity" in test:
        value = test["answerQuantity"]["value"]
        compare = {"<=": answer <= value, "<": answer < value, ">": answer > value, ">=": answer >= value}
        return bool(compare[test["operator"]])
    assert test["operator"] == "="
    if "answerCoding" in test:
        return bool(answer == (test["answerCoding"]["system"], test["answerCoding"]["code"]))
    return answer is test["answerBoolean"]


# --------------------------------------------------------------------------------------- the policy's tree


def kleene(node: CriteriaNode, values: Mapping[str, bool | None]) -> bool | None:
    if isinstance(node, Criterion):
        return values.get(node.id)
    parts = [kleene(each, values) for each in node.children]
    if node.connective is Connective.ALL:
        return False if False in parts else None if None in parts else True
    found = True if True in parts else None if None in parts else False
    return found if node.connective is Connective.ANY or found is None else not found


def whole(statement: Statement) -> CriteriaNode:
    """Scope and criteria together: what is out of scope needs no further answer."""
    if statement.scope is None:
        return statement.criteria
    return CriteriaGroup(Connective.ALL, (statement.scope, statement.criteria))


def choices(question: Question) -> list[Any]:
    """Answers that make the criterion true and false, and none."""
    match question.type:
        case AnswerType.QUANTITY:
            return [None, 40.0, 40.5]
        case AnswerType.DATE:
            return [None, "1970-02-03"]
        case AnswerType.CHOICE:
            meaning = {each.means: (each.system, each.code) for each in question.options}
            return [None, meaning[True], meaning[False]]
        case _:
            return [None, True, False]


def meant(question: Question, answer: Any) -> bool | None:
    """What an answer makes of its criterion, by the words of the policy."""
    match question.type:
        case AnswerType.QUANTITY:
            return None if answer is None else answer <= 40
        case AnswerType.DATE:
            return None if answer is None else True
        case AnswerType.CHOICE:
            return next((each.means for each in question.options if each[:2] == answer), None)
        case _:
            assert answer is None or isinstance(answer, bool)
            return answer


def answerings(questions: list[Question]) -> Iterable[dict[str, Any]]:
    columns = [choices(each) for each in questions]
    names = [each.link_id for each in questions]
    if len(questions) <= EXHAUSTIVE:
        return (dict(zip(names, row, strict=True)) for row in itertools.product(*columns))
    chance = random.Random(len(questions))
    rows = []
    for _ in range(SAMPLE):
        # A run of questions from the first one, answered mostly alike to get to the last.
        known, lean = chance.randint(0, len(questions)), chance.choice((0.05, 0.5, 0.95))
        rows.append(
            {
                name: (column[1] if chance.random() < lean else column[-1])
                if position < known
                else chance.choice(column)
                for position, (name, column) in enumerate(zip(names, columns, strict=True))
            }
        )
    return rows


# ------------------------------------------------------------------------------------------- shipped forms


@pytest.mark.parametrize("named", EVERY_FORM)
@pytest.mark.requirement("dtr-2.2.0@spec-17")
def test_a_question_is_open_exactly_as_long_as_the_conclusion_is(named: tuple[str, str, str]) -> None:
    version = catalogue().policy_version(*named[:2])
    assert version is not None
    tree = whole(next(each for each in version.statements if each.id == named[2]))
    found = form(*named)
    item = list(questionnaire_items(found, DTR_2_2))
    questions = [each for each in found.questions() if each.definition is not None]
    for given in answerings(questions):
        shown = enabled(item, given)
        values = {
            each.link_id: meant(each, given[each.link_id]) for each in questions if each.link_id in shown
        }
        unanswered = [each.link_id for each in questions if values.get(each.link_id, True) is None]
        conclusion = kleene(tree, values | NEVER_ASKED)
        assert (conclusion is None) == bool(unanswered), (given, shown)
        assert len(unanswered) <= 1  # one after the other


@pytest.mark.parametrize("named", EVERY_FORM)
def test_the_service_asks_what_a_client_shows(named: tuple[str, str, str]) -> None:
    found = form(*named)
    item = list(questionnaire_items(found, DTR_2_2))
    questions = [each for each in found.questions() if each.definition is not None]
    for given in itertools.islice(answerings(questions), 300):
        assert asked(found, given) == enabled(item, given)


# ---------------------------------------------------------------------------------------- made-up policies


def random_tree(chance: random.Random, names: list[str], depth: int = 0) -> CriteriaNode:
    if depth == 3 or (depth and chance.random() < 0.45):
        name = chance.choice(names)
        return Criterion(criterion_id(name), name, "1", f"{name}?")
    connective = chance.choice([Connective.ALL, Connective.ANY, Connective.ALL, Connective.NOT])
    count = 1 if connective is Connective.NOT else chance.randint(2, 3)
    children = tuple(random_tree(chance, names, depth + 1) for _ in range(count))
    return CriteriaGroup(connective, children)


def once(chance: random.Random) -> CriteriaNode:
    """A tree in which no criterion stands twice."""
    counter = itertools.count()

    class Names(list[str]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, _: Any) -> Any:
            return f"Criterion {next(counter)}"

    return random_tree(chance, Names())


def asks_of(found: Form) -> list[Question]:
    return list(found.questions())


@pytest.mark.parametrize("seed", range(60))
def test_any_tree_is_asked_as_long_as_it_is_open(seed: int) -> None:
    tree = once(random.Random(seed))
    found = made(tree)
    questions = asks_of(found)
    item = list(questionnaire_items(found, DTR_2_2))
    for given in itertools.islice(answerings(questions), 250):
        shown = enabled(item, given)
        values = {name: given[name] for name in shown}
        is_asked = any(value is None for value in values.values())
        assert (kleene(tree, values) is None) == is_asked


@pytest.mark.parametrize("seed", range(40))
def test_a_criterion_in_several_places_is_one_question_and_no_answer_is_a_dead_end(seed: int) -> None:
    chance = random.Random(seed)
    tree = random_tree(chance, ["A", "B", "C", "D"])
    found = made(tree)
    questions = asks_of(found)
    assert len({each.link_id for each in questions}) == len(questions)
    for given in itertools.islice(answerings(questions), 81):
        shown = asked(found, given)
        values = {name: given[name] for name in shown}
        if kleene(tree, values) is None:
            assert any(value is None for value in values.values()), (tree, given)
