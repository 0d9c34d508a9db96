"""From criteria to the outcome of one order."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.decisions.decide import add_months
from cds_service.decisions.explain import explain
from cds_service.decisions.model import TECHNICAL_CODES, CriterionStatus, Outcome
from cds_service.orders.model import (
    IdentifiedBy,
    Indication,
    OrderedQuantity,
    ProductIdentification,
)
from cds_service.policies.model import (
    ConditionNotCovered,
    Connective,
    CriteriaGroup,
    NotAddressed,
    QuantityLimit,
    Selection,
)
from tests.decisions.rules import (
    ADULT,
    BMI,
    MET,
    ORDER,
    PAYER,
    STATEMENT,
    USED,
    broken,
    changed,
    decided,
    version,
)

LIMIT = QuantityLimit(Decimal(36), "tablets", 72, "Section 3, limit")


def statuses(determination: object) -> dict[str, str]:
    return {each.id: each.status.value for each in determination.criteria}  # type: ignore[attr-defined]


def test_every_criterion_met_is_covered_for_the_policys_time() -> None:
    found = decided()
    assert found.outcome is Outcome.COVERED
    assert found.authorizes
    assert (found.allowed_from, found.allowed_to) == (date(2024, 9, 1), date(2025, 8, 31))
    assert found.asks == ()
    assert statuses(found) == {"used": "met", "adult": "met", "bmi": "met"}
    assert found.criteria[2].evidence == ("Observation/o1",)
    assert found.criteria[2].value == "39 kg/m2"


def test_a_failed_criterion_is_not_covered_and_named() -> None:
    found = decided(MET | {BMI.name: False, ADULT.name: None})
    assert found.outcome is Outcome.NOT_COVERED
    assert found.reasons[0].text == f"Criterion not met: {BMI.name} (on record: 39 kg/m2)"
    assert found.reasons[0].cite == "3.2"
    assert statuses(found) == {"used": "met", "adult": "not needed", "bmi": "not met"}
    assert found.asks == ()
    assert found.allowed_from is None


def test_a_missing_fact_is_asked_for_and_nothing_else() -> None:
    found = decided(MET | {BMI.name: None})
    assert found.outcome is Outcome.DOCUMENTATION_NEEDED
    assert [each.id for each in found.asks] == ["bmi"]
    assert found.asks[0].why == "no such observation on record"
    assert found.reasons[0].text == f"Not yet shown: {BMI.name} (no such observation on record)"


def test_false_for_want_of_data_is_unknown() -> None:
    found = decided(MET | {BMI.name: False}, unavailable={BMI.name: frozenset({"Observation"})})
    assert found.outcome is Outcome.DOCUMENTATION_NEEDED
    assert found.asks[0].why == "data unavailable: Observation"


def test_what_rests_on_a_part_of_the_data_is_unknown() -> None:
    """A measurement on the first page proves nothing while the next one may hold a later measurement."""
    found = decided(unavailable={BMI.name: frozenset({"Observation"})})
    assert found.outcome is Outcome.DOCUMENTATION_NEEDED
    assert [each.id for each in found.asks] == ["bmi"]
    assert found.asks[0].unavailable == {"Observation"}


def test_data_that_were_not_needed_may_be_missing() -> None:
    found = decided(unavailable={BMI.name: frozenset({"Condition", "Encounter"})})
    assert found.outcome is Outcome.COVERED


def test_an_answer_of_no_is_no_even_where_data_was_unavailable() -> None:
    found = decided(
        MET | {BMI.name: False}, unavailable={BMI.name: frozenset({"Observation"})}, answered=[BMI.name]
    )
    assert found.outcome is Outcome.NOT_COVERED


def test_what_rests_on_an_answer_is_marked() -> None:
    found = decided(answered=[BMI.name])
    assert found.attested
    assert [each.attested for each in found.criteria] == [False, False, True]


def test_alternatives_are_told_together() -> None:
    any_use = changed(criteria=CriteriaGroup(Connective.ANY, (USED, ADULT), cite="Section 4"))
    found = decided({USED.name: False, ADULT.name: False}, statement=any_use)
    assert found.reasons[0].text == f"None of these is met: {USED.name}; {ADULT.name}"
    assert found.reasons[0].cite == "Section 4"
    open_still = decided({}, statement=any_use)
    assert open_still.reasons[0].lead == "Not yet shown, where one of these is enough"
    assert [item.split(" (")[0] for item in open_still.reasons[0].items] == [USED.name, ADULT.name]


def test_what_stands_against_coverage_is_named() -> None:
    excluded = changed(criteria=CriteriaGroup(Connective.NOT, (USED,)))
    found = decided({USED.name: True}, statement=excluded)
    assert found.reasons[0].text == f"Stands against coverage: {USED.name}"
    still_open = decided({}, statement=excluded).reasons[0]
    assert still_open.text.startswith(f"Not yet ruled out: {USED.name}")
    assert still_open.cite == USED.cite


def test_a_condition_not_covered_is_recognised_from_the_indication() -> None:
    statement = changed(
        conditions_not_covered=(
            ConditionNotCovered("Obesity", "Section 3, not covered", "https://x.example/vs/obesity"),
            ConditionNotCovered("Other", "Section 3, not covered", "https://x.example/vs/other"),
            ConditionNotCovered("Unlisted", "Section 3, not covered"),
        ),
        not_covered_reason="Any other use is unproven.",
    )
    lists = {"https://x.example/vs/obesity": {("icd", "E23.0")}, "https://x.example/vs/other": {("icd", "X")}}
    found = decided(MET | {USED.name: False}, statement=statement, lists=lists)
    assert [each.text for each in found.reasons] == [
        "Not covered by this policy: Obesity.",
        f"Criterion not met: {USED.name}",
        "Any other use is unproven.",
    ]


def test_a_value_set_that_is_not_on_file_is_trouble_not_a_decision() -> None:
    statement = changed(
        conditions_not_covered=(ConditionNotCovered("Obesity", "3", "https://x.example/none"),)
    )
    assert decided(MET | {USED.name: False}, statement=statement).outcome is Outcome.INDETERMINATE


@pytest.mark.parametrize("values", [MET, MET | {BMI.name: None}])
def test_a_quantity_over_the_limit_is_a_decision_of_its_own(values: dict[str, bool | None]) -> None:
    order = ORDER._replace(quantity=OrderedQuantity(Decimal(40), "tablet", Decimal(72)))
    found = decided(values, order=order, statement=changed(quantity_limit=LIMIT))
    assert found.outcome is Outcome.NOT_COVERED
    assert found.reasons[0].text == (
        "The ordered quantity (40 tablets for 72 hours) is over the limit of 36 tablets per 72 hours."
    )
    assert found.allowed_quantity is not None
    assert found.asks == ()
    assert "unknown" not in statuses(found).values()


def test_a_criterion_that_repeats_the_limit_is_told_once() -> None:
    limited = replace(BMI, cite=LIMIT.cite)
    statement = changed(criteria=CriteriaGroup(Connective.ALL, (USED, limited)), quantity_limit=LIMIT)
    order = ORDER._replace(quantity=OrderedQuantity(Decimal(40), "tablet", Decimal(72)))
    found = decided(MET | {BMI.name: False, USED.name: False}, order=order, statement=statement)
    assert [each.cite for each in found.reasons] == [LIMIT.cite, USED.cite]


def test_a_quantity_within_the_limit_is_authorized_with_the_limit() -> None:
    order = ORDER._replace(quantity=OrderedQuantity(Decimal(36), "tablet", Decimal(72)))
    found = decided(order=order, statement=changed(quantity_limit=LIMIT))
    assert found.outcome is Outcome.COVERED
    assert found.allowed_quantity is not None
    assert found.allowed_quantity.amount == 36
    assert found.notes == ()


def test_a_quantity_that_cannot_be_compared_is_said_so() -> None:
    found = decided(statement=changed(quantity_limit=LIMIT))
    assert found.outcome is Outcome.COVERED
    assert "the order states no quantity" in found.notes[0]


def test_a_failed_criterion_does_not_speak_of_the_limit() -> None:
    found = decided(MET | {BMI.name: False}, statement=changed(quantity_limit=LIMIT))
    assert found.allowed_quantity is None


def test_a_policy_that_does_not_speak_of_the_order_decides_nothing() -> None:
    statement = changed(applies="Is outpatient", applies_reason="The policy is for outpatients.")
    found = decided(MET | {"Is outpatient": False}, statement=statement)
    assert found.outcome is Outcome.NOT_ADDRESSED
    assert found.not_addressed is NotAddressed.OUT_OF_SCOPE
    assert found.reasons[0].text == "The policy is for outpatients."
    assert found.info_needed == ("OTH",)


def test_an_unknown_setting_asks_for_the_place_of_care() -> None:
    found = decided(MET | {"Is outpatient": None}, statement=changed(applies="Is outpatient"))
    assert found.outcome is Outcome.SITE_UNKNOWN
    assert found.info_needed == ("location",)
    assert found.asks == ()


def test_a_setting_that_is_false_for_want_of_data_is_unknown() -> None:
    found = decided(
        MET | {"Is outpatient": False},
        statement=changed(applies="Is outpatient"),
        unavailable={"Is outpatient": frozenset({"Encounter"})},
    )
    assert found.outcome is Outcome.SITE_UNKNOWN
    assert "Encounter" in found.reasons[0].text


@pytest.mark.parametrize(
    "why",
    [NotAddressed.NO_POLICY, NotAddressed.NOT_IN_FORCE, NotAddressed.REFERRED, NotAddressed.OUT_OF_SCOPE],
)
def test_without_a_policy_the_answer_says_why_and_decides_nothing(why: NotAddressed) -> None:
    selection = Selection(not_addressed=why, explanation="Look at policy 1403.", consulted=(version(),))
    found = decided(selection=selection)
    assert found.outcome is Outcome.NOT_ADDRESSED
    assert found.not_addressed is why
    assert found.reasons[0].text == "Look at policy 1403."
    assert [each.policy for each in found.policies] == ["acme-1"]
    assert found.info_needed == ("OTH",)


def test_a_payer_may_ask_nothing_for_drugs_without_a_policy() -> None:
    generous = replace(PAYER, unlisted_drugs="no-authorization")
    found = decided(selection=Selection(not_addressed=NotAddressed.NO_POLICY), payer=generous)
    assert found.outcome is Outcome.COVERED
    assert not found.precertification
    referred = decided(selection=Selection(not_addressed=NotAddressed.REFERRED), payer=generous)
    assert referred.outcome is Outcome.NOT_ADDRESSED


def test_contradictory_codes_decide_nothing_even_when_a_policy_was_found() -> None:
    drug = ProductIdentification(
        "macrilen", IdentifiedBy.PRODUCT_CODE, "Macrilen", contradictions=("J1745 is infliximab.",)
    )
    found = decided(order=ORDER._replace(drug=drug))
    assert found.outcome is Outcome.NOT_ADDRESSED
    assert found.not_addressed is NotAddressed.CONTRADICTORY_CODES
    assert found.info_needed == ("detail-code",)
    assert found.reasons[0].text == "J1745 is infliximab."


def test_a_drug_known_by_name_only_is_said_so() -> None:
    drug = ORDER.drug._replace(identified_by=IdentifiedBy.NAME)
    found = decided(order=ORDER._replace(drug=drug))
    assert "by its name only" in found.notes[0]


def test_reasons_that_may_not_count_are_told_when_something_is_missing() -> None:
    order = ORDER._replace(indication=Indication(unusable=("Condition/c1 is refuted.",)))
    found = decided(MET | {USED.name: None}, order=order)
    assert found.reasons[-1].text == "Condition/c1 is refuted."


def test_a_rule_that_breaks_is_indeterminate_and_logged_without_patient_data(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        found = decided(MET | {BMI.name: broken()})
    assert found.outcome is Outcome.INDETERMINATE
    assert found.technical_code == "CDS-2001"
    assert found.technical_code in TECHNICAL_CODES
    assert found.reasons[0].code == "technical"
    assert "library=Criteria" in caplog.text
    assert BMI.name in caplog.text
    assert "12:3-12:40" in caplog.text
    assert "Jane" not in caplog.text
    assert "41" not in caplog.text


def test_a_rule_that_is_no_condition_is_indeterminate() -> None:
    found = decided(MET | {BMI.name: 40})
    assert found.outcome is Outcome.INDETERMINATE
    assert found.technical_code == "CDS-2002"


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ({}, {BMI.name: False}, Outcome.NOT_COVERED),
        ({BMI.name: None}, {BMI.name: False}, Outcome.NOT_COVERED),
        ({}, {BMI.name: None}, Outcome.DOCUMENTATION_NEEDED),
        ({}, {"applies": None}, Outcome.SITE_UNKNOWN),
        ({}, {"applies": False}, Outcome.COVERED),
        ({BMI.name: None}, {"applies": None}, Outcome.DOCUMENTATION_NEEDED),
        ({}, {BMI.name: broken()}, Outcome.INDETERMINATE),
        ({BMI.name: False}, {BMI.name: broken()}, Outcome.NOT_COVERED),
    ],
)
def test_the_strictest_of_several_policies_wins(
    first: dict[str, object], second: dict[str, object], outcome: Outcome
) -> None:
    def renamed(prefix: str, values: dict[str, object]) -> dict[str, object]:
        return {f"{prefix} {name}": value for name, value in ({"applies": True} | MET | values).items()}

    def own(prefix: str) -> CriteriaGroup:
        return CriteriaGroup(
            Connective.ALL, tuple(replace(each, name=f"{prefix} {each.name}") for each in (USED, ADULT, BMI))
        )

    found = decided(
        renamed("one", first) | renamed("two", second),
        statements=(
            (version("acme-1"), changed(criteria=own("one"), applies="one applies")),
            (version("acme-2"), changed(criteria=own("two"), applies="two applies")),
        ),
    )
    assert found.outcome is outcome
    assert [each.policy for each in found.policies] == ["acme-1", "acme-2"]
    if outcome is Outcome.NOT_COVERED:
        assert all(each.status is not CriterionStatus.UNKNOWN for each in found.criteria)


def test_the_shortest_of_several_authorizations_counts() -> None:
    statements = (
        (version("acme-1"), STATEMENT),
        (version("acme-2"), changed(authorization_months=6)),
    )
    assert decided(statements=statements).allowed_to == date(2025, 2, 28)


def test_a_policy_without_precertification_authorizes_nothing() -> None:
    found = decided(statements=((version(precertification=False), STATEMENT),))
    assert found.outcome is Outcome.COVERED
    assert not found.authorizes


@pytest.mark.parametrize(
    ("codes", "unassigned", "statement_code", "expected"),
    [
        (("J3490",), None, None, "J3490"),
        (("J1", "J3490"), "J3490", None, "J3490"),
        ((), None, "J3490", "J3490"),
        ((), None, None, None),
    ],
)
def test_the_billing_code_is_the_orders_else_the_policys(
    codes: tuple[str, ...], unassigned: str | None, statement_code: str | None, expected: str | None
) -> None:
    drug = ORDER.drug._replace(billing_codes=codes, unassigned_code=unassigned)
    found = decided(order=ORDER._replace(drug=drug), statement=changed(billing_code=statement_code))
    assert found.billing_code == expected


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2024, 9, 1), 12, date(2025, 9, 1)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 12, 31), 2, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 11, 15), 1, date(2024, 12, 15)),
    ],
)
def test_months_are_calendar_months(start: date, months: int, expected: date) -> None:
    assert add_months(start, months) == expected


def test_an_explanation_tells_everything_a_person_needs() -> None:
    text = explain(decided(MET | {BMI.name: None}, answered=[ADULT.name]))
    for expected in (
        "MedicationRequest/m1: Macrilen",
        "Outcome: documentation-needed",
        "Drug identified by: product code",
        "Date of service: 2024-09-01 (date the order was written)",
        "Policy: 1 Unassigned codes, version 2024-07-01: Section 3 -> documentation-needed",
        f"[unknown]    {BMI.name} [3.2]",
        "by attestation",
        "- What is the body mass index?",
    ):
        assert expected in text
    assert "Authorization period: 2024-09-01 to 2025-08-31" in explain(decided())
    assert "Technical code: CDS-2001" in explain(decided(MET | {BMI.name: broken()}))
    limited = explain(decided(statement=changed(quantity_limit=LIMIT)))
    assert "Quantity limit: 36 tablets per 72 hours" in limited
    assert "Note: Limited to" in limited


def test_a_drug_that_was_not_recognised_is_said_so_where_a_policy_decides() -> None:
    unknown = ProductIdentification(None, IdentifiedBy.NOTHING, "foo", billing_codes=("J3490",))
    order = ORDER._replace(drug=unknown)
    assert "No product of the catalogue was recognised" in decided(order=order).notes[0]
    silent = decided(order=order, selection=Selection(not_addressed=NotAddressed.NO_POLICY))
    assert silent.notes == ()


def test_a_reason_that_says_nothing_is_left_out() -> None:
    assert (
        decided(MET | {BMI.name: None}, why_null="no value").reasons[0].text == f"Not yet shown: {BMI.name}"
    )


def test_an_order_without_reason_is_said_so_in_words() -> None:
    unnamed = '"Indication is coded in ICD-10-CM" is not known'
    found = decided(MET | {BMI.name: None}, why_null=unnamed)
    assert found.reasons[0].text == f"Not yet shown: {BMI.name} (the order gives no reason)"
