"""Every name of the shipped drug list against every near-name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cds_service.policies.code_systems import load_code_systems
from cds_service.policies.files import CatalogueFiles
from cds_service.policies.identification import Identification
from cds_service.policies.products import ProductEntry, load_drug_list, load_unassigned_codes
from tests.policies.catalogue_folder import RULES

FILES = CatalogueFiles(RULES)
SYSTEMS = load_code_systems(FILES)
PRODUCTS, CLASS_CODES = load_drug_list(FILES, SYSTEMS)
IDENTIFY = Identification(PRODUCTS, load_unassigned_codes(FILES), SYSTEMS, CLASS_CODES)


def identify(text: str) -> str | None:
    return IDENTIFY((), (text,)).product


def brands() -> Iterator[tuple[ProductEntry, str]]:
    return ((entry, " ".join(name)) for entry in PRODUCTS for name in sorted(entry.names))


@pytest.mark.parametrize(("entry", "name"), [pytest.param(e, n, id=n) for e, n in brands()])
def test_a_brand_name_is_found_among_other_words(entry: ProductEntry, name: str) -> None:
    assert identify(f"start {name.upper()} as directed") == entry.product.id


@pytest.mark.parametrize(("entry", "name"), [pytest.param(e, n, id=n) for e, n in brands()])
def test_a_brand_name_inside_a_longer_word_is_not(entry: ProductEntry, name: str) -> None:
    for near in (f"es{name}", f"{name}x", f"anti-{name}", f"{name}-like", f"(S)-{name}"):
        assert identify(near) != entry.product.id


@pytest.mark.parametrize("entry", PRODUCTS, ids=lambda entry: entry.product.id)
def test_no_not_name_lets_a_name_match(entry: ProductEntry) -> None:
    names = sorted(entry.names | entry.generic_names)
    forms = [" ".join(form) for form in sorted(entry.forms)] or [""]
    for name in names:
        for not_name in sorted(entry.not_names):
            for form in forms:
                text = " ".join((*name, *not_name, form))
                assert identify(text) != entry.product.id, text


@pytest.mark.parametrize("entry", PRODUCTS, ids=lambda entry: entry.product.id)
def test_the_name_of_a_substance_needs_a_form_unless_it_has_one_only(entry: ProductEntry) -> None:
    for name in sorted(entry.generic_names):
        assert (identify(" ".join(name)) == entry.product.id) is entry.only_form
        for form in sorted(entry.forms - entry.not_names):
            assert identify(" ".join((*name, *form))) == entry.product.id


def test_no_two_products_answer_to_one_name() -> None:
    for entry in PRODUCTS:
        for other in PRODUCTS:
            if other is not entry:
                assert not entry.names & (other.names | other.generic_names)


@pytest.mark.parametrize("entry", PRODUCTS, ids=lambda entry: entry.product.id)
def test_every_product_code_leads_to_its_product(entry: ProductEntry) -> None:
    for coding in entry.codes:
        assert IDENTIFY((coding,), ()).product == entry.product.id


@pytest.mark.parametrize(
    "text",
    ["esketamine", "Spravato", "S-ketamine", "(S)-ketamine injection", "arketamine", "norketamine infusion"],
)
def test_ketamine_is_not_its_relatives(text: str) -> None:
    assert identify(text) != "ketalar"
