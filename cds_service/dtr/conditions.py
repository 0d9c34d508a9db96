"""Conditions on answers: how they are put together, and which questions they let through."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from cds_service.dtr.model import Comparison, Condition, Conditions, Form, Option, Question, Section
from cds_service.policies.model import Connective

Test = Condition | bool
"""A condition, or what is always or never so."""

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def all_of(tests: Iterable[Test]) -> Test:
    """A test that holds when all of them do."""
    return _joined(Connective.ALL, tests, settling=False)


def any_of(tests: Iterable[Test]) -> Test:
    """A test that holds when one of them does."""
    return _joined(Connective.ANY, tests, settling=True)


def condition(test: Test) -> Condition | None:
    """A test as the condition of an item; None when it always holds."""
    if test is False:
        raise ValueError("an item that is never asked belongs on no form")
    return None if test is True else test


def is_plain(test: Test) -> bool:
    """Whether a test is one comparison or one list of them, as enableWhen can say it."""
    return not isinstance(test, Conditions) or all(isinstance(each, Comparison) for each in test.parts)


def asked(form: Form, answers: Mapping[str, object]) -> frozenset[str]:
    """Link ids of the questions that are enabled, given the answers by link id.

    An answer is a bool, a number in the unit of its question, an Option (or its (system, code)), a date or
    whatever else was given; None is no answer. As FHIR says of enableWhen, an answer to a question that is
    not enabled counts as none; so the answer is the least set that is consistent.
    """
    enabled: set[str] = set()
    while True:
        found = set(_enabled(form.items, {key: answers[key] for key in enabled if key in answers}))
        if found <= enabled:
            return frozenset(enabled)
        enabled |= found


def holds(test: Condition, answers: Mapping[str, object]) -> bool:
    """Whether a condition holds for the answers by link id; one on an unanswered question does not."""
    if isinstance(test, Conditions):
        parts = (holds(each, answers) for each in test.parts)
        return all(parts) if test.connective is Connective.ALL else any(parts)
    answer = answers.get(test.link_id)
    if answer is None:
        return test.operator == "exists" and test.value is False
    if test.operator == "exists":
        return test.value is True
    if test.operator in ("=", "!="):
        return _equal(answer, test.value) is (test.operator == "=")
    if isinstance(answer, Decimal | int) and not isinstance(test.value, Option):
        return _ORDERS[test.operator](answer, test.value)
    return False


def _equal(answer: object, value: bool | Decimal | Option) -> bool:
    if isinstance(value, Option):
        return isinstance(answer, tuple) and answer[:2] == value[:2]
    return answer == value


def _enabled(items: Iterable[Section | Question], answers: Mapping[str, object]) -> Iterable[str]:
    for item in items:
        if item.enabled is not None and not holds(item.enabled, answers):
            continue
        if isinstance(item, Question):
            yield item.link_id
        else:
            yield from _enabled(item.children, answers)


def _joined(connective: Connective, tests: Iterable[Test], settling: bool) -> Test:
    parts: dict[Condition, None] = {}
    for test in tests:
        if isinstance(test, bool):
            if test is settling:
                return settling
        elif isinstance(test, Conditions) and test.connective is connective:
            parts.update(dict.fromkeys(test.parts))
        else:
            parts[test] = None
    if not parts:
        return not settling
    return next(iter(parts)) if len(parts) == 1 else Conditions(connective, tuple(parts))
