"""Questionnaires and packages against the published DTR 2.0.1 profiles.

Of DTR 2.2 no package is at hand. Its questionnaires are held against the older profile too, which allows all
that they use; what 2.2 asks beyond it stands in the other tests of this folder.
"""

from __future__ import annotations

import pytest

from cds_service.dtr.model import AnswerType
from cds_service.dtr.responses import Subject, draft
from cds_service.dtr.versions import DTR_2_0, DtrVersion
from tests import profiles
from tests.dtr.shipped import (
    DSUVIA,
    EVERY_FORM,
    EVERY_VERSION,
    KETAMINE,
    MACRILEN,
    NOW,
    SITE_OF_CARE,
    form,
    packages,
)

SUBJECT = Subject("Patient/pat-1", "Coverage/cov-1", "MedicationRequest/mr-1")


@pytest.fixture(scope="module")
def dtr() -> profiles.Packages:
    return profiles.packages("davinci_dtr_2.0.1", "uscore311")


@pytest.mark.parametrize("version", EVERY_VERSION)
@pytest.mark.parametrize("named", EVERY_FORM)
@pytest.mark.requirement("dtr-2.2.0@conf-1")
def test_every_questionnaire_meets_the_standard_profile(
    named: tuple[str, str, str], version: DtrVersion, dtr: profiles.Packages
) -> None:
    found = profiles.errors(packages().questionnaire(form(*named), version), dtr)
    assert profiles.unreviewed(found) == []


@pytest.mark.parametrize("named", [MACRILEN, DSUVIA, SITE_OF_CARE, KETAMINE])
def test_every_package_meets_its_profile(named: tuple[str, str, str], dtr: profiles.Packages) -> None:
    prefilled = {each.link_id: True for each in form(*named).questions() if each.type is AnswerType.BOOLEAN}
    response = draft(form(*named), DTR_2_0, SUBJECT, prefilled, NOW)
    found = profiles.errors(packages().bundle(form(*named), DTR_2_0, response, NOW), dtr)
    assert profiles.unreviewed(found) == []


def test_a_questionnaire_that_breaks_its_profile_is_noticed(dtr: profiles.Packages) -> None:
    broken = packages().questionnaire(form(*MACRILEN), DTR_2_0) | {"subjectType": ["Patient", "Group"]}
    del broken["text"]
    rules = {each.rule for each in profiles.unreviewed(profiles.errors(broken, dtr))}
    assert "cardinality" in rules
