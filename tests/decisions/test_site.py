"""Where a drug is covered is decided apart from whether it is needed, and never replaces it."""

from __future__ import annotations

from typing import Final

import pytest

from cds_service.decisions.model import CriterionStatus, Determination, Outcome
from cds_service.orders.model import CareSetting, PatientStatus
from cds_service.policies.model import (
    CareSite,
    Connective,
    CriteriaGroup,
    Criterion,
    NotAddressed,
    Statement,
    StatementKind,
    Transition,
)
from tests.decisions.rules import MET, ORDER, STATEMENT, changed, decided, version

LABEL: Final = Criterion("label", "Label restricts the site", "1", "Does the label restrict the site?")
COMORBIDITY: Final = Criterion("comorbidity", "Comorbidity precludes other settings", "3", "Which one?")
APPLIES: Final = "Drug is given to an outpatient"
RESTRICTED: Final = "A hospital outpatient department is requested"
SITE: Final = Statement(
    id="site",
    title="Listed drugs",
    cite="Criteria",
    conclusion="Hospital setting is needed",
    criteria=CriteriaGroup(Connective.ANY, (LABEL, COMORBIDITY)),
    applies=APPLIES,
    applies_reason="Does not decide for hospitalized patients.",
    kind=StatementKind.SITE_OF_CARE,
    restricted_setting=RESTRICTED,
    lower_cost_settings=(CareSite("infusion center", "2"), CareSite("home infusion", "2")),
    transition=Transition(30, "Approved once for 30 days.", "1"),
)
AT_HOSPITAL: Final = {APPLIES: True, RESTRICTED: True}


def about(values: dict[str, bool | None], **site: object) -> Determination:
    setting = CareSetting(PatientStatus.OUTPATIENT, **site)  # type: ignore[arg-type]
    return decided(values, statement=SITE, order=ORDER._replace(setting=setting))


@pytest.mark.parametrize(
    ("applies", "restricted", "label", "comorbidity", "outcome"),
    [
        (True, True, None, None, Outcome.LOWER_COST_SITE),
        (True, True, False, None, Outcome.LOWER_COST_SITE),
        (True, True, False, False, Outcome.LOWER_COST_SITE),
        (True, True, None, True, Outcome.COVERED),
        (True, True, True, False, Outcome.COVERED),
        (True, False, None, None, Outcome.COVERED),
        (True, False, False, False, Outcome.COVERED),
        (True, None, None, None, Outcome.SITE_UNKNOWN),
        (True, None, False, False, Outcome.SITE_UNKNOWN),
        (True, None, True, None, Outcome.COVERED),
        (None, None, None, None, Outcome.SITE_UNKNOWN),
        (None, True, True, True, Outcome.SITE_UNKNOWN),
        (False, True, None, None, Outcome.NOT_ADDRESSED),
    ],
)
def test_the_setting_and_the_exceptions_decide(
    applies: bool | None,
    restricted: bool | None,
    label: bool | None,
    comorbidity: bool | None,
    outcome: Outcome,
) -> None:
    values = {APPLIES: applies, RESTRICTED: restricted, LABEL.name: label, COMORBIDITY.name: comorbidity}
    assert about(values).outcome is outcome


def test_a_lower_cost_site_names_settings_exceptions_and_the_transition() -> None:
    found = about({**AT_HOSPITAL, LABEL.name: False}, site_basis="performer on the order: Suite")
    texts = [reason.text for reason in found.reasons]
    assert texts[0] == f"{RESTRICTED} (performer on the order: Suite)"
    assert any("infusion center; home infusion" in text for text in texts)
    assert any("30 days" in text for text in texts)
    assert [each.name for each in found.asks] == [COMORBIDITY.name]
    assert found.site is not None
    assert found.site.exceptions == (COMORBIDITY.name,)
    assert found.site.lower_cost_settings == SITE.lower_cost_settings
    assert found.site.transition == SITE.transition


def test_with_every_exception_ruled_out_nothing_is_asked() -> None:
    found = about({**AT_HOSPITAL, LABEL.name: False, COMORBIDITY.name: False})
    assert found.asks == ()
    assert found.site is not None
    assert found.site.exceptions == ()
    assert any("None of these is met" in reason.text for reason in found.reasons)


