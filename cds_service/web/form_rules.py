"""When a question is asked: for the page's script as data, for people without script in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from cds_service.dtr.conditions import holds
from cds_service.dtr.model import Comparison, Condition, Form, Option, Question, Section
from cds_service.policies.model import Connective
from cds_service.web.form_entries import option_key

Rules = tuple[Condition, ...]  # of a question and of the sections around it: all must hold
_SIGNS: Final = {"<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least"}


def rules_by_question(form: Form) -> dict[str, Rules]:
    """The conditions under which each question is asked, outermost first."""
    found: dict[str, Rules] = {}

    def walk(items: tuple[Section | Question, ...], above: Rules) -> None:
        for item in items:
            here = above if item.enabled is None else (*above, item.enabled)
            if isinstance(item, Question):
                found[item.link_id] = here
            else:
                walk(item.children, here)

    walk(form.items, ())
    return found


def may_be_asked(form: Form, answers: Mapping[str, object]) -> frozenset[str]:
    """Link ids of the questions that are asked, or may be once those before them are answered."""
    rules = rules_by_question(form)
    possible = set(rules)
    while True:
        counted = {key: answer for key, answer in answers.items() if key in possible}
        kept = {key for key in possible if all(_possible(each, counted, possible) for each in rules[key])}
        if kept == possible:
            return frozenset(possible)
        possible = kept


def as_data(condition: Condition) -> Any:
    """A condition for JSON: [link id, operator, value], or {"all" | "any": [...]}.

    Numbers are texts, options "system|code".
    """
    if isinstance(condition, Comparison):
        value: Any = condition.value
        if isinstance(value, Option):
            value = option_key(value)
        elif isinstance(value, Decimal):
            value = str(value)
        return [condition.link_id, condition.operator, value]
    name = "all" if condition.connective is Connective.ALL else "any"
    return {name: [as_data(each) for each in condition.parts]}


def in_words(rules: Rules, name: Callable[[str], str | None]) -> str:
    """When a question is asked, by the innermost rule: the others hold by then ("question 1 is yes").

    `name` gives what people call a question on the page; one without a name has its answer already.
    """
    said = (_said(each, name) for each in reversed(rules))
    return next(filter(None, said), "")


def _possible(condition: Condition, answers: Mapping[str, object], possible: set[str]) -> bool:
    if isinstance(condition, Comparison):
        if condition.link_id not in possible:
            return holds(condition, {})
        return answers.get(condition.link_id) is None or holds(condition, answers)
    parts = (_possible(each, answers, possible) for each in condition.parts)
    return all(parts) if condition.connective is Connective.ALL else any(parts)


def _said(condition: Condition, name: Callable[[str], str | None]) -> str:
    if isinstance(condition, Comparison):
        called = name(condition.link_id)
        return "" if called is None else f"{called} {_test(condition)}"
    joint = " and " if condition.connective is Connective.ALL else " or "
    return joint.join(filter(None, (_said(each, name) for each in condition.parts)))


def _test(comparison: Comparison) -> str:
    value = comparison.value
    if comparison.operator == "exists":
        return "is answered" if value is True else "is not answered"
    if comparison.operator in _SIGNS:
        return f"{_SIGNS[comparison.operator]} {value}"
    shown = (
        f"“{value.display}”" if isinstance(value, Option) else {True: "yes", False: "no"}.get(bool(value), "")
    )
    return f"is {shown}" if comparison.operator == "=" else f"is not {shown}"
