"""With a member look-up: who is unknown, not covered that day, of no such plan, or excluded by the plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from cds_service.coverage_check.membership import member_lookup
from cds_service.crd.invariants import check_coverage_information
from cds_service.crd.versions import VERSIONS
from cds_service.hooks.request import HookRequest, parse_hook_request
from cds_service.store.enrolment import Enrolment, MemberKey
from tests.coverage_check.calls import answered, call, chart, coverage, found, macrilen, said, standing

KETAMINE: Final = (
    Path(__file__).parents[2] / "fhir_examples/documentation-needed-ketamine-chronic-pain-fep.json"
)
GOLD: Final = Enrolment(
    "cigna", "W123", "Ada Example", date(1980, 5, 17), "Gold", None, date(2024, 1, 1), date(2024, 12, 31)
)


class Table:
    """A look-up that knows these enrolments, and counts the reads; None: it is down."""

    def __init__(self, *enrolments: Enrolment, down: bool = False) -> None:
        self.enrolments, self.down, self.reads = enrolments, down, 0

    def find(self, members: Collection[MemberKey]) -> Mapping[MemberKey, Sequence[Enrolment]] | None:
        """Each member's enrolments."""
        self.reads += 1
        known = self.enrolments
        if self.down:
            return None
        return {key: [each for each in known if (each.payer, each.member_id) == key] for key in members}


def with_coverage(**elements: Any) -> HookRequest:
    return call(prefetch=chart(coverage=found(coverage(**elements))))


def plan(value: str, kind: str = "plan") -> list[dict[str, Any]]:
    return [{"type": {"coding": [{"code": kind}]}, "value": value}]


def first_reason(answer: dict[str, Any]) -> tuple[str | None, str]:
    assert (
        check_coverage_information(answer["systemActions"][0]["resource"]["extension"][-1], VERSIONS["2.2"])
        == []
    )
    reason = said(answer)["reason"][0]
    return reason["coding"][0]["code"] if "coding" in reason else None, reason["text"]


def test_a_known_member_is_decided_as_without_the_table() -> None:
    table = Table(GOLD)
    answer = answered(members=table)
    assert answer == answered()
    assert standing(answer)[0] == "covered"


def test_one_call_reads_once() -> None:
    table = Table(GOLD)
    answered(call(macrilen("mr-1"), macrilen("mr-2"), macrilen("mr-3")), members=table)
    assert table.reads == 1


@pytest.mark.requirement("crd-2.2.1@resp-44")
@pytest.mark.parametrize(
    "table",
    [
        Table(),
        Table(GOLD._replace(member_id="W124")),
        Table(GOLD._replace(payer="excellus")),
        Table(GOLD._replace(birth_date=date(1981, 5, 17))),
    ],
)
def test_an_unknown_member_is_not_covered(table: Table) -> None:
    answer = answered(members=table)
    assert standing(answer) == ("not-covered", None)
    assert first_reason(answer)[0] == "no-member-found"


@pytest.mark.requirement("crd-2.2.1@resp-44")
@pytest.mark.parametrize("number", [None, " ", "W" * 129, "W1\x0023"])
def test_a_coverage_without_a_usable_member_id_finds_nobody(number: str | None) -> None:
    answer = answered(with_coverage(subscriberId=number), members=Table(GOLD))
    assert first_reason(answer)[0] == "no-member-found"


def test_an_unknown_member_comes_before_a_coverage_that_ended() -> None:
    answer = answered(with_coverage(status="cancelled"), members=Table())
    assert first_reason(answer)[0] == "no-member-found"


def test_what_the_chart_says_of_the_coverage_still_holds_for_a_member() -> None:
    answer = answered(with_coverage(status="cancelled"), members=Table(GOLD))
    assert first_reason(answer)[0] == "no-active-coverage"


def test_an_unknown_birth_date_speaks_against_nobody() -> None:
    prefetch = chart(patient={"resourceType": "Patient", "id": "pat-1"})
    assert standing(answered(call(prefetch=prefetch), members=Table()))[0] == "not-covered"
    answer = answered(call(prefetch=prefetch), members=Table(GOLD))
    assert "no-member-found" not in str(answer)


def test_those_who_share_a_member_id_are_told_apart_by_birth_date() -> None:
    child = GOLD._replace(birth_date=date(2010, 1, 1), plan="Bronze", exclusions=("macrilen",))
    assert standing(answered(members=Table(GOLD, child)))[0] == "covered"


@pytest.mark.requirement("crd-2.2.1@resp-45")
@pytest.mark.parametrize("day", [{"effective_to": date(2024, 8, 31)}, {"effective_from": date(2024, 9, 2)}])
def test_a_member_without_coverage_on_the_date_of_service_is_not_covered(day: dict[str, Any]) -> None:
    answer = answered(members=Table(GOLD._replace(**day)))
    assert standing(answer) == ("not-covered", None)
    code, text = first_reason(answer)
    assert (code, "2024-09-01" in text) == ("no-active-coverage", True)


@pytest.mark.parametrize("edge", [{"effective_to": date(2024, 9, 1)}, {"effective_from": date(2024, 9, 1)}])
def test_a_member_is_covered_on_the_first_and_last_day(edge: dict[str, Any]) -> None:
    assert standing(answered(members=Table(GOLD._replace(**edge))))[0] == "covered"


