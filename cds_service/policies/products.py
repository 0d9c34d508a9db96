"""Loads the drug list and `catalog/unassigned_codes.yaml`: products and how orders name them.

The drug list is `catalog/drugs.yaml` with every file in `catalog/drugs/`; all have one schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cds_service.fhir.codes import Coding
from cds_service.fhir.systems import CodeSystems
from cds_service.policies.files import CatalogueFiles, Entry
from cds_service.policies.model import Product
from cds_service.policies.names import words
from cds_service.policies.ndc import product_keys

DRUGS_FILE = "catalog/drugs.yaml"
MORE_DRUGS = "catalog/drugs/*.yaml"
UNASSIGNED_FILE = "catalog/unassigned_codes.yaml"

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """One product with everything that may name it on an order.

    `codes` settle the product; `ingredient_codes` and `generic_names` name its substance and settle it only
    with a fitting form or route, unless `only_form` says that the substance has no other form. `shared_names`
    name a substance that several products have in common; they settle none, and say which are possible.
    `not_names` forbid a match by name. Codings are normalised; all names are runs of whole words.
    """

    product: Product
    names: frozenset[Words]
    generic_names: frozenset[Words]
    not_names: frozenset[Words]
    forms: frozenset[Words]
    routes: frozenset[tuple[str, str]]
    codes: tuple[Coding, ...]
    ingredient_codes: tuple[Coding, ...]
    only_form: bool
    shared_names: frozenset[Words] = frozenset()


class DrugList(NamedTuple):
    """The products, and the billing codes that name a class of drugs (by code: what the class is)."""

    products: tuple[ProductEntry, ...]
    class_codes: Mapping[str, str]


def _phrases(texts: Iterable[str]) -> frozenset[Words]:
    return frozenset(phrase for phrase in (tuple(words(text)) for text in texts) if phrase)


def _coding(entry: Entry, systems: CodeSystems) -> Coding:
    url = systems.url(entry.text("system"))
    if url is None:
        entry.fail("system", f"{entry.text('system')!r} is not in catalog/code_systems.yaml")
    return Coding(url, systems.code(url, entry.text("code")), entry.optional_text("display"))


def _product(entry: Entry, systems: CodeSystems) -> ProductEntry:
    brand = entry.text("brand")
    codes: list[Coding] = []
    ingredients: list[Coding] = []
    for item in entry.entries("codes"):
        coding = _coding(item, systems)
        item.text("source")
        if coding.system == systems.url("ndc") and len(product_keys(coding.code)) != 1:
            item.fail("code", f"{coding.code} is no hyphenated or eleven-digit NDC")
        kind = item.optional_text("kind")
        if kind not in (None, "ingredient", "product"):
            item.fail("kind", "must be product or ingredient")
        (ingredients if kind == "ingredient" else codes).append(coding)
    return ProductEntry(
        product=Product(
            id=entry.text("id"),
            brand=brand,
            generic=entry.text("generic"),
            billing_codes=tuple(item.text("code").upper() for item in entry.entries("billing_codes")),
            note=entry.optional_text("note"),
        ),
        names=_phrases((brand, *entry.texts("names"))),
        generic_names=_phrases(entry.texts("generic_names")),
        not_names=_phrases(entry.texts("not_names")),
        forms=_phrases(entry.texts("forms")),
        routes=frozenset(_coding(route, systems)[:2] for route in entry.entries("routes")),
        codes=tuple(codes),
        ingredient_codes=tuple(ingredients),
        only_form=entry.flag("only_form", False),
        shared_names=_phrases(entry.texts("shared_names")),
    )


def load_drug_list(files: CatalogueFiles, systems: CodeSystems) -> DrugList:
    """Read the drug list.

    Raises CatalogueError when two products share an id, a name or a product code, or a class code is listed
    twice.
    """
    found: dict[str, ProductEntry] = {}
    owners: dict[object, str] = {}
    class_codes: dict[str, str] = {}
    for content in _drug_files(files):
        for entry in content.entries("products", required=True):
            product = _product(entry, systems)
            identity = product.product.id
            if identity in found:
                entry.fail("id", f"{identity} is listed twice")
            for key in (*product.names, *(coding[:2] for coding in product.codes)):
                owner = owners.setdefault(key, identity)
                if owner != identity:
                    entry.fail("codes", f"{' '.join(key)} already stands for {owner}")
            overlap = product.names & product.not_names
            if overlap:
                entry.fail("not_names", f"{' '.join(next(iter(overlap)))!r} is a name of the product itself")
            found[identity] = product
        for entry in content.entries("class_codes"):
            code = entry.text("code").upper()
            entry.text("source")
            if code in class_codes:
                entry.fail("code", f"{code} is listed twice")
            class_codes[code] = entry.text("display")
    return DrugList(tuple(found.values()), class_codes)


def _drug_files(files: CatalogueFiles) -> Iterator[Entry]:
    yield files.yaml(DRUGS_FILE)
    for name in files.names(MORE_DRUGS):
        yield files.yaml(name)


def load_unassigned_codes(files: CatalogueFiles) -> Mapping[str, str]:
    """Billing codes that name no drug, with what they are called."""
    entries = files.yaml(UNASSIGNED_FILE).entries("unassigned_codes", required=True)
    return {entry.text("code").upper(): entry.text("display") for entry in entries}
