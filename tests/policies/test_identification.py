"""Which product an order is for: codes first, then whole names, and near-names never."""

from __future__ import annotations

import pytest

from cds_service.fhir.codes import Coding
from cds_service.fhir.systems import CodeSystem, CodeSystems
from cds_service.policies.identification import Identification, ProductMatch
from cds_service.policies.model import Product
from cds_service.policies.names import words
from cds_service.policies.products import ProductEntry

RXNORM, NDC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/ndc"
HCPCS, CPT = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "http://www.ama-assn.org/go/cpt"
SNOMED = "http://snomed.info/sct"
INTRAVENOUS, NASAL, ORAL = (SNOMED, "47625008"), (SNOMED, "46713006"), (SNOMED, "26643006")
SYSTEMS = CodeSystems(
    [CodeSystem("rxnorm", RXNORM), CodeSystem("ndc", NDC), CodeSystem("hcpcs", HCPCS), CodeSystem("cpt", CPT)]
)
UNASSIGNED = {"J3490": "Unclassified drugs", "J3590": "Unclassified biologics", "J9999": "Antineoplastic"}


def product(
    identity: str,
    brand: str,
    generics: str = "",
    *,
    not_names: str = "",
    forms: str = "",
    routes: tuple[tuple[str, str], ...] = (),
    rxnorm: str = "",
    ndc: str = "",
    ingredients: str = "",
    billing: tuple[str, ...] = (),
    only_form: bool = False,
    shared: str = "",
) -> ProductEntry:
    def phrases(text: str) -> frozenset[tuple[str, ...]]:
        return frozenset(tuple(words(each)) for each in text.split(";") if each)

    return ProductEntry(
        product=Product(identity, brand, generics.split(";")[0] or brand, billing),
        names=phrases(brand),
        generic_names=phrases(generics),
        not_names=phrases(not_names),
        forms=phrases(forms),
        routes=frozenset(routes),
        codes=tuple(Coding(RXNORM, c) for c in rxnorm.split()) + tuple(Coding(NDC, c) for c in ndc.split()),
        ingredient_codes=tuple(Coding(RXNORM, code) for code in ingredients.split()),
        only_form=only_form,
        shared_names=phrases(shared),
    )


PRODUCTS = [
    product(
        "ketalar", "Ketalar", "ketamine;ketamine hydrochloride",
        not_names="esketamine;spravato;nasal;oral;tablet",
        forms="injection;intravenous;vial", routes=(INTRAVENOUS,), rxnorm="9001", ndc="42023-113-10",
        ingredients="6130", billing=("J3490",),
    ),
    product("macrilen", "Macrilen", "macimorelin", only_form=True, ndc="0169-1401-01", billing=("J3490",)),
    product("remicade", "Remicade", "infliximab", only_form=True, billing=("J1745",)),
    product("inflectra", "Inflectra", "infliximab-dyyb", only_form=True, billing=("Q5103",)),
    product("prolia", "Prolia", shared="denosumab", billing=("J0897",)),
    product("xgeva", "Xgeva", shared="denosumab", not_names="prolia biosimilar", billing=("J0897",)),
    product("alimta", "Alimta", shared="pemetrexed", billing=("J9305",)),
    product("simponi", "Simponi", "golimumab", forms="autoinjector", not_names="intravenous"),
    product("simponi-aria", "Simponi Aria", "golimumab", forms="intravenous", billing=("J1602",)),
    product("rituxan", "Rituxan", "rituximab", only_form=True, billing=("J9312",)),
    product(
        "rituxan-hycela", "Rituxan Hycela", "rituximab and hyaluronidase", only_form=True, billing=("J9311",)
    ),
]  # fmt: skip
IDENTIFY = Identification(PRODUCTS, UNASSIGNED, SYSTEMS, {"J9305"})


def by_text(*texts: str, route: tuple[str, str] | None = None) -> ProductMatch:
    return IDENTIFY((), texts, (Coding(*route),) if route else ())


def by_codes(*codings: tuple[str, str], text: str = "") -> ProductMatch:
    return IDENTIFY([Coding(*coding) for coding in codings], (text,) if text else ())


