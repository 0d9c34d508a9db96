"""Which statements decide an order on its date of service, or why none does."""

from __future__ import annotations

from datetime import date

import pytest

from cds_service.policies.errors import CatalogueError
from cds_service.policies.model import NotAddressed, Payer, Referral, Selection
from cds_service.policies.selection import PolicyIndex
from cds_service.policies.versions import check_timelines
from tests.policies.examples import Drug, Member, Order, statement, version

ONCOLOGY = Referral(frozenset({"J9999"}), "1403", "Oncology drugs have a policy of their own.", "Overview")
OLD = version(
    "acme-1701", "2024-07-01", "2025-05-31",
    statement("defitelio", "defitelio"), statement("ketalar", "ketalar"),
    statement("any", codes="J3490 C9399"),
    referrals=(ONCOLOGY,),
)  # fmt: skip
NEW = version(
    "acme-1701", "2025-06-01", None, statement("ketalar", "ketalar"), statement("any", codes="J3490 J3590")
)
SITE = version("acme-site", "2020-01-01", None, statement("site", "remicade ketalar"))
OTHER = version("other-7", "2020-01-01", None, statement("all", "ketalar"), payer="other")
PAYERS = {"acme": Payer("acme", "Acme", ()), "other": Payer("other", "Other", ())}
INDEX = PolicyIndex([OLD, NEW, OTHER], PAYERS, {"defitelio": ("J3490",), "remicade": ("J1745",)})


def select(on: str, index: PolicyIndex = INDEX, payer: str = "acme", **drug: object) -> Selection:
    return index.select(Order(Drug(**drug), Member(payer)), date.fromisoformat(on))  # type: ignore[arg-type]


def chosen(found: Selection) -> list[tuple[str, str]]:
    return [(policy.version, each.id) for policy, each in found.statements]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2024-07-01", [("2024-07-01", "ketalar")]),
        ("2025-05-31", [("2024-07-01", "ketalar")]),
        ("2025-06-01", [("2025-06-01", "ketalar")]),
        ("2099-01-01", [("2025-06-01", "ketalar")]),
    ],
)
def test_the_date_of_service_picks_the_version(on: str, expected: list[tuple[str, str]]) -> None:
    found = select(on, product="ketalar")
    assert chosen(found) == expected
    assert [policy.version for policy in found.consulted] == [expected[0][0]]
    assert found.not_addressed is None


def test_a_product_that_lost_its_entry_falls_under_the_general_one() -> None:
    assert chosen(select("2025-05-31", product="defitelio")) == [("2024-07-01", "defitelio")]
    assert chosen(select("2025-06-01", product="defitelio")) == [("2025-06-01", "any")]
    assert chosen(select("2025-06-01", product="defitelio", billing_codes=("J3490",))) == [
        ("2025-06-01", "any")
    ]


def test_a_product_with_its_own_entry_never_falls_under_the_general_one() -> None:
    assert chosen(select("2025-06-01", product="ketalar", billing_codes=("J3490",))) == [
        ("2025-06-01", "ketalar")
    ]


def test_an_unidentified_drug_under_an_unassigned_code_falls_under_the_general_one() -> None:
    assert chosen(select("2025-06-01", billing_codes=("J3590",))) == [("2025-06-01", "any")]


def test_two_codes_of_one_statement_choose_it_once() -> None:
    assert chosen(select("2025-06-01", billing_codes=("J3490", "J3590"))) == [("2025-06-01", "any")]


def test_all_policies_that_speak_of_a_drug_are_chosen() -> None:
    index = PolicyIndex([OLD, NEW, SITE], PAYERS, {})
    assert chosen(select("2025-06-01", index, product="ketalar")) == [
        ("2025-06-01", "ketalar"),
        ("2020-01-01", "site"),
    ]


def test_policies_of_other_payers_do_not_speak() -> None:
    assert chosen(select("2025-06-01", payer="other", product="ketalar")) == [("2020-01-01", "all")]
    assert select("2025-06-01", payer="other", product="defitelio").not_addressed is NotAddressed.NO_POLICY
    assert select("2025-06-01", payer="unknown", product="ketalar").not_addressed is NotAddressed.NO_POLICY


def test_a_drug_that_no_policy_speaks_of() -> None:
    found = select("2025-06-01", product="remicade", display="Remicade")
    assert (found.not_addressed, found.statements, found.consulted) == (NotAddressed.NO_POLICY, (), ())
    assert found.explanation == (
        "No policy of Acme on file speaks of Remicade under J1745; ask Acme which one does."
    )


def test_a_date_before_every_version_on_file() -> None:
    found = select("2024-06-30", product="ketalar")
    assert found.not_addressed is NotAddressed.NOT_IN_FORCE
    assert found.explanation == (
        "Acme 1701 speaks of Ketalar, but was not in force on 2024-06-30; versions on file: "
        "from 2024-07-01 to 2025-05-31; from 2025-06-01."
    )
    assert found.consulted == (OLD, NEW)


