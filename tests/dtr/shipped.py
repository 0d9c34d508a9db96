"""The forms and packages of the shipped policies, for the tests of this room."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cds_service.dtr.forms import Forms
from cds_service.dtr.model import Form
from cds_service.dtr.package import Packages
from cds_service.dtr.versions import VERSIONS, DtrVersion
from cds_service.policies.catalogue import Catalogue

RULES = Path(__file__).parents[2] / "cql_like_rules"
BASE = "https://payer.example"
NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
NEVER_ASKED = {
    "the-product-is-known-to-exclude-the-service": False,
    "the-member-s-group-has-a-policy-of-its-own": False,
}
"""Criteria that the record always settles, with what they are where it says nothing."""

Json = dict[str, Any]


@functools.cache
def catalogue() -> Catalogue:
    return Catalogue.load(RULES)


@functools.cache
def forms() -> Forms:
    return Forms.load(catalogue(), BASE)


@functools.cache
def packages() -> Packages:
    return Packages(catalogue(), forms(), BASE)


def form(policy: str, version: str, statement: str) -> Form:
    found = forms().of(policy, version, statement)
    assert found is not None
    return found


MACRILEN = ("cigna-1701", "2024-07-01", "macrilen")
DSUVIA = ("cigna-1701", "2024-07-01", "dsuvia")
DEFITELIO = ("cigna-1701", "2024-07-01", "defitelio")
NON_SPECIFIED = ("cigna-1701", "2024-07-01", "non-specified")
SITE_OF_CARE = ("cigna-site-of-care", "undated", "site-of-care")
KETAMINE = ("excellus-7.03.03", "2015-05-28", "ketamine-chronic-pain")
EVERY_FORM = [(each.policy, each.policy_version, each.statement) for each in forms()]
EVERY_VERSION = list(VERSIONS.values())


def items(item: Mapping[str, Any]) -> Iterator[Json]:
    """Every item below a Questionnaire or an item, in order."""
    for each in item.get("item", ()):
        yield each
        yield from items(each)


def questions(questionnaire: Mapping[str, Any]) -> dict[str, Json]:
    """The questions of a Questionnaire by link id."""
    return {each["linkId"]: each for each in items(questionnaire) if each["type"] not in ("group", "display")}


def extensions(element: Mapping[str, Any], name: str) -> list[Json]:
    """The extensions of an element whose address ends so."""
    return [each for each in element.get("extension", ()) if each["url"].endswith(name)]


def package(named: tuple[str, str, str], version: DtrVersion) -> Json:
    """A package with an empty draft."""
    return packages().bundle(form(*named), version, draft(form(*named)), NOW)


def draft(form: Form) -> Json:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": form.canonical,
        "status": "in-progress",
        "subject": {"reference": "Patient/pat-1"},
        "authored": NOW.isoformat(),
    }


def resources(bundle: Mapping[str, Any], kind: str) -> list[Json]:
    return [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]
