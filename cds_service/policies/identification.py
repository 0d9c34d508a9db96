"""Which product of the catalogue an order is for (policies/README points 7 and 8)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from cds_service.fhir.codes import Coding
from cds_service.fhir.systems import CodeSystems
from cds_service.policies.model import Product
from cds_service.policies.names import SEPARATOR, Phrase, PhraseIndex, words
from cds_service.policies.ndc import product_keys
from cds_service.policies.products import ProductEntry

# The shape of HCPCS Level II; codes of this shape without a system are read as such.
_HCPCS = re.compile(r"[A-Z]\d{4}")

_NO_PRODUCTS: frozenset[str] = frozenset()

# Clients take drugs from a dictionary of theirs, so the same names come again and again.
_REMEMBERED = 2_000
_LONGEST_NAMES = 300  # characters; longer texts are somebody's own words
_MOST_CODINGS = 20

How = Literal["product code", "billing code", "name", "nothing"]


class ProductMatch(NamedTuple):
    """The product an order names, and how it was found; field by field what the order keeps of it.

    `product` is None when nothing, or not one thing, is named. `contradictions` are sentences for people.
    `possible` are the brands that the order leaves open, when its substance or its billing code is theirs.
    """

    product: str | None
    identified_by: How
    display: str
    codings: tuple[Coding, ...] = ()
    billing_codes: tuple[str, ...] = ()
    unassigned_code: str | None = None
    contradictions: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()


class _Named(NamedTuple):
    """What the words of an order say: products by name or by substance, and those that they rule out."""

    brands: frozenset[str]
    candidates: frozenset[str]  # by brand, or by substance in a fitting form
    fitting: frozenset[str]  # products whose form or route the order names
    excluded: frozenset[str]  # products that the drug's texts rule out
    misrouted: frozenset[str]  # products that the order's route rules out, when only the substance is named
    several: bool  # two names that no product shares
    shared: frozenset[str]  # products whose common substance is named


class Identification:
    """Looks products up by code and by name. Built once; every look-up is by hash."""

    def __init__(
        self,
        products: Iterable[ProductEntry],
        unassigned: Mapping[str, str],
        systems: CodeSystems,
        class_codes: Collection[str] = (),
    ) -> None:
        """`class_codes` are assigned codes that name a class of drugs, so they settle no product."""
        entries = tuple(products)
        self._products: dict[str, Product] = {entry.product.id: entry.product for entry in entries}
        self._unassigned = frozenset(unassigned)
        self._ndc = systems.url("ndc")
        self._billing_systems = frozenset({systems.url("hcpcs"), systems.url("cpt"), ""})
        self._systems = systems
        self._by_code: dict[tuple[str, str], str] = {}
        self._by_ndc: dict[str, str] = {}
        self._ingredients: dict[tuple[str, str], frozenset[str]] = {}
        self._billing: dict[str, frozenset[str]] = {}
        self._routes = {entry.product.id: entry.routes for entry in entries}
        self._only_form = frozenset(entry.product.id for entry in entries if entry.only_form)
        for entry in entries:
            identity = entry.product.id
            for coding in entry.codes:
                self._by_code[coding[:2]] = identity
                if coding.system == self._ndc:
                    self._by_ndc.update(dict.fromkeys(product_keys(coding.code), identity))
            for coding in entry.ingredient_codes:
                known = self._ingredients.get(coding[:2], frozenset())
                self._ingredients[coding[:2]] = known | {identity}
            for code in entry.product.billing_codes:
                if code not in self._unassigned and code not in class_codes:
                    self._billing[code] = self._billing.get(code, frozenset()) | {identity}
        self._remembered = lru_cache(_REMEMBERED)(self._identify)
        self._names = PhraseIndex(_name_phrases(entries))
        self._forms = PhraseIndex(
            Phrase(phrase, frozenset(owners), frozenset(), frozenset())
            for phrase, owners in _owners((entry.product.id, entry.forms) for entry in entries).items()
        )

    def __call__(
        self,
        codings: Sequence[Coding],
        texts: Sequence[str],
        routes: Sequence[Coding] = (),
        route_texts: Sequence[str] = (),
    ) -> ProductMatch:
        """Identify the product of one order from its normalised codings and its texts.

        Product codes (RxNorm, NDC) decide first, then a billing code that stands for exactly one product,
        then names: longest match of whole words. Displays of codings count as texts.
        """
        said = tuple(codings), tuple(texts), tuple(routes), tuple(route_texts)
        short = sum(map(len, texts)) <= _LONGEST_NAMES and len(codings) + len(routes) <= _MOST_CODINGS
        return self._remembered(*said) if short else self._identify(*said)

    def _identify(
        self,
        codings: tuple[Coding, ...],
        texts: tuple[str, ...],
        routes: tuple[Coding, ...],
        route_texts: tuple[str, ...],
    ) -> ProductMatch:
        billing_codes = tuple(dict.fromkeys(self._billing_codes(codings)))
        named = self._named([*texts, *_displays(codings)], routes, route_texts)
        by_code = self._by_product_code(codings)
        by_substance = self._by_substance(codings, named) if not by_code else _NO_PRODUCTS
        by_billing = [self._billing[code] for code in billing_codes if code in self._billing]

        contradictions = self._contradictions(by_code, by_billing, named)
        product, how = self._choose(by_code, by_substance, by_billing, named)
        if contradictions:
            product, how = None, "nothing"
        return ProductMatch(
            product=product,
            identified_by=how,
            display=self._display(product, codings, texts),
            codings=codings,
            billing_codes=billing_codes,
            unassigned_code=next((code for code in billing_codes if code in self._unassigned), None),
            contradictions=contradictions,
            possible=self._possible(by_billing, named) if product is None and not contradictions else (),
        )

    # -- what the codes say -----------------------------------------------------------------------------

    def _billing_codes(self, codings: Sequence[Coding]) -> Iterator[str]:
        for coding in codings:
            if coding.system in self._billing_systems:
                code = coding.code
                if not coding.system:
                    code = self._systems.code(self._systems.url("hcpcs") or "", code)
                    if _HCPCS.fullmatch(code) is None:
                        continue
                yield code

    def _by_product_code(self, codings: Sequence[Coding]) -> frozenset[str]:
        found: set[str] = set()
        for coding in codings:
            product = self._by_code.get(coding[:2])
            if product is None and coding.system == self._ndc:
                owners = {self._by_ndc[key] for key in product_keys(coding.code) if key in self._by_ndc}
                product = owners.pop() if len(owners) == 1 else None
            if product is not None:
                found.add(product)
        return frozenset(found)

    def _by_substance(self, codings: Sequence[Coding], named: _Named) -> frozenset[str]:
        owners = frozenset(product for coding in codings for product in self._ingredients.get(coding[:2], ()))
        return (owners & (named.fitting | self._only_form)) - named.excluded - named.misrouted

    # -- what the words say -----------------------------------------------------------------------------

    def _named(self, texts: list[str], routes: Sequence[Coding], route_texts: Sequence[str]) -> _Named:
        brands: set[str] = set()
        groups: list[frozenset[str]] = []
        substances: list[frozenset[str]] = []
        excluded: set[str] = set()
        shared: set[str] = set()
        tokens = words(SEPARATOR.join(dict.fromkeys(texts)))
        for phrase in self._names.find(tokens):
            brands |= phrase.brands
            excluded |= phrase.not_names
            shared |= phrase.shared
            if phrase.names:
                (groups if phrase.brands else substances).append(phrase.names)
        fitting = {product for form in self._forms.find(tokens) for product in form.names}
        routed, misrouted = self._by_route(routes, route_texts)
        fitting |= routed
        formed = (fitting | self._only_form) - misrouted
        groups += [fits for owners in substances if (fits := owners & formed)]
        candidates = frozenset.intersection(*groups) if groups else frozenset()
        return _Named(
            brands=frozenset(brands),
            candidates=candidates - excluded,
            fitting=frozenset(fitting),
            excluded=frozenset(excluded),
            misrouted=misrouted,
            several=bool(groups) and not candidates,
            shared=frozenset(shared - excluded),
        )

    def _by_route(
        self, routes: Sequence[Coding], route_texts: Sequence[str]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Products that are given by the order's route, and products that are not."""
        if not routes and not route_texts:
            return _NO_PRODUCTS, _NO_PRODUCTS
        fits: set[str] = set()
        misfits: set[str] = set()
        tokens = words(SEPARATOR.join((*route_texts, *_displays(routes))))
        for phrase in self._forms.find(tokens):
            fits |= phrase.names
        for phrase in self._names.find(tokens):
            misfits |= phrase.not_names
        known = {coding[:2] for coding in routes}
        if known:
            systems = {system for system, _ in known}
            for product, allowed in self._routes.items():
                if allowed & known:
                    fits.add(product)
                elif any(system in systems for system, _ in allowed):
                    misfits.add(product)
        return frozenset(fits), frozenset(misfits)

    # -- putting it together ----------------------------------------------------------------------------

    def _choose(
        self,
        by_code: frozenset[str],
        by_substance: frozenset[str],
        by_billing: list[frozenset[str]],
        named: _Named,
    ) -> tuple[str | None, How]:
        for owners in (by_code, by_substance):
            if len(owners) == 1:
                return next(iter(owners)), "product code"
        if by_billing:
            owners = frozenset.intersection(*by_billing)
            if len(owners) == 1:
                return next(iter(owners)), "billing code"
            named_here = owners & named.candidates
            if len(named_here) == 1:
                return next(iter(named_here)), "name"
        elif len(named.candidates) == 1:
            return next(iter(named.candidates)), "name"
        return None, "nothing"

    def _contradictions(
        self, by_code: frozenset[str], by_billing: list[frozenset[str]], named: _Named
    ) -> tuple[str, ...]:
        found: list[str] = []
        if len(by_code) > 1:
            found.append(f"The drug codes on the order stand for {self._brands(by_code)}.")
        for owners in by_billing:
            if by_code and not owners & by_code:
                found.append(
                    f"The drug code on the order stands for {self._brands(by_code)}, "
                    f"its billing code for {self._brands(owners)}."
                )
        settled = by_code or (frozenset.intersection(*by_billing) if by_billing else frozenset())
        if by_billing and not by_code and not settled:
            found.append("The billing codes on the order stand for different drugs.")
        if settled and named.brands and not named.brands & settled:
            said = self._brands(named.brands)
            found.append(f"The codes on the order stand for {self._brands(settled)}, its text says {said}.")
        elif settled and settled <= named.excluded:
            found.append(
                f"The codes on the order stand for {self._brands(settled)}, its text for another one or form."
            )
        elif named.several:
            found.append("The text of the order names more than one drug.")
        return tuple(found)

    def _possible(self, by_billing: list[frozenset[str]], named: _Named) -> tuple[str, ...]:
        billed = frozenset.intersection(*by_billing) if by_billing else _NO_PRODUCTS
        found = (billed & named.shared) or billed or named.shared
        return tuple(sorted(self._products[product].brand for product in found))

    def _brands(self, products: Iterable[str]) -> str:
        return " and ".join(sorted(self._products[product].brand for product in products))

    def _display(self, product: str | None, codings: Sequence[Coding], texts: Sequence[str]) -> str:
        if product is not None:
            known = self._products[product]
            return known.brand if known.generic == known.brand else f"{known.brand} ({known.generic})"
        for text in (*texts, *_displays(codings)):
            return text[:200]
        return codings[0].code if codings else "a drug that the order does not name"


def _displays(codings: Sequence[Coding]) -> list[str]:
    return [coding.display for coding in codings if coding.display]


def _owners(pairs: Iterable[tuple[str, frozenset[tuple[str, ...]]]]) -> dict[tuple[str, ...], set[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for identity, phrases in pairs:
        for phrase in phrases:
            found.setdefault(phrase, set()).add(identity)
    return found


def _name_phrases(entries: tuple[ProductEntry, ...]) -> Iterator[Phrase]:
    brands = _owners((entry.product.id, entry.names) for entry in entries)
    generics = _owners((entry.product.id, entry.generic_names) for entry in entries)
    not_names = _owners((entry.product.id, entry.not_names) for entry in entries)
    shared = _owners((entry.product.id, entry.shared_names) for entry in entries)
    for phrase in {**brands, **generics, **not_names, **shared}:
        own = frozenset(brands.get(phrase, ()))
        yield Phrase(
            phrase,
            names=own or frozenset(generics.get(phrase, ())),
            brands=own,
            not_names=frozenset(not_names.get(phrase, ())),
            shared=frozenset(shared.get(phrase, ())),
        )
