"""Queries over several sources, with relationships, return, sort and aggregate."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cql.sample import Chart, evaluate, observation

SUBJECT = {"reference": "Patient/p1"}


def encounter(identity: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Encounter", "id": identity} | elements


@pytest.mark.parametrize("trace", [False, True])
class TestQueries:
    def test_with_and_without(self, trace: bool) -> None:
        seen = observation("seen", subject=SUBJECT)
        alone = observation("alone", subject={"reference": "Patient/p2"})
        visit = encounter("e", subject=SUBJECT)
        ill = {"resourceType": "Condition", "id": "c", "subject": SUBJECT}
        assert evaluate(Chart(seen, alone, visit), trace=trace).value("Related") == ["seen"]
        assert evaluate(Chart(seen, alone, visit, ill), trace=trace).value("Related") == []

    def test_several_sources_with_a_let(self, trace: bool) -> None:
        chart = Chart(
            observation("o1", subject=SUBJECT),
            observation("o2"),
            encounter("e1", subject=SUBJECT),
            encounter("e2", subject=SUBJECT),
        )
        assert evaluate(chart, trace=trace).value("Pairs") == [
            {"observation": "o1", "encounter": "e1"},
            {"observation": "o1", "encounter": "e2"},
        ]

    def test_return_drops_repetitions_unless_all(self, trace: bool) -> None:
        evaluation = evaluate(trace=trace)
        assert evaluation.value("Distinct") == [1, 2]
        assert evaluation.value("All") == [1, 2, 2]

    def test_aggregate(self, trace: bool) -> None:
        evaluation = evaluate(trace=trace)
        assert evaluation.value("Total") == 19
        assert evaluation.value("Distinct total") == 16

    def test_sort_of_the_result(self, trace: bool) -> None:
        chart = Chart(*(observation(one) for one in "bca"))
        assert evaluate(chart, trace=trace).value("Ordered") == ["c", "b", "a"]

    def test_sort_by_columns_with_nulls_last_when_descending(self, trace: bool) -> None:
        chart = Chart(
            observation("b", issued="2024-01-01T10:00:00+02:00"),
            observation("a", issued="2024-01-01T08:00:00Z"),
            observation("none"),
            observation("new", issued="2024-01-01T09:00:00Z"),
        )
        found = evaluate(chart, trace=trace).value("By issue")
        assert [one["id"] for one in found] == ["new", "a", "b", "none"]

    def test_a_query_over_one_value_gives_one_value(self, trace: bool) -> None:
        assert evaluate(trace=trace).value("One") == "p1"
