"""An order that was answered about is known to every worker, on either database."""

from __future__ import annotations

from decimal import Decimal

from cds_service.cql.values import Quantity
from cds_service.decisions.model import Outcome
from tests.coverage_check.calls import call, chart, found, said
from tests.coverage_check.desk import Desk, filled
from tests.coverage_check.test_documentation import BMI, NOW


def test_one_worker_asks_another_is_answered_and_a_third_knows(url: str) -> None:
    workers = [Desk(url) for _ in range(3)]
    request = call(prefetch=chart(observations=found()))
    asked = said(workers[0].check.answer(request, NOW))
    assert asked["doc-needed"] == ["clinical"]
    documentation = workers[1].documentation
    opened = documentation.open(asked["coverage-assertion-id"][0], None)
    (form,) = opened.forms
    given = {BMI: Quantity(Decimal("24.2"), "kg/m2")}
    sent = filled(opened, form, given, documentation.prefilled(opened, form))
    documentation.save_draft(opened, form, {**sent, "status": "in-progress"}, NOW)
    decided = documentation.submit(opened, [sent], NOW)
    assert decided.determination.outcome is Outcome.COVERED
    known = said(workers[2].check.answer(request, NOW))
    assert known["satisfied-pa-id"] == [decided.authorization_number]
    assert known["coverage-assertion-id"] == [decided.assertion.identifiers.assertion_id]
    for worker in workers:
        worker.close()
