"""The drugs of the site-of-care policy: every listed brand and code, and nothing that only looks like one."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from cds_service.fhir.codes import Coding
from cds_service.policies.code_systems import load_code_systems
from cds_service.policies.files import CatalogueFiles
from cds_service.policies.identification import Identification, ProductMatch
from cds_service.policies.products import load_drug_list, load_unassigned_codes
from tests.policies.catalogue_folder import RULES

HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT = "http://www.ama-assn.org/go/cpt"
FILES = CatalogueFiles(RULES)
SYSTEMS = load_code_systems(FILES)
DRUGS = load_drug_list(FILES, SYSTEMS)
UNASSIGNED = load_unassigned_codes(FILES)
IDENTIFY = Identification(DRUGS.products, UNASSIGNED, SYSTEMS, DRUGS.class_codes)
BRANDS = {entry.product.id: entry.product.brand for entry in DRUGS.products}

# The document's list of brands (General Background), and Gammaked, which its code list names.
LISTED = """
    Actemra; Adakveo; Adagen; Adcetris; Aduhelm; Aldurazyme; Alimta; Amondys 45; Aranesp; Aralast NP;
    Asceniv; Avastin; Aveed; Benlysta; Berinert; Bivigam; Cabenuva; Carimune NF; Cerezyme; Cimzia;
    Cinqair; Crysvita; Cinryze; Cutaquig; Cuvitru; Darzalex Faspro; Elaprase; Eligard; Elelyso; Entyvio;
    Evenity; Evkeeza; Exondys 51; Fabrazyme; Fasenra; Fensolvi; Firmagon; Flebogamma; Fulphila;
    Gamastan; Gamifant; Gammagard; Gammaplex; Gamunex C; Givlaari; Glassia; Herceptin; Herzuma;
    Hizentra; Hyqvia; Ilaris; Ilumya; Imfinzi; Jemperli; Inflectra; Kanjinti; Kadcyla; Kalbitor; Kanuma;
    Keytruda; Krystexxa; Lemtrada; Lumizyme; Lupron Depot; Lupron Depot-PED; Mepsevii; Mircera; Mvasi;
    Naglazyme; Neulasta; Nplate; Nucala; Nulibry; Nyvepria; Ocrevus; Octagam; Ogivri; Onpattro;
    Ontruzant; Opdivo; Orencia; Oxlumo; Panzyga; Perjeta; Phesgo; Privigen; Procrit; Epogen;
    Prolastin-C; Prolia; Radicava; Reblozyl; Remicade; Renflexis; Retacrit; Revcovi; Riabni; Rituxan;
    Rituxan Hycela; Ruconest; Ruxience; Sandostatin LAR; Signifor LAR; Simponi; Simponi Aria; Soliris;
    Somatuline Depot; Stelara; Synagis; Tecentriq; Tepezza; Trazimera; Trelstar; Tremfya; Triptodur;
    Trogarzo; Truxima; Tysabri; Udenyca; Ultomiris; Uplizna; Velcade; Viltepso; Vimizim; Vivaglobin;
    Vpriv; Vyepti; Xgeva; Xembify; Xolair; Yervoy; Zemaira; Ziextenzo; Zirabev; Gammaked
