"""The policy pages: what they say, for people and for programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from cds_service.fhir.codes import Coding
from cds_service.policies.model import (
    UNDATED,
    CareSite,
    ConditionNotCovered,
    Connective,
    CriteriaGroup,
    Criterion,
    Payer,
    PolicyVersion,
    Product,
    QuantityLimit,
    Referral,
    Statement,
    StatementKind,
    Transition,
)
from cds_service.web.pages import address, policy_list, standing
from tests.web.application import OnFile, application

BMI = Criterion(
    id="bmi",
    name="Body mass index is at most 40 kg/m2",
    cite="Criteria, 2",
    question="What is the body mass index?",
    answer_type="quantity",
    unit="kg/m2",
    documentation="Chart notes",
)
ADULT = Criterion(id="adult", name="Is 18 years of age or older", cite="Criteria, 1")
REFUTED = Criterion(id="refuted", name="Has <b>another</b> use", cite="Criteria, 3")


def version(
    start: date = date(2024, 7, 1), end: date | None = date(2025, 5, 31), **changes: Any
) -> PolicyVersion:
    """A policy version with one statement of every kind of content."""
    statement = Statement(
        id="macrilen",
        title="Macrilen",
        cite="Product criteria",
        conclusion="Macrilen is medically necessary",
        criteria=CriteriaGroup(
            Connective.ALL,
            (
                ADULT,
                CriteriaGroup(Connective.ANY, (BMI, CriteriaGroup(Connective.NOT, (REFUTED,))), "Weight"),
            ),
        ),
        products=frozenset({"macrilen", "unlisted"}),
        unassigned_codes=frozenset({"J3490"}),
        applies="Patient is not hospitalized",
        applies_reason="Hospitals are not spoken of.",
        not_covered_reason="Any other use is unproven.",
        conditions_not_covered=(ConditionNotCovered("Childhood deficiency", "Exclusions, 1"),),
        authorization_months=12,
        quantity_limit=QuantityLimit(Decimal(36), "tablet", 72, "Limits, 1"),
        billing_code="J3490",
        notes=("Samples do not count.",),
    )
    values: dict[str, Any] = {
        "policy": "example-17",
        "number": "17",
        "version": start.isoformat(),
        "title": "Unassigned drugs",
        "payer": "example",
        "effective_from": start,
        "effective_to": end,
        "precertification": True,
        "statements": (statement,),
        "library": SimpleNamespace(definitions={}),
        "document": "Policy 17 of 2024",
        "documentation_rule": "Written records are needed.",
        "referrals": (Referral(frozenset({"J9999"}), "1403", "Oncology", "Overview"),),
        "notes": ("A slip in the document.",),
    }
    return PolicyVersion(**{**values, **changes})


PAYERS = {"example": Payer("example", "Example Health", ())}
PRODUCTS = {"macrilen": Product("macrilen", "Macrilen", "macimorelin", ("J8999",), "Oral solution")}
CODES = {"macrilen": (Coding("http://hl7.org/fhir/sid/ndc", "0169-1401-01", "Macrilen 60 mg"),)}
OLD, NEW = version(), version(date(2025, 6, 1), None)
CLIENT = application(catalogue=OnFile(OLD, NEW, payers=PAYERS, products=PRODUCTS, codes=CODES)).test_client()


def page(path: str = "/policies/example-17/2024-07-01") -> str:
    response = CLIENT.get(path)
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    return response.data.decode()


@pytest.mark.parametrize(
    "words",
    [
        "Unassigned drugs",
        "Example Health",
        "policy 17",
        "2024-07-01",
        "2025-05-31",
        "ended",
        "Policy 17 of 2024",
        "Macrilen",
        "macimorelin",
        "J8999",
        "J3490",
        "unlisted",
        "All of",
        "Any of",
        "Not",
        "Weight",
        "Body mass index is at most 40 kg/m2",
        "What is the body mass index?",
        "Chart notes",
        "Criteria, 2",
        "Patient is not hospitalized.",
        "Hospitals are not spoken of.",
        "Childhood deficiency",
        "Exclusions, 1",
        "Any other use is unproven.",
        "up to 12 months",
        "36 tablets per 72 hours",
        "NDC <code>0169-1401-01</code> Macrilen 60 mg",
        "J9999",
        "1403",
        "Oncology",
        "Written records are needed.",
        "A slip in the document.",
        "Samples do not count.",
        "not affiliated with any payer",
        "own document prevails",
        "no treatment advice",
        'href="/policies/example-17/2025-06-01"',
    ],
)
def test_a_page_says_everything_of_its_version(words: str) -> None:
    assert words in page()


def test_a_drug_without_any_covered_use_is_called_that() -> None:
    conclusion = SimpleNamespace(elm={"type": "Literal", "value": "false"})
    library = SimpleNamespace(definitions={"Macrilen is medically necessary": conclusion})
    catalogue = OnFile(version(library=library), payers=PAYERS, products=PRODUCTS)
    shown = application(catalogue=catalogue).test_client().get("/policies/example-17/2024-07-01").text
    assert "Not covered for any use" in shown
    assert "Covered when" not in shown
    assert "Covered when" in page()


def test_names_are_text_and_no_markup() -> None:
    assert "<b>another" not in page()
    assert "&lt;b&gt;another" in page()


def test_pages_need_no_script() -> None:
    assert "<script" not in page()
    assert "style=" not in page()


def test_the_list_links_every_version() -> None:
    listed = page("/policies")
    assert listed.index("/policies/example-17/2025-06-01") < listed.index("/policies/example-17/2024-07-01")
    assert "No policy is on file" in application().test_client().get("/policies").data.decode()


def test_programs_get_json() -> None:
    response = CLIENT.get("/policies/example-17/2024-07-01", headers={"Accept": "application/json"})
    content = response.json
    assert content is not None
    assert response.headers["Vary"] == "Accept"
    (statement,) = content["statements"]
    assert statement["criteria"]["connective"] == "All of"
    assert statement["criteria"]["children"][1]["children"][0]["unit"] == "kg/m2"
    assert statement["quantityLimit"] == {
        "amount": "36",
        "unit": "tablet",
        "perHours": 72,
        "cite": "Limits, 1",
    }
    assert [line["version"] for line in content["otherVersions"]] == ["2025-06-01"]
    listed = CLIENT.get("/policies", headers={"Accept": "application/json"}).json
    assert listed is not None
    assert [line["version"] for line in listed["policies"]] == ["2025-06-01", "2024-07-01"]


@pytest.mark.parametrize("accept", ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "image/png"])
def test_everybody_else_gets_the_page(accept: str) -> None:
    response = CLIENT.get("/policies", headers={"Accept": accept})
    assert response.content_type == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/policies/example-17/1999-01-01", "/policies/x/2024-07-01", "/policies/x"])
def test_an_unknown_version_is_not_found(path: str) -> None:
    response = CLIENT.get(path)
    assert (response.status_code, response.content_type) == (404, "application/fhir+json")


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2024, 6, 30), "not yet in force"),
        (date(2024, 7, 1), "in force"),
        (date(2025, 5, 31), "in force"),
        (date(2025, 6, 1), "ended"),
    ],
)
def test_standing_counts_both_ends(today: date, expected: str) -> None:
    assert standing(OLD, today) == expected


def test_an_open_end_stays_in_force() -> None:
    assert standing(NEW, date(2099, 1, 1)) == "in force"
    (line,) = policy_list([NEW], {}, date(2099, 1, 1))
    assert (line["payer"], line["address"]) == ("example", address(NEW))


def test_a_policy_about_the_site_of_care_names_its_settings() -> None:
    site = replace(
        version().statements[0],
        kind=StatementKind.SITE_OF_CARE,
        billing_codes=frozenset({"J0897"}),
        restricted_setting="A hospital setting is requested",
        lower_cost_settings=(CareSite("home infusion", "Sites, 2"),),
        transition=Transition(30, "Once for 30 days.", "Criteria"),
    )
    undated = version(version=UNDATED, effective_from=date.min, effective_to=None, statements=(site,))
    client = application(catalogue=OnFile(undated, payers=PAYERS, products=PRODUCTS)).test_client()
    shown = client.get("/policies/example-17/undated").text
    for words in (
        "the document states no date; always in force",
        "A hospital setting is requested",
        "home infusion",
        "Sites, 2",
        "Once for 30 days.",
        "J0897",
        "Covered in the restricted setting when",
    ):
        assert words in shown
    assert "0001" not in shown
    listed = client.get("/policies", headers={"Accept": "application/json"}).json
    assert listed is not None
    assert listed["policies"][0]["effectiveFrom"] is None


def test_a_long_list_of_drugs_is_a_list_and_its_product_codes_are_folded_once() -> None:
    names = [f"drug{number}" for number in range(13)]
    products = {name: Product(name, name.title(), "substance", ("J0897",), "A note.") for name in names}
    codes = {name: (Coding("http://hl7.org/fhir/sid/ndc", "0169-1401-01", "Vial"),) for name in names}
    many = replace(version().statements[0], products=frozenset(names))
    catalogue = OnFile(version(statements=(many,)), payers=PAYERS, products=products, codes=codes)
    shown = application(catalogue=catalogue).test_client().get("/policies/example-17/2024-07-01").text
    assert "<li><strong>Drug0</strong> (substance) <code>J0897</code></li>" in shown
    assert "13 drugs" in shown
    assert "Product codes of 13 drugs" in shown
    assert "Product codes of Drug12" in shown
    assert 'class="drugs"' not in page()


def test_a_page_shows_what_decides_whether_the_policy_speaks_of_an_order() -> None:
    scope = CriteriaGroup(
        Connective.ALL, (Criterion(id="iv", name="Given by vein", cite="Scope"),), "In scope"
    )
    scoped = replace(version().statements[0], scope=scope)
    catalogue = OnFile(version(statements=(scoped,)), payers=PAYERS, products=PRODUCTS)
    client = application(catalogue=catalogue).test_client()
    assert "Given by vein" in client.get("/policies/example-17/2024-07-01").text
    assert "Given by vein" not in page()
    content = client.get("/policies/example-17/2024-07-01", headers={"Accept": "application/json"}).json
    assert content is not None
    assert content["statements"][0]["scope"]["children"][0]["criterion"] == "Given by vein"


def test_a_drug_that_is_referred_elsewhere_is_named_by_its_brand() -> None:
    referral = Referral(frozenset(), "1403", "Oncology", "Overview", products=frozenset({"macrilen"}))
    catalogue = OnFile(version(statements=(), referrals=(referral,)), payers=PAYERS, products=PRODUCTS)
    shown = application(catalogue=catalogue).test_client().get("/policies/example-17/2024-07-01").text
    assert "<li>Macrilen to policy 1403" in shown
