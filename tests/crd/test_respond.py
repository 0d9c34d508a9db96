"""The whole answer: orders untouched but for our extension, cards people can read, nothing said twice."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cds_service.crd.assertion import CoverageAssertion
from cds_service.crd.configuration import Configuration
from cds_service.crd.invariants import check_answer
from cds_service.crd.respond import respond
from cds_service.crd.versions import COVERAGE_INFORMATION, CRD_2_2, VERSIONS, CrdVersion
from cds_service.decisions.model import Outcome
from cds_service.orders.model import MemberCoverage
from tests.crd.assertions import DETERMINATIONS, TODAY, assertion, determination, order, policy_page

VERSION = pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
OUTCOME = pytest.mark.parametrize("outcome", DETERMINATIONS)


def answer(
    *assertions: CoverageAssertion, version: CrdVersion = CRD_2_2, **configuration: Any
) -> dict[str, Any]:
    codes = {name.replace("_", "-"): value for name, value in configuration.items()}
    return respond(
        assertions,
        version,
        Configuration.read(codes),
        today=TODAY,
        hook_instance="b3d0c1f0-7a3e-4c41-9d0c-3f0a2a4c8f11",
        policy_page=policy_page,
    )


def foreign(coverage: str = "Coverage/other", identity: str = "X-1") -> dict[str, Any]:
    """Coverage information of another payer."""
    return {
        "url": COVERAGE_INFORMATION,
        "extension": [
            {"url": "coverage", "valueReference": {"reference": coverage}},
            {"url": "coverage-assertion-id", "valueString": identity},
        ],
    }


def ours(decided: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = decided["systemActions"][0]["resource"]["extension"][-1]
    return found


@VERSION
@OUTCOME
@pytest.mark.requirement(
    "crd-2.2.1@resp-13", "crd-2.2.1@resp-25", "crd-2.2.1@resp-26", "crd-2.2.1@resp-5", "crd-2.2.1@hook-16",
    "crd-2.2.1@hook-39",
)  # fmt: skip
def test_every_answer_keeps_every_rule(outcome: str, version: CrdVersion) -> None:
    assert check_answer(answer(assertion(DETERMINATIONS[outcome]), version=version), version) == []


@VERSION
@OUTCOME
@pytest.mark.requirement("crd-2.2.1@resp-37", "crd-2.2.1@resp-47")
def test_the_order_goes_back_as_it_came_but_for_our_extension(outcome: str, version: CrdVersion) -> None:
    sent = order(extension=[{"url": "https://x.example/note", "valueString": "keep me"}])
    before = copy.deepcopy(sent)
    resource = answer(assertion(DETERMINATIONS[outcome], resource=sent), version=version)["systemActions"][0][
        "resource"
    ]
    assert sent == before, "the request itself is never changed"
    added = resource["extension"].pop()
    assert added["url"] == COVERAGE_INFORMATION
    assert resource == before
    assert list(resource) == list(before), "elements keep their order"


@OUTCOME
@pytest.mark.requirement("crd-2.2.1@resp-48", "crd-2.2.1@resp-29")
def test_every_order_gets_its_own_action(outcome: str) -> None:
    decided = [
        assertion(DETERMINATIONS[outcome]),
        assertion(
            determination(Outcome.NOT_COVERED, order="MedicationRequest/mr-2"), resource=order(id="mr-2")
        ),
    ]
    actions = answer(*decided)["systemActions"]
    assert [action["resource"]["id"] for action in actions] == ["mr-1", "mr-2"]
    assert all(action["type"] == "update" and action["description"] for action in actions)


@pytest.mark.requirement("crd-2.2.1@resp-35")
def test_an_order_that_already_says_it_is_left_alone() -> None:
    first = answer(assertion(DETERMINATIONS["covered"]))
    again = assertion(DETERMINATIONS["covered"], resource=first["systemActions"][0]["resource"])
    assert answer(again) == {"cards": []}


def test_our_earlier_answer_is_replaced_and_other_payers_keep_theirs() -> None:
    earlier = answer(assertion(DETERMINATIONS["documentation needed"], resource=order(extension=[foreign()])))
    carried = earlier["systemActions"][0]["resource"]
    now = answer(assertion(DETERMINATIONS["covered"], resource=carried))
    extensions = now["systemActions"][0]["resource"]["extension"]
    assert len(extensions) == 2
    assert extensions[0] == foreign()
    assert extensions[1] != carried["extension"][1]


def test_the_same_coverage_is_recognised_by_an_absolute_reference() -> None:
    earlier = ours(answer(assertion(DETERMINATIONS["covered"])))
    earlier["extension"][0]["valueReference"]["reference"] = (
        "https://ehr.example/fhir/Coverage/cov-1/_history/2"
    )
    assert answer(assertion(DETERMINATIONS["covered"], resource=order(extension=[earlier]))) == {"cards": []}


def test_another_system_of_the_same_coverage_is_not_overwritten() -> None:
    other = foreign("Coverage/cov-1", "SOMEBODY-ELSE")
    resource = answer(assertion(DETERMINATIONS["covered"], resource=order(extension=[other])))[
        "systemActions"
    ][0]["resource"]
    assert resource["extension"][0] == other


@pytest.mark.requirement("crd-2.2.1@resp-32", "crd-2.0.1@264")
def test_two_coverages_get_two_assertions() -> None:
    other = MemberCoverage({}, "Coverage/cov-2", "acme", "W1")
    decided = DETERMINATIONS["covered"]
    assert (
        assertion(decided).identifiers.assertion_id
        != assertion(decided, coverage=other).identifiers.assertion_id
    )


@pytest.mark.parametrize("odd", [{"url": "https://x.example", "valueString": "object"}, "text", 5])
def test_an_extension_that_is_no_list_does_no_harm(odd: Any) -> None:
    resource = answer(assertion(DETERMINATIONS["covered"], resource=order(extension=odd)))["systemActions"][
        0
    ]["resource"]
    assert resource["extension"][0] == odd
    assert resource["extension"][1]["url"] == COVERAGE_INFORMATION


@pytest.mark.requirement("crd-2.2.1@dev-5", "crd-2.2.1@dev-14")
def test_a_client_can_switch_coverage_information_off() -> None:
    assert answer(assertion(DETERMINATIONS["covered"]), coverage_info=False) == {"cards": []}


@pytest.mark.requirement("crd-2.2.1@dev-5", "crd-2.2.1@dev-14")
def test_a_client_can_switch_a_kind_of_card_off() -> None:
    found = answer(assertion(DETERMINATIONS["covered"]), guideline=False)
    assert [card["source"]["topic"]["code"] for card in found["cards"]] == ["limits"]
    assert len(found["systemActions"]) == 1


@pytest.mark.requirement("crd-2.2.1@dev-14")
def test_the_most_urgent_cards_are_kept() -> None:
    decided = [assertion(DETERMINATIONS[each]) for each in ("covered", "not covered", "documentation needed")]
    found = answer(*decided, max_cards=2)
    assert [card["summary"] for card in found["cards"]] == [
        "Macrilen: not covered as ordered",
        "Macrilen: documentation needed for prior authorization",
    ]
    assert len(found["systemActions"]) == 3


@pytest.mark.requirement("crd-2.2.1@dev-6", "crd-2.2.1@dev-17")
@pytest.mark.parametrize(
    "nonsense",
    [{"coverage_info": "no"}, {"max_cards": -1}, {"max_cards": True}, {"max_cards": "2"}, {"unheard_of": []},
     {"coverage_info": None, "unsolicited_determ": 3}],
)  # fmt: skip
def test_nonsense_in_the_configuration_changes_nothing(nonsense: dict[str, Any]) -> None:
    decided = assertion(DETERMINATIONS["covered"])
    assert answer(decided, **nonsense) == answer(decided)


@pytest.mark.parametrize("given", [None, [], "x", 4])
def test_a_configuration_that_is_no_object_is_not_given(given: object) -> None:
    assert Configuration.read(given) == Configuration()


def test_no_card_is_possible() -> None:
    assert answer(assertion(DETERMINATIONS["covered"]), max_cards=0)["cards"] == []
