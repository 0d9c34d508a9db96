"""What the shipped catalogue recognises, and what it must never take for something else."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service.fhir.codes import Coding
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.criteria import leaves

RULES = Path(__file__).parents[2] / "cql_like_rules"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
SNOMED = "http://snomed.info/sct"
J3490 = Coding(HCPCS, "J3490")
INTRAVENOUS = Coding(SNOMED, "47625008")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(RULES)


def _drugs() -> list[dict[str, Any]]:
    files = [RULES / "catalog" / "drugs.yaml", *sorted((RULES / "catalog" / "drugs").glob("*.yaml"))]
    return [product for file in files for product in yaml.safe_load(file.read_text("utf-8"))["products"]]


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("Defitelio 200 mg/2.5 mL", "defitelio"),
        ("defibrotide 80 mg/mL injection", "defitelio"),
        ("DSUVIA", "dsuvia"),
        ("sufentanil 30 mcg sublingual tablet", "dsuvia"),
        ("Isuprel 0.2 mg/mL", "isuprel"),
        ("isoproterenol hydrochloride injection 0.2 mg/mL", "isuprel"),
        ("Ketalar", "ketalar"),
        ("Ketalar® 50 mg/mL", "ketalar"),
        ("ketamine HCl 50 mg/mL vial", "ketalar"),
        ("ketamine 0.5 mg/kg IV infusion", "ketalar"),
        ("Macrilen", "macrilen"),
        ("macimorelin 60 mg granules", "macrilen"),
        ("Regiocit 5000 mL bag", "regiocit"),
    ],
)
def test_a_name_is_recognised(catalogue: Catalogue, text: str, product: str) -> None:
    found = catalogue.identify([J3490], [text])
    assert (found.product, found.identified_by) == (product, "name")


@pytest.mark.parametrize(
    "text",
    [
        "S-ketamine injection",
        "(S)-ketamine injection",
        "arketamine injection",
        "norketamine injection",
        "ketamine",
        "ketamine 10% nasal spray",
        "ketamine troche 100 mg",
        "ketamine topical cream",
        "compounded ketamine oral capsule",
        "sufentanil 50 mcg/mL injection",
        "sufentanil",
        "Sufenta",
        "Zalviso 15 mcg sublingual tablet (sufentanil)",
        "fentanyl sublingual tablet",
        "isoproterenol inhalation solution",
        "isoproterenol",
        "isoetharine injection",
        "Prismocitrate 18",
        "sodium citrate solution",
        "somatropin injection",
        "unclassified drugs",
    ],
)
def test_a_near_name_is_not_taken_for_a_product(catalogue: Catalogue, text: str) -> None:
    assert catalogue.identify([J3490], [text]).product is None


@pytest.mark.parametrize("text", ["esketamine 28 mg nasal spray", "Spravato", "Spravato (esketamine)"])
def test_esketamine_is_never_ketamine(catalogue: Catalogue, text: str) -> None:
    assert catalogue.identify([J3490], [text]).product == "spravato"


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("lidocaine 4 mg/mL IV infusion", "lidocaine-injection"),
        ("lidocaine hydrochloride 2% injection", "lidocaine-injection"),
        ("Xylocaine-MPF 1% vial", "lidocaine-injection"),
        ("lidocaine", None),
        ("lidocaine 5% patch", None),
        ("Lidoderm", None),
        ("ZTlido 1.8% topical system", None),
        ("lidocaine 2% viscous oral solution", None),
        ("Xylocaine 2% jelly", None),
        ("lidocaine-prilocaine 2.5% cream", None),
    ],
)
def test_lidocaine_for_injection_is_told_from_other_lidocaine(
    catalogue: Catalogue, text: str, product: str | None
) -> None:
    assert catalogue.identify([], [text]).product == product


@pytest.mark.parametrize("code", ["J2001", "J2002", "J2003", "J2004"])
def test_lidocaine_has_codes_of_its_own(catalogue: Catalogue, code: str) -> None:
    found = catalogue.identify([Coding(HCPCS, code)], [])
    assert (found.product, found.identified_by) == ("lidocaine-injection", "billing code")


@pytest.mark.parametrize("code", ["96365", "96366", "96374"])
def test_an_infusion_code_names_no_drug(catalogue: Catalogue, code: str) -> None:
    assert catalogue.identify([Coding("http://www.ama-assn.org/go/cpt", code)], []).product is None


def test_the_ingredient_code_of_ketamine_needs_a_form_or_route(catalogue: Catalogue) -> None:
    ketamine = Coding(RXNORM, "6130", "ketamine")
    assert catalogue.identify([ketamine, J3490], []).product is None
    assert catalogue.identify([ketamine, J3490], [], [INTRAVENOUS]).product == "ketalar"
    assert catalogue.identify([ketamine, J3490], ["nasal spray"], []).product is None


@pytest.mark.parametrize("product", _drugs(), ids=lambda product: str(product["id"]))
def test_every_product_code_has_a_source_and_finds_its_product(
    catalogue: Catalogue, product: dict[str, Any]
) -> None:
    systems = {"rxnorm": RXNORM, "ndc": NDC}
    for code in product["codes"]:
        assert code["source"]
        routes = [INTRAVENOUS] if code.get("kind") == "ingredient" else []
        found = catalogue.identify([Coding(systems[code["system"]], code["code"])], [], routes)
        assert (found.product, found.identified_by) == (product["id"], "product code"), code
    assert all(each["source"] for each in product["billing_codes"])


def test_an_unassigned_code_alone_names_no_product(catalogue: Catalogue) -> None:
    for code in catalogue.unassigned_codes:
        found = catalogue.identify([Coding(HCPCS, code)], [])
        assert (found.product, found.unassigned_code) == (None, code)


@pytest.mark.parametrize(
    "name",
    [
        "Cigna",
        "CIGNA HEALTH AND LIFE INSURANCE CO.",
        "Cigna Health & Life Insurance Company",
        "the cigna group",
    ],
)
def test_the_payer_is_found_by_its_names(catalogue: Catalogue, name: str) -> None:
    payer = catalogue.payer_of({"payor": [{"display": name}]}, None)
    assert payer is not None
    assert payer.id == "cigna"


@pytest.mark.parametrize(
    "payor",
    [
        {"display": "Aetna"},
        {"display": "Cignature Health"},
        {"display": "Not Cigna"},
        {"display": "Evernorth Behavioral Health, Inc."},
        {"identifier": {"value": "67369"}},
        {"identifier": {"system": "https://other.example.org", "value": "67369"}},
        {"reference": "Organization/unknown"},
        {},
    ],
)
def test_an_unknown_payer_is_nobody(catalogue: Catalogue, payor: dict[str, Any]) -> None:
    assert catalogue.payer_of({"payor": [payor]}, None) is None


def test_the_second_version_of_1701_follows_the_first_without_gap(catalogue: Catalogue) -> None:
    first, second = (v for v in catalogue.versions if v.policy == "cigna-1701")
    assert (first.effective_from, second.effective_from) == (date(2024, 7, 1), date(2025, 6, 1))
    assert first.effective_to == second.effective_from - timedelta(days=1)
    assert second.effective_to is None


def test_every_criterion_is_cited_and_can_be_asked_unless_it_is_settled(catalogue: Catalogue) -> None:
    settled_by_the_document = {"Ketalar is medically necessary for outpatient use"}
    for version in catalogue.versions:
        for statement in version.statements:
            for criterion in leaves(statement.criteria):
                assert criterion.cite, criterion.name
                assert bool(criterion.question) != (criterion.name in settled_by_the_document), criterion.name


def test_what_an_answer_gives_is_a_shared_definition(catalogue: Catalogue) -> None:
    facts = {
        tags["fact"]
        for version in catalogue.versions
        for tags in (definition.tags for definition in version.library.definitions.values())
        if "fact" in tags
    }
    assert facts == {"Common.Birth date", "Common.Latest body mass index"}
    version = next(v for v in catalogue.versions if v.policy == "cigna-1701")
    common = version.library.includes["Common"]
    assert all(fact.removeprefix("Common.") in common.definitions for fact in facts)


def test_the_dsuvia_limit_is_36_tablets_for_72_hours(catalogue: Catalogue) -> None:
    statement = next(s for v in catalogue.versions for s in v.statements if s.id == "dsuvia")
    limit = statement.quantity_limit
    assert limit is not None
    assert (limit.amount, limit.unit, limit.per_hours) == (Decimal(36), "tablets", 72)


def test_trials_of_other_analgesics_need_documentation(catalogue: Catalogue) -> None:
    named = {
        criterion.name: criterion.documentation or ""
        for version in catalogue.versions
        if version.policy == "cigna-1701"
        for statement in version.statements
        for criterion in leaves(statement.criteria)
        if criterion.documentation
    }
    trials = "Non-opioid analgesics or opioid combinations failed or cannot be used"
    assert list(named) == [trials]
    assert "Samples do not count" in named[trials]
