"""Evaluating definitions: lazily, once, from the inputs of this evaluation and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from cds_service.cql import CqlRuntimeError
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date, DateTime, Time
from tests.cql.sample import PATIENT, Chart, bmi, evaluate


def test_only_what_is_asked_for_is_evaluated() -> None:
    chart = Chart()
    assert evaluate(chart).value("Is an adult") is True
    assert chart.asked == []


def test_a_definition_is_evaluated_once_per_evaluation() -> None:
    chart = Chart(bmi("a", 39, "2024-01-01"))
    evaluation = evaluate(chart)
    evaluation.value("Latest")
    evaluation.value("Latest is at most 40")
    evaluation.value("Shared latest is at most 40")
    assert chart.asked == ["Observation"]


def test_an_operand_that_cannot_matter_is_not_evaluated() -> None:
    assert evaluate().value("Neither matters") is False


@pytest.mark.parametrize("trace", [False, True])
def test_both_variants_give_the_same_values(trace: bool) -> None:
    evaluation = evaluate(Chart(bmi("a", 39, "2024-01-01")), trace=trace)
    assert evaluation.value("Decided") is True
    assert evaluation.value("One") == "p1"
    assert evaluation.value("Every pair") == ["1a", "1b", "2a", "2b"]


def test_patients_do_not_see_each_other() -> None:
    young = Chart(patient=PATIENT | {"birthDate": "2020-01-01"})
    old = Chart()
    assert [evaluate(chart).value("Is an adult") for chart in (old, young, old)] == [True, False, True]


def test_threads_do_not_see_each_other() -> None:
    def birth_year(year: int) -> object:
        chart = Chart(patient=PATIENT | {"birthDate": f"{year}-01-01"})
        return evaluate(chart, trace=year % 2 == 0).value("Birth year")

    years = [1950 + number % 60 for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(birth_year, years)) == years


def test_an_answer_stands_in_for_a_definition() -> None:
    evaluation = evaluate(answers={"Latest is at most 40": True})
    assert evaluation.value("Latest is at most 40") is True
    assert evaluation.value("Decided") is True


def test_an_answer_may_name_a_definition_of_an_included_library() -> None:
    limit = Quantity(Decimal(30), "kg/m2")
    assert evaluate(answers={"Shared.Limit in use": limit}).value("Decided") is None


def test_an_answer_may_be_not_known() -> None:
    chart = Chart(bmi("a", 39, "2024-01-01"))
    assert evaluate(chart, answers={"Latest is at most 40": None}).value("Decided") is None


def test_an_answer_to_no_definition_is_an_error() -> None:
    with pytest.raises(CqlRuntimeError, match="names no definition"):
        evaluate(answers={"Nonsense": True})


def test_a_parameter_goes_by_name_to_the_library_that_declares_it() -> None:
    assert evaluate(parameters={"Service date": Date(1990, 1, 1)}).value("Is an adult") is False


def test_a_parameter_without_a_value_has_its_default_else_null() -> None:
    chart = Chart(bmi("a", 39, "2024-01-01"))
    assert evaluate(chart, parameters={}).value("Is an adult") is None
    assert evaluate(chart, parameters={}).value("Shared latest is at most 40") is True
    low = {"Limit": Quantity(Decimal(30), "kg/m2")}
    assert evaluate(chart, parameters=low).value("Shared latest is at most 40") is False
    assert evaluate(chart, parameters={"Limit": None}).value("Shared latest is at most 40") is None


def test_now_is_one_instant_in_the_time_zone_of_the_evaluation() -> None:
    now = datetime(2024, 9, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert evaluate(now=now).value("Now and today") == {
        "now": DateTime(2024, 9, 1, 23, 30, 0, 0, Decimal(-5)),
        "today": Date(2024, 9, 1),
        "time": Time(23, 30, 0, 0),
    }


def test_the_time_of_evaluation_needs_a_time_zone() -> None:
    with pytest.raises(CqlRuntimeError, match="time zone"):
        evaluate(now=datetime(2024, 9, 1))


def test_an_unknown_definition_is_an_error() -> None:
    with pytest.raises(CqlRuntimeError, match="no such definition"):
        evaluate().value("Nonsense")


def test_an_error_message_raises_with_the_place_where_it_stands() -> None:
    with pytest.raises(CqlRuntimeError, match="E1: this always fails") as raised:
        evaluate().value("Calls what fails")
    error = raised.value
    assert (error.library, error.definition) == ("Chart|1.0.0", "Fails")
    assert error.locator is not None


def test_a_warning_message_gives_its_source() -> None:
    assert evaluate().value("Warns") == 1


def test_after_an_error_the_evaluation_goes_on() -> None:
    evaluation = evaluate(trace=True)
    for _ in range(200):
        with pytest.raises(CqlRuntimeError, match="always fails"):
            evaluation.value("Calls what fails")
    assert evaluation.value("Is an adult") is True
