"""What the service decides is what the store keeps; and it decides the same without a store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.coverage_check import CoverageCheck
from cds_service.hooks.request import HookRequest, parse_hook_request
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import default_rules_directory
from cds_service.store.decisions import DecisionStore
from cds_service.store.recorder import DecisionRecorder

EXAMPLES = Path(__file__).resolve().parents[2] / "fhir_examples"
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(default_rules_directory())


def example(name: str) -> HookRequest:
    return parse_hook_request((EXAMPLES / f"{name}.json").read_bytes(), "order-sign")


def parts(answer: dict[str, Any], url: str) -> Iterator[str]:
    """The values of one sub-extension of every coverage-information in an answer."""
    for action in answer["systemActions"]:
        for extension in action["resource"].get("extension", ()):
            for part in extension.get("extension", ()):
                if part["url"] == url:
                    yield next(value for key, value in part.items() if key.startswith("value"))


def test_each_order_of_a_request_is_found_by_the_id_of_its_answer(url: str, catalogue: Catalogue) -> None:
    recorder = DecisionRecorder(url)
    check = CoverageCheck(catalogue, recorder)
    request = example("several-orders")
    ids = list(parts(check.answer(request, NOW), "coverage-assertion-id"))
    recorder.close(timeout=30)
    store = DecisionStore.open(url)
    found = [store.find(each) for each in ids]
    store.close()
    assert len(ids) == len(set(ids)) == len(request.draft_orders)
    assert [record is not None and record.catalogue_version for record in found] == [
        catalogue.version for _ in ids
    ]
    assert {record.hook_instance for record in found if record} == {request.hook_instance}


def test_an_approval_is_kept_with_its_criteria_policy_and_authorization(
    url: str, catalogue: Catalogue
) -> None:
    recorder = DecisionRecorder(url)
    answer = CoverageCheck(catalogue, recorder).answer(example("covered-macrilen-2024"), NOW)
    recorder.close(timeout=30)
    (assertion_id,) = parts(answer, "coverage-assertion-id")
    (number,) = parts(answer, "satisfied-pa-id")
    store = DecisionStore.open(url)
    record, authorization = store.find(assertion_id), store.authorization(number)
    store.close()
    assert record is not None
    assert (record.outcome, record.payer, record.product) == ("covered", "cigna", "macrilen")
    assert [(each.policy, each.version, each.outcome) for each in record.policies] == [
        ("cigna-1701", "2024-07-01", "covered")
    ]
    assert {each.status for each in record.criteria} == {"met"}
    assert any(
        reference.startswith("Observation/") for each in record.criteria for reference in each.evidence
    )
    assert authorization is not None
    assert authorization.assertion_id == assertion_id
    assert authorization.authorized_from == record.service_date


def test_the_same_order_again_is_the_same_decision(url: str, catalogue: Catalogue) -> None:
    first, second = DecisionRecorder(url), DecisionRecorder(url)
    request = example("covered-macrilen-2024")
    answers = [CoverageCheck(catalogue, recorder).answer(request, NOW) for recorder in (first, second)]
    first.close(timeout=30)
    second.close(timeout=30)
    assert [*parts(answers[0], "coverage-assertion-id")] == [*parts(answers[1], "coverage-assertion-id")]
    assert first.status().written == second.status().written == 1


def test_a_database_that_is_down_changes_no_answer(catalogue: Catalogue) -> None:
    down = DecisionRecorder("postgresql://cds@127.0.0.1:1/none", first_pause=60)
    request = example("several-orders")
    with_store = CoverageCheck(catalogue, down).answer(request, NOW)
    without = CoverageCheck(catalogue, None).answer(request, NOW)
    status = down.status(wait=30)
    down.close()
    assert list(parts(with_store, "coverage-assertion-id")) == list(parts(without, "coverage-assertion-id"))
    assert (status.healthy, status.queued) == (False, len(request.draft_orders))
