"""What the chart and the order answer by themselves: values of the rules' own definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from cds_service.cql import CompiledLibrary, CqlRuntimeError, Evaluation
from cds_service.cql.values import Code, Concept, Date, DateTime, Quantity
from cds_service.cql.values.units import UnitMismatch, convert
from cds_service.decisions.statement import NotATruthValueError, truth
from cds_service.dtr.model import AnswerType, Form, Option, PopulatedBy, Question

_NOT_TOLD: Final = (CqlRuntimeError, NotATruthValueError)


def prefilled(form: Form, library: CompiledLibrary, chart: Evaluation) -> dict[str, Any]:
    """Values by link id (bool, Quantity in the question's unit, Date, Option) of what is known.

    `chart` is the traced evaluation of the policy's `library` without answers.
    """
    found: dict[str, Any] = {}
    for question in form.questions():
        try:
            value = _value(question, library, chart)
        except _NOT_TOLD:  # the decision itself says so
            continue
        if value is not None:
            found[question.link_id] = value
    return found


def _value(question: Question, library: CompiledLibrary, chart: Evaluation) -> Any:
    name = question.definition
    if name is None:
        return None
    if question.type is AnswerType.BOOLEAN:
        return truth(chart.trace(name))
    if question.type is AnswerType.CHOICE:
        return _option(question, library, chart)
    if question.criterion is not None and truth(chart.trace(question.criterion)) is None:
        return None  # such as a date of birth that is only a year: it answers nothing
    if question.type is AnswerType.QUANTITY:
        found = _quantity(chart.value(name), question.unit or "1")
        return found if found is not None and question.can_be(found.value) else None
    if question.type is AnswerType.DATE:
        value = chart.value(name)
        if isinstance(value, DateTime):
            return Date(*(part for part in (value.year, value.month, value.day) if part is not None))
        return value if isinstance(value, Date) else None
    return None


def _quantity(value: Any, unit: str) -> Quantity | None:
    if not isinstance(value, Quantity):
        return None
    try:
        return Quantity(convert(value.value, value.unit, unit), unit)
    except UnitMismatch:
        return None


def _option(question: Question, library: CompiledLibrary, chart: Evaluation) -> Option | None:
    """The option that means what the criterion is; of several, the one whose code the chart holds.

    Where the criterion is open, a code on the chart is no answer yet.
    """
    known = truth(chart.trace(question.definition or ""))
    options = [each for each in question.options if known is not None and each.means is known]
    if len(options) > 1 and question.populated_by is not None:
        name = _local(question.populated_by, library)
        codes = set(_codes(chart.value(name))) if name is not None else set()
        options = [each for each in options if (each.system, each.code) in codes]
    return options[0] if len(options) == 1 else None


def _local(populated: PopulatedBy, library: CompiledLibrary) -> str | None:
    """The definition as the library itself would name it."""
    if populated.library == library.name:
        return populated.definition
    aliases = (alias for alias, each in library.includes.items() if each.name == populated.library)
    alias = next(aliases, None)
    return f"{alias}.{populated.definition}" if alias is not None else None


def _codes(value: Any) -> Iterator[tuple[str | None, str]]:
    if isinstance(value, Code):
        yield value.system, value.code
    elif isinstance(value, Concept):
        yield from _codes(value.codes)
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for each in value:
            yield from _codes(each)