"""
LISTED_BRANDS = [" ".join(brand.split()) for brand in LISTED.split(";")]

# The document's codes (Coding/Billing Information), as printed: 3 CPT codes and 129 HCPCS codes.
PRINTED = """
    90283 90284 90378 C9074 C0975 C9077 C9079 C9399 J0129 J0180 J0202 J0221 J0222 J0223 J0224 J0256
    J0257 J0490 J0517 J0584 J0596 J0597 J0598 J0638 J0717 J0741 J0791 J0881 J0885 J0888 J0896 J0897
    J1290 J1300 J1301 J1303 J1305 J1322 J1426 J1427 J1428 J1458 J1459 J1460 J1554 J1555 J1556 J1557
    J1558 J1559 J1560 J1561 J1562 J1566 J1568 J1569 J1572 J1575 J1599 J1602 J1628 J1743 J1745 J1746
    J1786 J1930 J1931 J1950 J2182 J2323 J2350 J2353 J2357 J2502 J2504 J2505 J2507 J2786 J2796 J2840
    J3032 J3060 J3111 J3145 J3241 J3245 J3262 J3315 J3316 J3357 J3358 J3380 J3385 J3397 J3490 J3590
    J9022 J9035 J9041 J9042 J9155 J9173 J9210 J9217 J9228 J9271 J9299 J9305 J9306 J9354 J9355 J9311
    J9312 J9316 J9999 Q5103 Q5104 Q5106 Q5107 Q5108 Q5111 Q5112 Q5113 Q5114 Q5115 Q5116 Q5117 Q5118
    Q5119 Q5120 Q5122 Q5123