def test_a_code_that_only_an_earlier_version_spoke_of() -> None:
    found = select("2025-06-01", billing_codes=("C9399",), display="DefenCath")
    assert found.not_addressed is NotAddressed.NO_POLICY
    assert found.explanation == (
        "1701 Drugs (effective 2025-06-01) does not speak of DefenCath under C9399; "
        "what did was in force from 2024-07-01 to 2025-05-31."
    )
    assert found.consulted == (NEW,)


def test_a_code_that_the_policy_sends_elsewhere() -> None:
    found = select("2025-01-01", product="ketalar", billing_codes=("J9999",))
    assert found.not_addressed is NotAddressed.REFERRED
    assert found.explanation == "Oncology drugs have a policy of their own. Look at policy 1403."
    assert found.consulted == (OLD,)


def test_a_referral_ends_with_its_version() -> None:
    assert select("2025-06-01", billing_codes=("J9999",)).not_addressed is NotAddressed.NO_POLICY


def test_a_policy_that_speaks_of_the_product_is_not_silenced_by_the_referral_of_another() -> None:
    site = version("acme-site", "2020-01-01", None, statement("site", "darzalex-faspro ketalar"))
    index = PolicyIndex([OLD, site], PAYERS, {})
    found = select("2025-01-01", index, product="ketalar", billing_codes=("J9999",))
    assert chosen(found) == [("2020-01-01", "site")]


class TestAssignedCodes:
    SITE = version(
        "acme-site", "2020-01-01", None, statement("site", "prolia xgeva", billing_codes="J0897 J1599")
    )
    INDEX = PolicyIndex([OLD, NEW, SITE], PAYERS, {"prolia": ("J0897",), "octagam": ("J1568",)})

    def test_a_listed_code_brings_an_order_though_it_names_no_product(self) -> None:
        for code in ("J0897", "J1599"):
            assert chosen(select("2025-06-01", self.INDEX, billing_codes=(code,))) == [("2020-01-01", "site")]

    def test_a_product_and_its_code_choose_a_statement_once(self) -> None:
        found = select("2025-06-01", self.INDEX, product="prolia", billing_codes=("J0897",))
        assert chosen(found) == [("2020-01-01", "site")]
        assert chosen(select("2025-06-01", self.INDEX, product="prolia")) == [("2020-01-01", "site")]

    def test_a_product_that_is_not_listed_comes_by_its_listed_code_only(self) -> None:
        found = select("2025-06-01", self.INDEX, product="octagam", billing_codes=("J1599",))
        assert chosen(found) == [("2020-01-01", "site")]
        assert select("2025-06-01", self.INDEX, product="octagam").not_addressed is NotAddressed.NO_POLICY

    def test_a_code_of_another_payer_or_of_no_list_brings_nothing(self) -> None:
        assert chosen(select("2025-06-01", self.INDEX, payer="other", billing_codes=("J0897",))) == []
        assert chosen(select("2025-06-01", self.INDEX, billing_codes=("J1745",))) == []


@pytest.mark.parametrize(
    ("possible", "sentence"),
    [
        (("Prolia", "Xgeva"), " The order leaves open which product is meant: Prolia or Xgeva."),
        (("A", "B", "C"), " The order leaves open which product is meant: A, B or C."),
        (tuple("ABCDEFG"), " The order leaves open which of 7 products on file is meant."),
        (("Alimta",), ""),
        ((), ""),
    ],
)
def test_an_order_that_leaves_the_product_open_is_told_so(possible: tuple[str, ...], sentence: str) -> None:
    found = select("2025-06-01", display="denosumab", possible=possible)
    assert found.explanation == (
        f"No policy of Acme on file speaks of denosumab; ask Acme which one does.{sentence}"
    )


def test_codes_that_contradict_each_other_choose_nothing() -> None:
    found = select("2025-06-01", product="ketalar", contradictions=("They differ.",))
    assert (found.not_addressed, found.explanation) == (NotAddressed.CONTRADICTORY_CODES, "They differ.")


class TestTimelines:
    def test_versions_that_follow_each_other_are_fine_with_or_without_a_gap(self) -> None:
        check_timelines([NEW, OLD, version("acme-1701", "2020-01-01", "2021-01-01")])

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            ("2025-05-31", None), ("2024-07-01", "2025-05-31"), ("2024-01-01", "2024-07-01"),
            ("2020-01-01", None),
        ],
    )  # fmt: skip
    def test_versions_that_overlap_or_double_each_other_are_refused(
        self, start: str, end: str | None
    ) -> None:
        with pytest.raises(CatalogueError) as error:
            check_timelines([OLD, version("acme-1701", start, end)])
        assert error.value.key == "effective"

    def test_a_policy_belongs_to_one_payer(self) -> None:
        with pytest.raises(CatalogueError) as error:
            check_timelines([OLD, version("acme-1701", "2025-06-01", None, payer="other")])
        assert error.value.key == "payer"