class TestByProductCode:
    @pytest.mark.parametrize(
        "coding",
        [(RXNORM, "9001"), (NDC, "42023-113-10"), (NDC, "42023011310"), (NDC, "42023-113"),
         (NDC, "42023-113-99"), (NDC, "4202311310")],
    )  # fmt: skip
    def test_a_product_code_settles_the_product(self, coding: tuple[str, str]) -> None:
        found = by_codes(coding)
        assert (found.product, found.identified_by) == ("ketalar", "product code")
        assert found.display == "Ketalar (ketamine)"

    def test_synonyms_of_one_drug_are_one_drug(self) -> None:
        found = by_codes((RXNORM, "9001"), (NDC, "42023-113-10"), (HCPCS, "J3490"), text="Ketalar")
        assert (found.product, found.identified_by) == ("ketalar", "product code")
        assert (found.billing_codes, found.unassigned_code) == (("J3490",), "J3490")
        assert found.contradictions == ()

    def test_a_code_of_another_system_is_not_the_same_code(self) -> None:
        assert by_codes((SNOMED, "9001")).product is None

    def test_an_unknown_product_code_leaves_it_to_the_name(self) -> None:
        found = by_codes((RXNORM, "424242"), text="Macrilen 60 mg")
        assert (found.product, found.identified_by) == ("macrilen", "name")

    @pytest.mark.parametrize(
        ("text", "route", "product"),
        [
            ("ketamine 50 mg/mL injection", None, "ketalar"),
            ("ketamine", INTRAVENOUS, "ketalar"),
            ("ketamine", None, None),
            ("ketamine", NASAL, None),
            ("ketamine nasal spray", INTRAVENOUS, None),
        ],
    )
    def test_the_code_of_a_substance_needs_a_fitting_form_or_route(
        self, text: str, route: tuple[str, str] | None, product: str | None
    ) -> None:
        found = IDENTIFY([Coding(RXNORM, "6130")], (text,), (Coding(*route),) if route else ())
        assert found.product == product
        assert found.contradictions == ()


class TestByBillingCode:
    @pytest.mark.parametrize("system", [HCPCS, CPT, ""])
    def test_a_code_that_stands_for_one_product_settles_it(self, system: str) -> None:
        found = by_codes((system, "J1745"))
        assert (found.product, found.identified_by, found.unassigned_code) == (
            "remicade",
            "billing code",
            None,
        )

    def test_a_code_that_stands_for_two_brands_settles_neither(self) -> None:
        found = by_codes((HCPCS, "J0897"))
        assert (found.product, found.identified_by) == (None, "nothing")
        assert found.contradictions == ()
        assert found.possible == ("Prolia", "Xgeva")

    def test_a_code_for_a_class_of_drugs_settles_nothing_and_contradicts_nothing(self) -> None:
        found = by_codes((HCPCS, "J9305"))
        assert (found.product, found.billing_codes, found.unassigned_code) == (None, ("J9305",), None)
        assert by_codes((HCPCS, "J9305"), text="Alimta").product == "alimta"
        assert by_codes((HCPCS, "J9305"), text="Remicade").contradictions == ()

    def test_the_brand_beside_it_does(self) -> None:
        found = by_codes((HCPCS, "J0897"), text="Xgeva 120 mg")
        assert (found.product, found.identified_by) == ("xgeva", "name")

    @pytest.mark.parametrize("code", ["J3490", "J3590", "J9999"])
    def test_an_unassigned_code_names_no_drug_and_is_reported(self, code: str) -> None:
        found = by_codes((HCPCS, code))
        assert (found.product, found.unassigned_code, found.display) == (None, code, code)

    def test_a_word_without_a_system_is_no_billing_code(self) -> None:
        assert by_codes(("", "KETAMINE")).billing_codes == ()


