"""What is kept of one decision: references and codes of what was used, never its content."""

from __future__ import annotations

from datetime import datetime

from cds_service import __version__
from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.respond import earlier_assertion
from cds_service.orders.model import DrugOrder
from cds_service.store.model import DecisionRecord, RecordedCriterion, RecordedPolicy


def decision_record(
    assertion: CoverageAssertion,
    order: DrugOrder | None,
    *,
    catalogue_version: str,
    crd_version: str | None,
    hook_instance: str | None,
    now: datetime,
    hook: str | None = None,
    client: str | None = None,
) -> DecisionRecord:
    """The record of an assertion; `order` is None for orders that are no drug orders. `now` must be aware."""
    determination, identifiers = assertion.determination, assertion.identifiers
    service = determination.service_date
    return DecisionRecord(
        assertion_id=identifiers.assertion_id,
        facts_digest=identifiers.facts_digest,
        order_reference=determination.order,
        coverage_reference=assertion.coverage.reference,
        payer=assertion.payer.id,
        product=order.drug.product if order is not None else None,
        outcome=determination.outcome.value,
        policies=tuple(
            RecordedPolicy(each.policy, each.version, each.statement, each.outcome.value)
            for each in determination.policies
        ),
        criteria=tuple(
            RecordedCriterion(each.id, each.status.value, each.evidence, each.attested)
            for each in determination.criteria
        ),
        service_date=service.date if service is not None else None,
        authorization_number=identifiers.authorization_number if assertion.satisfied else None,
        hook_instance=hook_instance,
        engine_version=__version__,
        catalogue_version=catalogue_version,
        decided_at=now,
        crd_version=crd_version,
        authorized_from=determination.allowed_from if assertion.satisfied else None,
        authorized_to=determination.allowed_to if assertion.satisfied else None,
        hook=hook,
        client=client,
        earlier_assertion_id=earlier_assertion(assertion.resource, assertion.coverage.reference),
    )
