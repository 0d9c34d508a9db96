"""Reading FHIR: choice elements, and data that break the rules of FHIR."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.cql.values.clinical import Code, Concept
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.quantity import Quantity
from cds_service.cql.values.temporal import Date, DateTime
from tests.cql.sample import PATIENT, Chart, chart_library, evaluate, observation


def of(definition: str, *resources: Any, patient: Any = PATIENT) -> Any:
    plain = evaluate(Chart(*resources, patient=patient)).value(definition)
    traced = evaluate(Chart(*resources, patient=patient), trace=True).value(definition)
    assert traced == plain
    return plain


def order(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": "m"} | elements


class TestChoices:
    def test_each_alternative_keeps_its_type(self) -> None:
        assert of(
            "Kinds",
            observation("q", valueQuantity={"value": 1}),
            observation("c", valueCodeableConcept={"text": "x"}),
            observation("s", valueString="x"),
            observation("i", valueInteger=1),
            observation("n"),
        ) == ["quantity", "concept", "string", "other", "none"]

    def test_a_cast_to_another_alternative_is_null(self) -> None:
        resources = observation("q", valueQuantity={"value": 1}), observation("s", valueString="x")
        assert of("Choices as strings", *resources) == [None, "x"]
        assert of("Texts", *resources) == [None, "x"]

    def test_an_element_of_a_choice_is_null_for_alternatives_without_it(self) -> None:
        found = of("Units", observation("q", valueQuantity={"unit": "kg"}), observation("s", valueString="x"))
        assert found == ["kg", None]

    def test_a_choice_goes_through_a_function_with_its_type(self) -> None:
        start = DateTime(2024, 5, 1)
        assert of(
            "When",
            observation("d", effectiveDateTime="2024-05-01"),
            observation("p", effectivePeriod={"start": "2024-05-01"}),
            observation("t", effectiveTiming={"event": ["2024-05-01"]}),
            observation("n"),
        ) == [Interval(start, start), Interval(start, None), None, None]

    def test_a_definition_may_give_a_choice(self) -> None:
        found = of("Choices", observation("q", valueQuantity={"value": 1}), observation("s", valueString="x"))
        assert found == [{"value": 1}, "x"]

    def test_a_boolean_alternative_may_be_false(self) -> None:
        assert of("Deceased", patient=PATIENT | {"deceasedBoolean": False}) is False
        assert of("Deceased", patient=PATIENT | {"deceasedDateTime": "2024"}) is None
        assert of("Deceased") is None

    def test_extensions(self) -> None:
        extension = {"url": "http://example.org/x", "valueString": "y"}
        assert of("Extension values", patient=PATIENT | {"extension": [extension]}) == ["y"]
        assert of("Extension values", patient=PATIENT | {"extension": extension}) == ["y"]


class TestLists:
    def test_a_path_through_lists(self) -> None:
        names = [{"family": "A", "given": ["B", "C"]}, {"family": "D"}, {"given": ["E"]}]
        assert of("Given names", patient=PATIENT | {"name": names}) == ["B", "C", "E"]
        assert of("First family", patient=PATIENT | {"name": names}) == "A"

    def test_an_object_in_place_of_a_list_counts_as_a_list_of_one(self) -> None:
        assert of("Given names", patient=PATIENT | {"name": {"given": "B"}}) == ["B"]
        assert of("First family", patient=PATIENT | {"name": {"family": "A"}}) == "A"

    def test_a_list_of_one_in_place_of_an_object_counts_as_the_object(self) -> None:
        assert of("Managing", patient=PATIENT | {"managingOrganization": [{"reference": "O/1"}]}) == "O/1"

    @pytest.mark.parametrize("name", [None, "A", 5, [], [None, 3, "x"], True, {}])
    def test_something_else_in_place_of_a_list_has_no_elements(self, name: Any) -> None:
        assert of("First family", patient=PATIENT | {"name": name}) is None
        assert not of("Given names", patient=PATIENT | {"name": name})


FAILING = {"Fails", "Calls what fails", "By unknown value set"}  # whatever the data
ELEMENTS = (
    "code",
    "status",
    "effectiveDateTime",
    "valueQuantity",
    "subject",
    "issued",
    "type",
    "class",
    "period",
    "authoredOn",
    "name",
    "birthDate",
    "medicationCodeableConcept",
    "dispenseRequest",
    "doNotPerform",
    "extension",
    "gender",
    "deceasedBoolean",
)
JUNK: list[Any] = [
    None,
    "x",
    5,
    True,
    [],
    {},
    [[]],
    [None],
    {"value": {}},
    {"value": [1, 2]},
    {"value": "40"},
    ["x"],
]


class TestDirtyData:
    @pytest.mark.parametrize("junk", JUNK)
    @pytest.mark.parametrize("name", sorted(set(chart_library().definitions) - FAILING))
    def test_no_element_of_any_type_breaks_a_definition(self, name: str, junk: Any) -> None:
        dirt = dict.fromkeys(ELEMENTS, junk)
        types = ("Observation", "Condition", "Encounter", "MedicationRequest")
        resources = [{"resourceType": one, "id": "x"} | dirt for one in types]
        of(name, *resources, patient={"resourceType": "Patient", "id": "p"} | dirt)

    @pytest.mark.parametrize("birth_date", ["1980-13-01", "17.05.1980", "", "unknown", 1980, {"year": 1980}])
    def test_a_malformed_birth_date_leaves_the_age_unknown(self, birth_date: Any) -> None:
        assert of("Is an adult", patient=PATIENT | {"birthDate": birth_date}) is None

    @pytest.mark.parametrize(("birth_date", "adult"), [("1980", True), ("2006", None), ("2007", False)])
    def test_a_partial_birth_date_decides_where_it_can(self, birth_date: str, adult: bool | None) -> None:
        assert of("Is an adult", patient=PATIENT | {"birthDate": birth_date}) is adult

    @pytest.mark.parametrize("status", ["resolved", 7, [{"text": "a"}, {"text": "b"}], ["resolved"], True])
    def test_an_element_that_cannot_be_read_is_not_an_absent_one(self, status: Any) -> None:
        assert of("Standing", {"resourceType": "Condition", "id": "c", "clinicalStatus": status}) == []

    @pytest.mark.parametrize("status", [{}, {"status": None}, {"status": []}])
    def test_null_and_an_empty_list_are_absent(self, status: dict[str, Any]) -> None:
        without = {"resourceType": "Observation", "id": "o"} | status
        assert of("Without status", without) == ["o"]

    def test_a_code_of_the_wrong_type_is_there_but_has_no_value(self) -> None:
        assert of("Without status", observation("o", status=7)) == []
        assert of("Final values", observation("o", status=7, effectiveDateTime="2024")) == []


class TestConversions:
    @pytest.mark.parametrize(
        ("quantity", "expected"),
        [
            ({"value": 40.1, "unit": "kg/m2"}, Quantity(Decimal("40.1"), "kg/m2")),
            ({"value": 40, "unit": "kilo", "code": "kg", "system": "http://unitsofmeasure.org"},
             Quantity(Decimal(40), "kg")),
            ({"value": Decimal("40.10"), "code": "kg"}, Quantity(Decimal("40.10"), "kg")),
            ({"value": 3, "code": "mo"}, Quantity(Decimal(3), "month")),
            ({"value": 3}, Quantity(Decimal(3), "1")),
            ({"value": 3, "unit": "x", "system": "http://snomed.info/sct"}, None),
            ({"value": 3, "comparator": "<"}, None),
            ({"value": "40"}, None),
            ({"value": True}, None),
            ({"unit": "kg"}, None),
        ],
    )  # fmt: skip
    def test_quantity(self, quantity: Any, expected: Any) -> None:
        assert of("Quantities", observation("q", valueQuantity=quantity)) == [expected]

    def test_numbers_keep_their_digits(self) -> None:
        assert of("Numbers", observation("q", valueQuantity={"value": 0.1})) == [Decimal("0.1")]
        assert of("Numbers", observation("q", valueQuantity={"value": float("nan")})) == [None]

    def test_codes_and_concepts(self) -> None:
        concept = {
            "text": "t",
            "coding": [{"system": "s", "code": "1", "display": "d"}, {"display": "no code"}],
        }
        condition = {"resourceType": "Condition", "id": "c", "code": concept}
        code = Code("1", "s", None, "d")
        assert of("Concepts", condition) == [Concept((code,), "t")]
        assert of("Codes", condition) == [[code, None]]

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("2024-05-01T10:00:00-05:00", DateTime(2024, 5, 1, 10, 0, 0, None, Decimal(-5))),
            ("2024-05", DateTime(2024, 5)),
            ("2024-05-32", None),
            ("yesterday", None),
            (20240501, None),
        ],
    )
    def test_date_and_time(self, written: Any, expected: Any) -> None:
        assert of("Authored", order(authoredOn=written)) == [expected]

    @pytest.mark.parametrize(
        ("period", "expected"),
        [
            ({"start": "2024-01-01", "end": "2024-02"}, Interval(DateTime(2024, 1, 1), DateTime(2024, 2))),
            ({"start": "2024-01-01"}, Interval(DateTime(2024, 1, 1), None)),
            ({"end": "2024-01-01"}, Interval(None, DateTime(2024, 1, 1), False)),
            ({"start": "soon", "end": "2024-01-01"}, None),
            ("2024", None),
        ],
    )
    def test_period(self, period: Any, expected: Any) -> None:
        assert of("Periods", {"resourceType": "Encounter", "id": "e", "period": period}) == [expected]

    @pytest.mark.parametrize(
        ("written", "expected"), [(True, True), (False, False), ("true", None), (1, None)]
    )
    def test_boolean(self, written: Any, expected: Any) -> None:
        assert of("Not performed", order(doNotPerform=written)) == [expected]

    def test_date_of_the_patient(self) -> None:
        assert of("Birth year") == Date(1980).year
