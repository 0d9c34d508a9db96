"""Statements about the setting, and versions without a date, as the loader takes and refuses them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.policies.catalogue import Catalogue, CatalogueError
from cds_service.policies.model import StatementKind, in_force_since
from cds_service.policies.selection import is_in_force
from tests.policies.catalogue_folder import RULES, copy_of_rules, edit

SITE = "policies/cigna-site-of-care/undated/policy.yaml"
DATED = "policies/cigna-1701/2025-06-01/policy.yaml"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(RULES)


def test_a_policy_without_a_date_is_always_in_force(catalogue: Catalogue) -> None:
    version = catalogue.policy_version("cigna-site-of-care", "undated")
    assert version is not None
    assert is_in_force(version, date(1990, 1, 1))
    assert is_in_force(version, date(2099, 12, 31))
    assert version.label.endswith("(undated)")


def test_a_dated_policy_says_since_when() -> None:
    assert in_force_since("2024-07-01") == "effective 2024-07-01"


def test_a_site_of_care_statement_names_its_settings_with_their_codes(catalogue: Catalogue) -> None:
    version = catalogue.policy_version("cigna-site-of-care", "undated")
    assert version is not None
    (statement,) = version.statements
    assert statement.kind is StatementKind.SITE_OF_CARE
    assert statement.restricted_setting in version.library.definitions
    for setting in statement.lower_cost_settings:
        assert setting.cite
        assert setting.value_set is not None
        assert catalogue.value_sets.lookup(setting.value_set) is not None


def _statement(**changes: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        statement = content["statements"][0]
        for key, value in changes.items():
            if value is None:
                statement.pop(key, None)
            else:
                statement[key] = value

    return change


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (SITE, _statement(kind="site"), "must be medical-necessity or site-of-care"),
        (SITE, _statement(restricted_setting=None), "restricted_setting"),
        (SITE, _statement(restricted_setting="Nowhere"), "is not defined"),
        (SITE, _statement(lower_cost_settings=None), "lower_cost_settings"),
        (
            SITE,
            _statement(lower_cost_settings=[{"name": "a", "cite": "b", "value_set": "no"}]),
            "does not exist",
        ),
        (SITE, _statement(transition={"text": "Later.", "cite": "1"}), "days"),
        (SITE, _statement(applies_unknown="somebody"), "must be site or documentation"),
        (SITE, lambda content: content.update(effective={"from": "2025-01-01"}), "name of its folder"),
        (DATED, _statement(restricted_setting="Patient is not hospitalized"), "kind site-of-care"),
        (
            DATED,
            _statement(applies=None, applies_reason=None, applies_unknown="documentation"),
            "needs `applies`",
        ),
        (DATED, lambda content: content.update(effective={"from": None}), "name of its folder"),
    ],
)
def test_a_mistake_is_refused_with_its_place(
    tmp_path: Path, file: str, change: Callable[[Any], None], words: str
) -> None:
    rules = copy_of_rules(tmp_path)
    edit(rules, file, change)
    with pytest.raises(CatalogueError) as refused:
        Catalogue.load(rules)
    assert file in str(refused.value)
    assert words in str(refused.value)


def test_an_undated_version_leaves_no_room_for_another(tmp_path: Path) -> None:
    rules = copy_of_rules(tmp_path)
    (rules / "policies/cigna-1701/2024-07-01").rename(rules / "policies/cigna-1701/undated")
    edit(
        rules,
        "policies/cigna-1701/undated/policy.yaml",
        lambda content: content.update(effective={"from": None, "to": None}),
    )
    with pytest.raises(CatalogueError, match="overlaps the version of undated"):
        Catalogue.load(rules)


def test_places_in_the_network_are_read_from_the_payers_file(tmp_path: Path) -> None:
    rules = copy_of_rules(tmp_path)
    place = {
        "name": "Prairie Infusion",
        "setting": "infusion center",
        "identifiers": [{"system": "http://hl7.org/fhir/sid/us-npi/", "value": "0000000001"}],
        "contact": "+1-555-0199",
        "source": "a test",
    }
    edit(rules, "catalog/payers.yaml", lambda content: content["payers"][0].update(alternatives=[place]))
    (found,) = Catalogue.load(rules).payers["cigna"].alternatives
    assert found.identifiers == (("http://hl7.org/fhir/sid/us-npi", "0000000001"),)
    assert (found.name, found.setting, found.contact) == (
        "Prairie Infusion",
        "infusion center",
        "+1-555-0199",
    )
