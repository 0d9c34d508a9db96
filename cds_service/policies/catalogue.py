"""The catalogue: everything the service knows about payers, drugs and policies, loaded once."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cds_service.fhir.codes import Coding
from cds_service.fhir.vocabulary import SettingCodes, Vocabulary
from cds_service.policies.code_systems import load_code_systems
from cds_service.policies.errors import CatalogueError
from cds_service.policies.files import CatalogueFiles
from cds_service.policies.identification import Identification
from cds_service.policies.libraries import LibrarySource, load_libraries, load_sources
from cds_service.policies.model import Payer, PolicyVersion, Product, Selection
from cds_service.policies.payers import Payers, load_payers
from cds_service.policies.product_lines import line_of_business
from cds_service.policies.products import DrugList, ProductEntry, load_drug_list, load_unassigned_codes
from cds_service.policies.selection import OrderFacts, PolicyIndex
from cds_service.policies.settings import load_setting_codes
from cds_service.policies.value_sets import ValueSets, load_value_sets
from cds_service.policies.versions import Known, check_timelines, load_versions

__all__ = ["Catalogue", "CatalogueError"]


class Catalogue:
    """One loaded catalogue. Immutable; shared by every thread."""

    def __init__(
        self,
        *,
        payers: Payers,
        drugs: DrugList,
        unassigned_codes: Mapping[str, str],
        vocabulary: Vocabulary,
        value_sets: ValueSets,
        versions: Iterable[PolicyVersion],
        version: str,
        sources: Mapping[str, LibrarySource] = MappingProxyType({}),
    ) -> None:
        """Put a catalogue together from loaded parts. Raises CatalogueError when policy versions overlap."""
        self.payers: Mapping[str, Payer] = payers
        self.products: Mapping[str, Product] = {entry.product.id: entry.product for entry in drugs.products}
        self.product_codes: Mapping[str, tuple[Coding, ...]] = {
            entry.product.id: entry.codes + entry.ingredient_codes for entry in drugs.products
        }
        self.unassigned_codes = unassigned_codes
        self.class_codes = drugs.class_codes
        self.vocabulary = vocabulary
        self.value_sets = value_sets
        self.version = version
        self.sources = sources
        self.identify = Identification(
            drugs.products, unassigned_codes, vocabulary.systems, drugs.class_codes
        )
        self.entries = drugs.products
        self._payers = payers
        self._arrange(versions)

    @classmethod
    def load(cls, directory: Path) -> Catalogue:
        """Read and check a catalogue folder (`cql_like_rules/`), and compile its rules.

        Raises CatalogueError naming file, key and reason.
        """
        files = CatalogueFiles(directory)
        systems = load_code_systems(files)
        payers = load_payers(files, systems)
        drugs = load_drug_list(files, systems)
        unassigned = load_unassigned_codes(files)
        settings = load_setting_codes(files, systems)
        value_sets = load_value_sets(files, systems)
        known = Known(
            payers=payers.keys(),
            products={entry.product.id for entry in drugs.products},
            unassigned_codes=unassigned.keys(),
            billing_codes=drugs.class_codes.keys()
            | {code for entry in drugs.products for code in entry.product.billing_codes},
            value_sets=value_sets,
            libraries=load_libraries(files),
            systems=systems,
        )
        return cls(
            payers=payers,
            drugs=drugs,
            unassigned_codes=unassigned,
            vocabulary=Vocabulary(systems, settings, _listed(value_sets, settings)),
            value_sets=value_sets,
            versions=load_versions(files, known),
            sources=load_sources(files),
            version=files.version,
        )

    def with_versions(self, versions: Iterable[PolicyVersion], products: Sequence[ProductEntry]) -> Catalogue:
        """The same catalogue with other policies and products (what-if runs, benchmarks)."""
        return Catalogue(
            payers=self._payers,
            drugs=DrugList(tuple(products), self.class_codes),
            unassigned_codes=self.unassigned_codes,
            vocabulary=self.vocabulary,
            value_sets=self.value_sets,
            versions=versions,
            sources=self.sources,
            version=f"{self.version}+",
        )

    def what_if(self, versions: Iterable[PolicyVersion], value_sets: ValueSets | None = None) -> Catalogue:
        """The same payers and products with other policy versions or value sets, for rules on trial.

        Cheap: nothing is read or compiled. Raises CatalogueError when policy versions overlap.
        """
        changed = copy.copy(self)
        changed.value_sets = self.value_sets if value_sets is None else value_sets
        changed.version = f"{self.version}+"
        changed._arrange(versions)
        return changed

    def _arrange(self, versions: Iterable[PolicyVersion]) -> None:
        self.versions: tuple[PolicyVersion, ...] = tuple(versions)
        check_timelines(self.versions)
        billing = {product.id: self._assumed_codes(product) for product in self.products.values()}
        self._index = PolicyIndex(self.versions, self.payers, billing)
        self._by_name = {(found.policy, found.version): found for found in self.versions}

    def _assumed_codes(self, product: Product) -> tuple[str, ...]:
        """The codes that count when an order for the product gives none: its own, before unassigned ones."""
        assigned = tuple(code for code in product.billing_codes if code not in self.unassigned_codes)
        return assigned or product.billing_codes

    def payer_of(self, coverage: Mapping[str, Any], organization: Mapping[str, Any] | None) -> Payer | None:
        """The payer of a Coverage resource and its payor Organization, if it is one of ours."""
        return self._payers.match(coverage, organization)

    def line_of_business(self, coverage: Mapping[str, Any], payer: Payer) -> str | None:
        """The payer's product line that a Coverage resource belongs to, by its id; None when unknown."""
        return line_of_business(coverage, payer.product_lines, self.vocabulary.systems)

    def select(self, order: OrderFacts, on: date) -> Selection:
        """The statements that decide an order on its date of service, or the reason why none does."""
        return self._index.select(order, on)

    def policy_version(self, policy: str, version: str) -> PolicyVersion | None:
        """One policy version by policy id and ISO date; None when not on file."""
        return self._by_name.get((policy, version))


def _listed(value_sets: ValueSets, settings: SettingCodes) -> frozenset[tuple[str, str]]:
    """Every single code of value sets and dispensers; codes below prefixes (diseases) are not among them."""
    return settings.dispensers.union(*(each.codes() for each in value_sets))