class TestByName:
    @pytest.mark.parametrize(
        ("text", "product"),
        [
            ("Ketalar", "ketalar"),
            ("KETALAR® 10 mg/mL", "ketalar"),
            ("Ketalar™", "ketalar"),
            ("ketamine hydrochloride 50 mg/mL injection", "ketalar"),
            ("Ketamine (intravenous)", "ketalar"),
            ("Macimorelin oral solution", "macrilen"),
            ("Mácrilen", "macrilen"),
            ("infliximab 100 mg", "remicade"),
            ("infliximab-dyyb 100 mg", "inflectra"),
            ("Inflectra (infliximab-dyyb)", "inflectra"),
            ("Simponi Aria 50 mg/4 mL", "simponi-aria"),
            ("SIMPONI   ARIA", "simponi-aria"),
            ("Simponi 50 mg autoinjector", "simponi"),
            ("golimumab intravenous", "simponi-aria"),
            ("Rituxan", "rituxan"),
            ("Rituxan Hycela", "rituxan-hycela"),
            ("Prolia (denosumab)", "prolia"),
        ],
    )
    def test_whole_words_name_the_product_and_longer_names_win(self, text: str, product: str) -> None:
        found = by_text(text)
        assert (found.product, found.identified_by) == (product, "name")

    @pytest.mark.parametrize(
        "text",
        [
            "esketamine", "es-ketamine injection", "S-ketamine injection", "(S)-ketamine injection",
            "Spravato (esketamine) nasal spray", "ketamine", "ketamine 10 mg tablet",
            "ketamine oral injection vial",
            "norketamine injection", "ketaminex injection", "Ketalarin", "Ketalar-like", "Ketalar nasal",
            "infliximab-axxq", "infliximabum", "denosumab", "denosumab-bbdz", "golimumab", "rituximab-abbs",
            "MacrilenPlus", "", "   ", "®",
        ],
    )  # fmt: skip
    def test_near_names_never_match(self, text: str) -> None:
        found = by_text(text)
        assert (found.product, found.identified_by) == (None, "nothing")

    def test_a_substance_that_products_share_leaves_them_open(self) -> None:
        found = by_text("denosumab 60 mg")
        assert (found.product, found.possible, found.contradictions) == (None, ("Prolia", "Xgeva"), ())
        assert by_text("denosumab (Prolia)").product == "prolia"
        assert by_text("denosumab (Prolia)").possible == ()
        assert by_text("denosumab-bbdz").possible == ()

    def test_a_name_does_not_reach_over_from_one_text_to_the_next(self) -> None:
        assert by_text("Simponi", "Aria Medical Center").product == "simponi"

    @pytest.mark.parametrize(
        ("route", "product"), [(INTRAVENOUS, "ketalar"), (NASAL, None), (ORAL, None), (None, None)]
    )
    def test_the_route_tells_forms_of_a_substance_apart(
        self, route: tuple[str, str] | None, product: str | None
    ) -> None:
        assert by_text("ketamine", route=route).product == product

    def test_the_words_of_the_route_do_too(self) -> None:
        assert IDENTIFY((), ("ketamine",), (), ("intravenous",)).product == "ketalar"
        assert IDENTIFY((), ("ketamine injection",), (), ("nasal",)).product is None

    def test_a_display_is_as_good_as_a_text(self) -> None:
        found = IDENTIFY([Coding(RXNORM, "424242", "Ketalar 50 MG/ML")], ())
        assert (found.product, found.identified_by) == ("ketalar", "name")

    def test_what_is_not_identified_is_called_as_the_order_calls_it(self) -> None:
        assert by_text("DefenCath catheter lock").display == "DefenCath catheter lock"
        assert IDENTIFY((), ()).display == "a drug that the order does not name"


class TestContradictions:
    @pytest.mark.parametrize(
        ("codings", "text"),
        [
            ([(RXNORM, "9001"), (NDC, "0169-1401-01")], ""),
            ([(RXNORM, "9001"), (HCPCS, "J1745")], ""),
            ([(RXNORM, "9001"), (HCPCS, "J0897")], ""),
            ([(HCPCS, "J1745"), (HCPCS, "Q5103")], ""),
            ([(RXNORM, "9001")], "Macrilen"),
            ([(RXNORM, "9001")], "Spravato nasal spray"),
            ([(HCPCS, "J1745")], "Inflectra"),
            ([], "Ketalar and Macrilen"),
        ],
    )
    def test_codes_and_names_of_different_drugs_settle_nothing(
        self, codings: list[tuple[str, str]], text: str
    ) -> None:
        found = by_codes(*codings, text=text)
        assert (found.product, found.identified_by) == (None, "nothing")
        assert len(found.contradictions) == 1
        assert found.contradictions[0].endswith(".")

    def test_the_sentence_names_both_drugs(self) -> None:
        found = by_codes((RXNORM, "9001"), (HCPCS, "J1745"))
        assert found.contradictions == (
            "The drug code on the order stands for Ketalar, its billing code for Remicade.",
        )

    def test_the_substance_beside_the_code_of_its_biosimilar_is_no_contradiction(self) -> None:
        found = by_codes((HCPCS, "Q5103"), text="infliximab 100 mg")
        assert (found.product, found.contradictions) == ("inflectra", ())
