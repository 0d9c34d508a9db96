"""The trace: why a definition has its value, told from the resources and values behind it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.cql import CqlRuntimeError, DefinitionTrace
from tests.cql.sample import PATIENT, Chart, bmi, evaluate, observation


def trace(definition: str, chart: Chart | None = None, **given: object) -> DefinitionTrace:
    return evaluate(chart, trace=True, **given).trace(definition)  # type: ignore[arg-type]


TWO = Chart(bmi("old", 41.2, "2024-01-01"), bmi("new", 39, "2024-06-01"))


class TestEvidence:
    def test_of_all_resources_found_only_the_one_chosen_counts(self) -> None:
        found = trace("Latest is at most 40", TWO)
        assert found.value is True
        assert found.evidence == ("Observation/new",)

    def test_resources_that_a_query_drops_do_not_count(self) -> None:
        chart = Chart(observation("draft", status="preliminary"), bmi("final", 39, "2024-01-01"))
        assert trace("Final values", chart).evidence == ("Observation/final",)

    def test_the_patient_counts_where_the_birth_date_is_used(self) -> None:
        assert trace("Is an adult").evidence == ("Patient/p1",)

    def test_the_operand_that_decides_is_the_evidence(self) -> None:
        chart = Chart(bmi("high", 45, "2024-01-01"))
        assert trace("Decided", chart).evidence == ("Observation/high",)
        assert trace("Either", chart).evidence == ("Patient/p1",)

    def test_both_operands_count_where_both_were_needed(self) -> None:
        assert set(trace("Decided", TWO).evidence) == {"Patient/p1", "Observation/new"}

    def test_a_related_resource_counts(self) -> None:
        subject = {"reference": "Patient/p1"}
        chart = Chart(
            observation("o", subject=subject),
            {"resourceType": "Encounter", "id": "e", "subject": subject},
            {"resourceType": "Encounter", "id": "other"},
        )
        assert set(trace("Related", chart).evidence) == {"Observation/o", "Encounter/e"}


class TestValues:
    def test_a_compared_quantity_with_its_date(self) -> None:
        assert trace("Latest is at most 40", TWO).values == ("39 kg/m2 on 2024-06-01",)

    def test_a_compared_age(self) -> None:
        assert trace("Is an adult").values == ("age 44 years",)

    def test_a_definition_without_a_comparison_shows_those_it_rests_on(self) -> None:
        assert set(trace("Decided", TWO).values) == {"age 44 years", "39 kg/m2 on 2024-06-01"}


class TestWhyNull:
    def test_a_value_needs_no_reason(self) -> None:
        assert trace("Is an adult").why_null is None

    def test_no_resource(self) -> None:
        assert trace("Latest is at most 40").why_null == 'no Observation on record for "Body mass index"'

    def test_no_resource_that_fits(self) -> None:
        chart = Chart(observation("draft", status="preliminary"))
        assert trace("Latest is at most 40", chart).why_null == "no matching Observation on record"

    def test_no_element(self) -> None:
        chart = Chart(observation("empty", effectiveDateTime="2024-01-01"))
        assert trace("Latest is at most 40", chart).why_null == "Observation/empty has no value"
        assert trace("Is an adult", Chart(patient={"resourceType": "Patient", "id": "p"})).why_null == (
            "Patient/p has no birthDate"
        )

    def test_units_that_do_not_match(self) -> None:
        chart = Chart(bmi("mass", 39, "2024-01-01", unit="mg"))
        assert trace("Latest is at most 40", chart).why_null == (
            "39 mg and 40 kg/m2 cannot be compared: the units do not match"
        )

    def test_a_date_that_is_not_precise_enough(self) -> None:
        reason = trace("Is an adult", Chart(patient=PATIENT | {"birthDate": "2006"})).why_null
        assert reason is not None
        assert "a date is not precise enough" in reason

    def test_data_that_cannot_be_read(self) -> None:
        chart = Chart(bmi("odd", "forty", "2024-01-01"))
        reason = trace("Latest is at most 40", chart).why_null
        assert reason is not None
        assert "cannot be read" in reason

    def test_data_that_could_not_be_had(self) -> None:
        reason = trace("Latest is at most 40", Chart(unavailable=["Observation"])).why_null
        assert reason is not None
        assert reason.startswith("Observation data are not available (failed)")

    def test_a_parameter_without_a_value(self) -> None:
        assert trace("Is an adult", parameters={}).why_null == '"Service date" is not known'

    def test_the_reason_of_a_null_definition_reached_is_passed_on(self) -> None:
        assert trace("Decided").why_null == 'no Observation on record for "Body mass index"'

    def test_an_answer_of_not_known(self) -> None:
        found = trace("Latest is at most 40", answers={"Latest is at most 40": None})
        assert found.why_null == "the answer given is: not known"


class TestAvailability:
    def test_types_that_could_not_be_had_are_named_whatever_the_value(self) -> None:
        young = PATIENT | {"birthDate": "2020-01-01"}
        found = trace("Confirmed", Chart(patient=young, unavailable=["Condition"]))
        assert found.value is False
        assert found.unavailable == {"Condition"}

    def test_they_are_passed_on_to_the_definitions_that_refer_to_them(self) -> None:
        assert trace("Either", Chart(unavailable=["Observation"])).unavailable == {"Observation"}

    def test_a_type_that_was_not_touched_is_not_named(self) -> None:
        assert trace("Is an adult", Chart(unavailable=["Observation"])).unavailable == frozenset()


class TestStructure:
    def test_the_definitions_reached_are_its_children(self) -> None:
        found = trace("Decided", TWO)
        assert [child.name for child in found.children] == ["Is an adult", "Latest is at most 40"]
        assert [child.name for child in found.children[1].children] == ["Latest"]

    def test_a_definition_that_was_not_reached_is_no_child(self) -> None:
        chart = Chart(patient=PATIENT | {"birthDate": "2020-01-01"})
        assert [child.name for child in trace("Decided", chart).children] == ["Is an adult"]

    def test_it_says_where_the_definition_stands(self) -> None:
        found = trace("Decided", TWO)
        assert (found.name, found.library) == ("Decided", "Chart|1.0.0")
        assert found.locator is not None

    def test_an_answer_is_marked(self) -> None:
        found = trace("Decided", TWO, answers={"Latest is at most 40": False})
        assert found.value is False
        assert [child.answered for child in found.children] == [False, True]
        assert not found.answered

    def test_the_same_definition_evaluated_before_is_a_child_all_the_same(self) -> None:
        evaluation = evaluate(TWO, trace=True)
        evaluation.value("Is an adult")
        assert len(evaluation.trace("Decided").children) == 2

    def test_without_tracing_there_is_no_trace(self) -> None:
        with pytest.raises(CqlRuntimeError, match="no trace"):
            evaluate().trace("Is an adult")

    def test_values_are_those_of_the_untraced_variant(self) -> None:
        assert trace("Numbers", TWO).value == [Decimal("41.2"), Decimal(39)]
