"""What prefills a choice is what the rules make of the same chart, in this engine and in any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path

from cds_service.cql import Evaluation
from cds_service.cql.values import Code
from cds_service.decisions.attestation import Attested
from cds_service.decisions.statement import truth
from cds_service.dtr.model import AnswerType, Form
from tests.coverage_check.calls import catalogue
from tests.coverage_check.desk import Desk, forms, golden, prepared


def charts_of_choices(desk: Desk) -> Iterator[tuple[str, Form, Evaluation]]:
    """Every golden case of a policy version with a choice on a form: that form, and the chart it is about."""
    with_choices = [
        form for form in forms() if any(each.type is AnswerType.CHOICE for each in form.questions())
    ]
    for label in golden():
        ours = [form for form in with_choices if label.startswith(f"{form.policy}/{form.policy_version}:")]
        if not ours:
            continue
        case, charts = prepared(label), Attested({})
        now = datetime.combine(case.case.today, time(12), UTC)
        desk.check.determine(case.order, case.index, case.coverage, now.date(), now, attested=charts)
        for form in ours:
            if form.policy in charts.charts:
                yield label, form, charts.charts[form.policy]


def test_an_expression_fills_a_choice_only_where_the_rules_know_the_same(tmp_path: Path) -> None:
    """A DTR app runs nothing but the expression: it has to be silent where the criterion is open."""
    desk = Desk.at(tmp_path)
    filled = 0
    for label, form, chart in charts_of_choices(desk):
        version = catalogue().policy_version(form.policy, form.policy_version)
        assert version is not None
        alias = {each.name: alias for alias, each in version.library.includes.items()}
        for question in form.questions():
            source = question.populated_by
            if question.type is not AnswerType.CHOICE or source is None:
                continue
            value = chart.value(f"{alias[source.library]}.{source.definition}")
            if isinstance(value, Code):
                (option,) = (each for each in question.options if each.code == value.code)
                assert option.means is truth(chart.trace(question.definition or "")), label
                filled += 1
    desk.close()
    assert filled > 50