@pytest.mark.requirement("crd-2.2.1@resp-45")
def test_a_coverage_of_no_plan_of_the_member_is_not_found() -> None:
    answer = answered(with_coverage(**{"class": plan("Silver")}), members=Table(GOLD))
    assert standing(answer) == ("not-covered", None)
    assert first_reason(answer)[0] == "coverage-not-found"


@pytest.mark.parametrize("named", [plan("GOLD "), plan("gold", "group"), plan("Gold") + plan("G-7", "group")])
def test_a_plan_is_recognised_by_any_of_its_names(named: list[dict[str, Any]]) -> None:
    silver = GOLD._replace(plan="Silver", exclusions=("macrilen",))
    assert standing(answered(with_coverage(**{"class": named}), members=Table(silver, GOLD)))[0] == "covered"


def test_a_group_that_is_no_plan_speaks_against_none() -> None:
    assert standing(answered(with_coverage(**{"class": plan("00998877", "group")}), members=Table(GOLD)))[
        0
    ] == ("covered")


def test_a_plan_that_ended_beside_one_that_runs_is_not_active() -> None:
    old = GOLD._replace(plan="Silver", effective_to=date(2024, 6, 30))
    answer = answered(with_coverage(**{"class": plan("Silver")}), members=Table(GOLD, old))
    assert first_reason(answer)[0] == "no-active-coverage"


@pytest.mark.requirement("crd-2.2.1@resp-45")
def test_a_coverage_that_may_be_either_of_two_plans_is_not_found() -> None:
    answer = answered(members=Table(GOLD, GOLD._replace(plan="Silver")))
    assert first_reason(answer)[0] == "coverage-not-found"


@pytest.mark.parametrize("exclusion", ["macrilen", "J3490"])
def test_what_the_plan_excludes_is_not_covered_whatever_the_criteria_say(exclusion: str) -> None:
    answer = answered(members=Table(GOLD._replace(exclusions=("J0000", exclusion))))
    assert standing(answer) == ("not-covered", None)
    assert first_reason(answer)[1].startswith("Plan exclusion: ")


def test_an_exclusion_of_something_else_does_not_matter() -> None:
    assert standing(answered(members=Table(GOLD._replace(exclusions=("J1745", "ketalar")))))[0] == "covered"


@pytest.mark.requirement("crd-2.2.1@resp-44")
def test_an_order_that_is_no_drug_order_asks_for_the_member_too() -> None:
    order = {
        "resourceType": "DeviceRequest",
        "id": "dr-1",
        "status": "draft",
        "intent": "order",
        "codeCodeableConcept": {"text": "Walker"},
        "subject": {"reference": "Patient/pat-1"},
    }
    assert first_reason(answered(call(order), members=Table()))[0] == "no-member-found"
    assert answered(call(order), members=Table(GOLD)) == answered(call(order))


@pytest.mark.parametrize("version", ["2.0", "2.1", "2.2"])
def test_a_look_up_that_is_down_is_technical_trouble_and_never_covered(version: str) -> None:
    answer = answered(call(version=version), members=Table(down=True))
    expected = "indeterminate" if version == "2.2" else "conditional"
    assert standing(answer)[0] == expected
    assert "CDS-2005" in str(answer["systemActions"])
    if version == "2.2":
        assert first_reason(answer)[0] == "technical"


def test_the_same_facts_give_the_same_id_and_another_standing_another() -> None:
    identity = "coverage-assertion-id"
    answers = [Table(GOLD), Table(GOLD), Table(), Table(GOLD._replace(exclusions=("macrilen",)))]
    ids = [said(answered(members=each))[identity][0] for each in answers]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def ketamine(**elements: Any) -> dict[str, Any]:
    """The answer about ketamine for a member of the Federal Employee Program by the chart."""
    document = orjson.loads(KETAMINE.read_bytes())
    document.setdefault("extension", {})["davinci-crd.requestedVersion"] = "2.2"
    request = parse_hook_request(orjson.dumps(document), "order-sign")
    (entry,) = (
        each["resource"]
        for each in document["prefetch"]["coverage"]["entry"]
        if each["resource"]["resourceType"] == "Coverage"
    )
    born = date.fromisoformat(document["prefetch"]["patient"]["birthDate"])
    named = next(
        (each["value"] for each in entry.get("class", ()) if each["type"]["coding"][0]["code"] == "plan"),
        "any",
    )
    known = Enrolment(
        "excellus", entry["subscriberId"].upper(), "B", born, named, None, date(2000, 1, 1), None
    )._replace(**elements)
    return answered(request, day=date(2026, 1, 15), members=Table(known))


def test_the_line_of_business_of_the_table_wins() -> None:
    assert standing(ketamine())[0] != "not-covered"
    assert standing(ketamine(line_of_business="fep")) == standing(ketamine())
    assert standing(ketamine(line_of_business="commercial")) == ("not-covered", None)


def test_a_policy_that_speaks_of_exclusions_is_cited_for_one() -> None:
    answer = ketamine(exclusions=("ketalar",))
    assert standing(answer) == ("not-covered", None)
    assert first_reason(answer)[1].startswith("Plan exclusion: ")
    assert "7.03.03" in str(answer["systemActions"])


def test_trusting_the_chart_looks_nobody_up() -> None:
    assert member_lookup("trust-ehr", "sqlite:////proc/nowhere.sqlite3") is None