def test_an_unknown_site_asks_nothing_and_needs_the_location() -> None:
    found = about({APPLIES: True})
    assert found.asks == ()
    assert found.info_needed == ("location",)
    assert {each.status for each in found.criteria} == {CriterionStatus.NOT_NEEDED}
    assert found.reasons[0].text == "Depends on where the drug is given (the order does not name the place)"


def test_a_place_that_says_nothing_is_named() -> None:
    found = about({APPLIES: True}, site_basis="the kind of place is not given for Riverside", site_named=True)
    assert "Riverside" in found.reasons[0].text


@pytest.mark.parametrize("values", [{RESTRICTED: False}, {RESTRICTED: True, LABEL.name: True}])
def test_a_setting_in_keeping_authorizes_nothing_while_the_drugs_own_policy_is_not_on_file(
    values: dict[str, bool],
) -> None:
    found = about({APPLIES: True, **values})
    assert found.outcome is Outcome.COVERED
    assert not found.necessity_on_file
    assert not found.authorizes
    assert found.info_needed == ("OTH",)
    assert "own policy" in found.reasons[-1].text


def both(values: dict[str, bool | None]) -> Determination:
    statements = ((version(), STATEMENT), (version("acme-2"), SITE))
    return decided(values, statements=statements)


def test_with_the_drugs_own_policy_on_file_both_decide() -> None:
    found = both({**MET, APPLIES: True, RESTRICTED: False})
    assert found.outcome is Outcome.COVERED
    assert found.necessity_on_file
    assert found.authorizes
    assert found.info_needed == ()
    assert found.allowed_from is not None
    assert [each.policy for each in found.policies] == ["acme-1", "acme-2"]


def test_a_needed_drug_in_a_restricted_setting_is_a_lower_cost_site() -> None:
    found = both({**MET, **AT_HOSPITAL})
    assert found.outcome is Outcome.LOWER_COST_SITE
    assert [each.outcome for each in found.policies] == [Outcome.COVERED, Outcome.LOWER_COST_SITE]
    assert not any("own policy" in reason.text for reason in found.reasons)


def test_documentation_about_the_drug_and_about_the_setting_is_asked_together() -> None:
    found = both({**MET, "Body mass index is at most 40 kg/m2": None, **AT_HOSPITAL})
    assert found.outcome is Outcome.DOCUMENTATION_NEEDED
    assert [each.name for each in found.asks] == [
        "Body mass index is at most 40 kg/m2",
        LABEL.name,
        COMORBIDITY.name,
    ]
    assert found.site is not None


def test_a_drug_that_is_not_covered_is_not_covered_anywhere() -> None:
    found = both({**MET, "Is 18 years of age or older": False, APPLIES: True, RESTRICTED: False})
    assert found.outcome is Outcome.NOT_COVERED
    assert found.site is None


def test_a_policy_that_does_not_speak_of_the_order_leaves_the_need_open() -> None:
    silent = changed(applies="Speaks of it", applies_reason="Silent.")
    statements = ((version(), silent), (version("acme-2"), SITE))
    found = decided({**MET, "Speaks of it": False, APPLIES: True, RESTRICTED: False}, statements=statements)
    assert found.outcome is Outcome.COVERED
    assert not found.necessity_on_file


USE: Final = Criterion("use", "Used for chronic pain", "1", "What is it used for?")
SCOPED: Final = changed(
    applies="Speaks of it", applies_reason="Only chronic pain.", applies_unknown="documentation", scope=USE
)


def test_an_unknown_use_is_asked_where_the_statement_says_so() -> None:
    found = decided({**MET, "Speaks of it": None, USE.name: None}, statement=SCOPED)
    assert found.outcome is Outcome.DOCUMENTATION_NEEDED
    assert [each.name for each in found.asks] == [USE.name]


def test_an_answered_use_decides_whether_the_policy_speaks_at_all() -> None:
    found = decided({**MET, "Speaks of it": False, USE.name: False}, statement=SCOPED)
    assert found.not_addressed is NotAddressed.OUT_OF_SCOPE
    assert decided({**MET, "Speaks of it": True}, statement=SCOPED).outcome is Outcome.COVERED
