"""What the database holds after a run, against what clients were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from cds_service.store.schema import coverage_assertion, invocation
from cds_service.store.upgrade import open_current
from tests.load.clients import Given


def compare(database_url: str, given: Sequence[Given]) -> list[str]:
    """Everything that is not as it must be; [] when each answer is stored once, as its sender's."""
    engine = open_current(database_url)
    try:
        with engine.connect() as connection:
            decisions = {
                row.assertion_id: row
                for row in connection.execute(
                    select(
                        coverage_assertion.c.assertion_id,
                        coverage_assertion.c.order_reference,
                        coverage_assertion.c.hook_instance,
                    )
                )
            }
            calls = connection.execute(
                select(
                    invocation.c.hook_instance,
                    invocation.c.client,
                    invocation.c.assertion_ids,
                    invocation.c.orders,
                ).where(invocation.c.status == 200)
            ).all()
    finally:
        engine.dispose()
    told = {name: each for each in given for name in each.assertion_ids}
    problems = [f"answered and not stored: {name}" for name in told.keys() - decisions.keys()]
    problems += [f"stored and never answered: {name}" for name in decisions.keys() - told.keys()]
    if len(told) != sum(len(each.assertion_ids) for each in given):
        problems.append("one assertion id stands for several answers")
    for each in given:
        for name, order in zip(each.assertion_ids, each.order_references, strict=True):
            row = decisions.get(name)
            if row is not None and (row.order_reference, row.hook_instance) != (order, each.hook_instance):
                problems.append(f"stored with another call's order: {name}")
    logged = Counter(row.hook_instance for row in calls)
    by_instance = {each.hook_instance: each for each in given}
    for row in calls:
        mine = by_instance.get(row.hook_instance)
        if mine is None or (row.client, tuple(row.assertion_ids)) != (mine.tenant, mine.assertion_ids):
            problems.append(f"logged for another client or with other decisions: {row.hook_instance}")
        elif row.orders != len(mine.assertion_ids):
            problems.append(f"logged with {row.orders} orders: {row.hook_instance}")
    for each in given:
        if not 1 <= logged[each.hook_instance] <= each.tries:
            problems.append(f"logged {logged[each.hook_instance]} times: {each.hook_instance}")
    return problems