"""
PRINTED_CODES = PRINTED.split()

# A code that stands for several brands, and those brands.
SHARED_CODES = {
    "J0885": "Epogen; Procrit",
    "J0897": "Prolia; Xgeva",
    "J1561": "Gammaked; Gamunex-C",
    "J1602": "Simponi; Simponi Aria",
    "J1950": "Fensolvi; Lupron Depot; Lupron Depot-PED",
    "J9217": "Eligard; Lupron Depot",
}


def by_text(*texts: str) -> ProductMatch:
    return IDENTIFY((), texts)


def by_code(code: str, text: str = "") -> ProductMatch:
    system = CPT if code.isdigit() else HCPCS
    return IDENTIFY([Coding(system, code)], (text,) if text else ())


@cache
def written() -> list[dict[str, Any]]:
    """The entries of the drug files as they are written."""
    return [
        dict(entry.data)
        for name in FILES.names("catalog/drugs/*.yaml")
        for entry in FILES.yaml(name).entries("products")
    ]


@cache
def billing_entries() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for product in written():
        for entry in product["billing_codes"]:
            found.setdefault(entry["code"], []).append({**entry, "product": product["id"]})
    return found


def test_the_lists_are_complete() -> None:
    assert len(LISTED_BRANDS) == len(set(LISTED_BRANDS)) == 135
    assert len([code for code in PRINTED_CODES if not code.isdigit()]) == 129
    assert len(PRINTED_CODES) == len(set(PRINTED_CODES)) == 132


@pytest.mark.parametrize("brand", LISTED_BRANDS)
def test_every_listed_brand_is_one_product(brand: str) -> None:
    for text in (brand, brand.upper(), f"{brand}® 100 mg vial", f"infuse {brand} every 4 weeks"):
        found = by_text(text)
        assert found.product is not None, text
        assert (found.identified_by, found.contradictions) == ("name", ())
        assert BRANDS[found.product].replace("-", " ").lower() == brand.replace("-", " ").lower()


def test_the_policy_lists_every_brand_and_every_assigned_code() -> None:
    policy = FILES.yaml("policies/cigna-site-of-care/undated/policy.yaml").data
    (statement,) = policy["statements"]
    assert sorted(statement["products"]) == sorted(str(by_text(brand).product) for brand in LISTED_BRANDS)
    corrected = {"C9075" if code == "C0975" else code for code in PRINTED_CODES} - UNASSIGNED.keys()
    assert sorted(statement["billing_codes"]) == sorted(corrected)


def test_no_two_brands_are_one_product() -> None:
    assert len({by_text(brand).product for brand in LISTED_BRANDS}) == len(LISTED_BRANDS)


@pytest.mark.parametrize("code", PRINTED_CODES)
def test_every_printed_code_is_on_file(code: str) -> None:
    listed = billing_entries()
    slips = {each["printed"] for entries in listed.values() for each in entries if "printed" in each}
    assert code in listed.keys() | DRUGS.class_codes.keys() | UNASSIGNED.keys() | slips


@pytest.mark.parametrize("code", [c for c in PRINTED_CODES if c != "C0975"])
def test_a_code_settles_its_one_product_or_none(code: str) -> None:
    found = by_code(code)
    owners = {each["product"] for each in billing_entries().get(code, ())}
    names_none = code in DRUGS.class_codes or code in UNASSIGNED
    if names_none or len(owners) > 1:
        assert (found.product, found.identified_by) == (None, "nothing")
        assert code in UNASSIGNED or code in DRUGS.class_codes or code in SHARED_CODES
    else:
        assert ({found.product}, found.identified_by) == (owners, "billing code")
    assert (found.billing_codes, found.contradictions) == ((code,), ())


@pytest.mark.parametrize(("code", "brands"), SHARED_CODES.items())
def test_a_shared_code_leaves_its_brands_open_and_a_name_settles_it(code: str, brands: str) -> None:
    expected = tuple(brands.split("; "))
    assert by_code(code).possible == expected
    for brand in expected:
        found = by_code(code, brand)
        assert found.product is not None
        assert (BRANDS[found.product], found.identified_by, found.possible) == (brand, "name", ())


def test_a_shared_code_beside_another_brand_is_a_contradiction() -> None:
    assert by_code("J0897", "Evenity").contradictions == (
        "The codes on the order stand for Prolia and Xgeva, its text says Evenity.",
    )


@pytest.mark.parametrize("code", sorted(DRUGS.class_codes))
def test_a_code_for_a_class_of_drugs_never_contradicts_a_product(code: str) -> None:
    assert by_code(code, "Octagam 10%").product == "octagam"


@pytest.mark.parametrize(
    ("code", "text", "product"),
    [
        ("J1745", "", "remicade"),
        ("J1745", "Injection, infliximab, excludes biosimilar, 10 mg", "remicade"),
        ("Q5103", "infliximab", "inflectra"),
        ("Q5104", "", "renflexis"),
        ("J9312", "rituximab", "rituxan"),
        ("J9311", "Injection, rituximab 10 mg and hyaluronidase", "rituxan-hycela"),
        ("Q5115", "", "truxima"),
        ("J1602", "Injection, golimumab, 1 mg, for intravenous use", "simponi-aria"),
        ("J9355", "trastuzumab", "herceptin"),
        ("J9354", "Injection, ado-trastuzumab emtansine, 1 mg", "kadcyla"),
        ("J9316", "pertuzumab, trastuzumab, and hyaluronidase-zzxf", "phesgo"),
        ("J9306", "Injection, pertuzumab, 1 mg", "perjeta"),
        ("J9306", "Perjeta, together with trastuzumab", "perjeta"),
        ("J0741", "cabotegravir and rilpivirine", "cabenuva"),
        ("J9217", "leuprolide acetate 7.5 mg", None),
        ("J1599", "immune globulin 10% liquid", None),
        ("J0256", "alpha-1 proteinase inhibitor", None),
        ("J0256", "Zemaira", "zemaira"),
        ("J9999", "Darzalex Faspro", "darzalex-faspro"),
        ("J9999", "dostarlimab-gxly", "jemperli"),
        ("J3590", "Revcovi", "revcovi"),
        ("J1561", "immune globulin", None),
    ],
)
def test_codes_and_texts_of_one_order(code: str, text: str, product: str | None) -> None:
    found = by_code(code, text)
    assert (found.product, found.contradictions) == (product, ())


@pytest.mark.parametrize(
    ("code", "product"),
    [
        ("J2506", "neulasta"), ("J1951", "fensolvi"), ("J9144", "darzalex-faspro"), ("J9272", "jemperli"),
        ("J0172", "aduhelm"), ("J1823", "uplizna"), ("J1551", "cutaquig"), ("J1576", "panzyga"),
        ("J1299", "soliris"), ("J2802", "nplate"), ("J1809", "nulibry"),
    ],
)  # fmt: skip
def test_the_code_that_replaced_a_printed_one_is_known(code: str, product: str) -> None:
    assert by_code(code).product == product


@pytest.mark.parametrize(
    ("code", "product"),
    [("J3380", "entyvio"), ("J3385", "vpriv"), ("J3315", "trelstar"), ("J3316", "triptodur")],
)
def test_a_code_that_the_document_describes_wrongly_stands_for_what_it_is(code: str, product: str) -> None:
    assert by_code(code).product == product


def test_the_slips_of_the_document_stay_visible() -> None:
    notes = {
        (code, entry["product"]): str(entry.get("note", ""))
        for code, entries in billing_entries().items()
        for entry in entries
    }
    assert "Printed as Vpriv" in notes["J3380", "entyvio"]
    assert "Printed as Triptodur" in notes["J3315", "trelstar"]
    assert "Printed twice" in notes["Q5116", "trazimera"]
    assert "second entry" in notes["J1950", "fensolvi"]
    assert "list of strengths" in notes["J1950", "lupron-depot-ped"]
    assert "J2506" in notes["J2505", "neulasta"]
    assert "intravenous" in notes["J1602", "simponi"]


def test_c0975_is_a_slip_for_c9075_and_finds_nothing() -> None:
    assert by_code("C9075").product == "amondys-45"
    assert by_code("C0975").product is None
    assert [entry.get("printed") for entry in billing_entries()["C9075"]] == ["C0975"]


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("infliximab 100 mg", "Inflectra; Remicade; Renflexis"),
        ("rituximab 10 mg/mL", "Riabni; Rituxan; Ruxience; Truxima"),
        ("bevacizumab", "Avastin; Mvasi; Zirabev"),
        ("denosumab", "Prolia; Xgeva"),
        ("pegfilgrastim", "Fulphila; Neulasta; Nyvepria; Udenyca; Ziextenzo"),
        ("leuprolide acetate", "Eligard; Fensolvi; Lupron Depot; Lupron Depot-PED"),
        ("Lupron", "Eligard; Fensolvi; Lupron Depot; Lupron Depot-PED"),
        ("triptorelin pamoate", "Trelstar; Triptodur"),
        ("C1 esterase inhibitor (human)", "Berinert; Cinryze"),
        ("alpha-1 proteinase inhibitor (human)", "Aralast NP; Glassia; Prolastin-C; Zemaira"),
        ("epoetin alfa", "Epogen; Procrit; Retacrit"),
    ],
)
def test_a_bare_substance_names_no_brand(text: str, possible: str) -> None:
    found = by_text(text)
    assert (found.product, found.identified_by, found.contradictions) == (None, "nothing", ())
    assert found.possible == tuple(possible.split("; "))


@pytest.mark.parametrize(
    "text", ["immune globulin", "IVIG 10%", "immune globulin intravenous (human)", "SCIG"]
)
def test_immune_globulin_names_no_brand(text: str) -> None:
    found = by_text(text)
    assert found.product is None
    assert {"Gammagard", "Gamunex-C"} <= set(found.possible)


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("infliximab-dyyb", "inflectra"),
        ("infliximab dyyb 100 mg", "inflectra"), ("infliximab-abda", "renflexis"),
        ("rituximab-arrx", "riabni"), ("trastuzumab-anns", "kanjinti"), ("pegfilgrastim-cbqv", "udenyca"),
        ("epoetin alfa-epbx", "retacrit"), ("bevacizumab-awwb", "mvasi"), ("vedolizumab", "entyvio"),
        ("golimumab intravenous infusion", "simponi-aria"), ("golimumab autoinjector", "simponi"),
        ("rituximab and hyaluronidase human", "rituxan-hycela"), ("ado-trastuzumab emtansine", "kadcyla"),
        ("pertuzumab/trastuzumab/hyaluronidase-zzxf", "phesgo"), ("ravulizumab", "ultomiris"),
        ("testosterone undecanoate injection", "aveed"), ("C1 esterase inhibitor (recombinant)", "ruconest"),
        ("Gammagard S/D", "gammagard"), ("Gammagard Liquid", "gammagard"), ("Flebogamma DIF", "flebogamma"),
        ("Gamunex-C", "gamunex-c"), ("Prolastin-C Liquid", "prolastin-c"), ("Neulasta Onpro", "neulasta"),
        ("Lupron Depot (PED)", "lupron-depot-ped"), ("Lupron Depot-Ped 11.25 mg", "lupron-depot-ped"),
        ("Inflectra, biosimilar of Remicade", "inflectra"), ("Sandostatin LAR Depot", "sandostatin-lar"),
    ],
)  # fmt: skip
def test_a_name_that_stands_for_one_product_finds_it(text: str, product: str) -> None:
    assert by_text(text).product == product


@pytest.mark.parametrize(
    "text",
    [
        "Avsola", "infliximab-axxq", "infliximab axxq", "Remicade biosimilar", "biosimilar for Remicade",
        "Zymfentra", "Herceptin Hylecta", "trastuzumab-strf", "fam-trastuzumab deruxtecan", "Enhertu",
        "Keytruda Qlex", "Opdivo Qvantig",
        "nivolumab and hyaluronidase-nvhy", "nivolumab and relatlimab-rmbw",
        "Opdualag", "Tecentriq Hybreza", "atezolizumab and hyaluronidase-tqjs", "Ocrevus Zunovo",
        "ocrelizumab and hyaluronidase-ocsq", "Darzalex", "daratumumab", "Campath", "alemtuzumab", "Myozyme",
        "Nexviazyme", "avalglucosidase alfa", "Prolastin", "Aralast", "Carimune", "Gamunex", "Sandostatin",
        "octreotide 50 mcg", "Signifor", "Signifor 0.3 mg subcutaneous", "Somatuline Autogel", "Radicava ORS",
        "edaravone oral suspension", "testosterone undecanoate capsule",
        "testosterone cypionate injection", "Jatenzo",
        "cabotegravir", "Apretude", "rilpivirine",
        "agalsidase alfa", "Haegarda", "denosumab-bbdz", "Jubbonti",
        "ustekinumab-auub", "tocilizumab-aazg", "natalizumab-sztn", "eculizumab-aeeb", "omalizumab-igec",
        "pemetrexed", "Pemfexy", "bortezomib",
        "lanreotide", "filgrastim", "Nivestym", "trastuzumab and hyaluronidase",
        "pertuzumab 600 mg with trastuzumab and hyaluronidase", "hyaluronidase",
        "es-infliximab", "Remicade-like",
        "Hyqviax", "epoetin beta", "Ketalar-like Rituxanol",
    ],
)  # fmt: skip
def test_a_near_name_is_no_product_of_the_list(text: str) -> None:
    assert by_text(text).product is None


@pytest.mark.parametrize(
    ("text", "product"),
    [("Rituxan Hycela", "rituxan"), ("Simponi Aria", "simponi"), ("Lupron Depot-PED", "lupron-depot"),
     ("Lupron Depot pediatric", "lupron-depot"), ("Inflectra", "remicade"), ("Xgeva", "prolia"),
     ("Cinryze", "berinert"), ("Kadcyla", "herceptin")],
)  # fmt: skip
def test_a_brand_is_not_its_neighbour(text: str, product: str) -> None:
    assert by_text(text).product != product


def test_two_brands_on_one_order_settle_nothing() -> None:
    found = by_text("Remicade or Inflectra")
    assert found.product is None
    assert found.contradictions == ("The text of the order names more than one drug.",)


@pytest.mark.parametrize("product", written(), ids=lambda product: str(product["id"]))
def test_every_code_has_a_source(product: dict[str, Any]) -> None:
    assert all(each["source"] for each in [*product["codes"], *product["billing_codes"]])


@pytest.mark.parametrize("entry", DRUGS.products, ids=lambda entry: entry.product.id)
def test_a_product_code_beside_the_billing_codes_of_its_product_is_no_contradiction(entry: Any) -> None:
    for coding in entry.codes[:3]:
        for code in entry.product.billing_codes:
            found = IDENTIFY([coding, Coding(HCPCS, code)], ())
            assert (found.product, found.contradictions) == (entry.product.id, ())
