"""Every drug of the site-of-care list, in every setting, with every exception, as a client orders it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.authoring.cases import Case, Expectation
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.decisions.model import Determination, Outcome
from cds_service.policies.model import Statement

FOLDER = RuleFolder.open(Path(__file__).parents[2] / "cql_like_rules")
ANYTHING = Expectation("", {}, None, {}, None, None, None, None)
DAY = date(2026, 4, 2)

# Where the order says that the drug is given, and whether the policy restricts that setting.
SETTINGS: Mapping[str, tuple[dict[str, Any], bool | None]] = {
    "hospital outpatient": ({"order": {"performer": {"pos": "22"}}}, True),
    "hospital-affiliated suite": (
        {"order": {"performer": {"nucc": "261QI0500X", "part_of": {"nucc": "282N00000X"}}}},
        True,
    ),
    "infusion center": ({"order": {"performer": {"nucc": "261QI0500X"}}}, False),
    "office": ({"order": {"performer": {"pos": "11"}}}, False),
    "home": ({"order": {"performer": {"pos": "12"}}}, False),
    "unknown": ({"encounter": {"class": "AMB"}}, None),
}
LABEL = "Label restricts the site of administration"
EVENT = "Documented adverse event warrants a more intense level of care"
MANAGED = "Adverse event can be managed by pre-medication or other preventive actions"
COMORBIDITY = "Significant comorbidity precludes a less intensive setting"
OVERLOAD = "Concerns about fluid overload preclude a less intensive setting"

# What is answered about the exceptions, and whether one holds; None: nobody has said.
EXCEPTIONS: Mapping[str, tuple[dict[str, bool], bool | None]] = {
    "nothing said": ({}, None),
    "label": ({LABEL: True}, True),
    "adverse event": ({EVENT: True, MANAGED: False}, True),
    "adverse event that can be managed": ({EVENT: True, MANAGED: True}, None),
    "comorbidity": ({COMORBIDITY: True}, True),
    "fluid overload": ({OVERLOAD: True}, True),
    "none": ({LABEL: False, EVENT: False, COMORBIDITY: False, OVERLOAD: False}, False),
}


def statement() -> Statement:
    version = FOLDER.catalogue.policy_version("cigna-site-of-care", "undated")
    assert version is not None
    return version.statements[0]


def decided(
    order: dict[str, Any], setting: dict[str, Any] | None = None, answers: dict[str, bool] | None = None
) -> Determination:
    setting = setting or {}
    facts = {
        **{key: value for key, value in setting.items() if key != "order"},
        "order": {"written": DAY.isoformat(), "category": "outpatient", **order, **setting.get("order", {})},
        "coverage": {"payer": "cigna"},
        "answers": answers or {},
    }
    _, determination = FOLDER.decide(Case(Path("matrix"), "matrix", DAY, facts, ANYTHING))
    return determination


def about_the_site(determination: Determination) -> Outcome | None:
    found = [each.outcome for each in determination.policies if each.policy == "cigna-site-of-care"]
    return found[0] if len(found) == 1 else None


def expected(restricted: bool | None, excepted: bool | None) -> Outcome:
    """The policy in four lines; an exception settles the matter wherever the drug is given."""
    if excepted or restricted is False:
        return Outcome.COVERED
    return Outcome.SITE_UNKNOWN if restricted is None else Outcome.LOWER_COST_SITE


@pytest.mark.parametrize("exception", EXCEPTIONS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_listed_drug_is_decided_by_its_setting_and_the_exceptions(setting: str, exception: str) -> None:
    words, restricted = SETTINGS[setting]
    answers, excepted = EXCEPTIONS[exception]
    outcome = expected(restricted, excepted)
    others = {
        product: found
        for product in sorted(statement().products)
        if (found := about_the_site(decided({"drug": product}, words, answers))) is not outcome
    }
    assert others == {}


@pytest.mark.parametrize("code", sorted(statement().billing_codes))
def test_every_listed_code_puts_an_order_on_the_list(code: str) -> None:
    system = "cpt" if code.isdigit() else "hcpcs"
    order = {"codes": [{system: code}]}
    assert about_the_site(decided(order, SETTINGS["hospital outpatient"][0])) is Outcome.LOWER_COST_SITE
    assert about_the_site(decided(order, SETTINGS["home"][0])) is Outcome.COVERED


@pytest.mark.parametrize("code", ["J3490", "J3590", "C9399", "J9999"])
def test_a_code_that_names_no_drug_puts_nothing_on_the_list(code: str) -> None:
    order = {"codes": [{"hcpcs": code}], "text": "a drug that nobody lists"}
    assert about_the_site(decided(order, SETTINGS["hospital outpatient"][0])) is None


def test_the_list_is_as_long_as_the_document_has_it() -> None:
    listed = statement()
    assert len(listed.products) >= 133
    assert len(listed.billing_codes) >= 125
    assert listed.transition is not None
    assert (listed.transition.days, listed.transition.once) == (30, True)
    assert len(listed.lower_cost_settings) == 3


def test_the_answer_never_authorizes_a_drug_whose_own_policy_is_not_on_file() -> None:
    for setting, (words, _) in SETTINGS.items():
        for exception, (answers, _) in EXCEPTIONS.items():
            determination = decided({"drug": "remicade"}, words, answers)
            assert not determination.authorizes, (setting, exception)
            assert not determination.necessity_on_file
            assert any("own policy" in reason.text for reason in determination.reasons)


def test_the_site_is_never_asked_for() -> None:
    determination = decided({"drug": "remicade"}, SETTINGS["unknown"][0])
    assert determination.outcome is Outcome.SITE_UNKNOWN
    assert determination.asks == ()
    assert determination.info_needed == ("location",)
