"""A rule folder opened for its author: the catalogue, the cases, and the pipeline that decides them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from cds_service.authoring.case_resources import Vocabulary
from cds_service.authoring.cases import DECLARED, Case, CaseError, ExpandedCase, expand, load_cases
from cds_service.authoring.yaml_files import read_yaml
from cds_service.coverage_check import CoverageCheck
from cds_service.coverage_check.member import coverage_of
from cds_service.decisions.model import Determination
from cds_service.fhir.index import ResourceIndex
from cds_service.hooks.errors import RequestError
from cds_service.orders.model import DrugOrder
from cds_service.policies.catalogue import Catalogue
from cds_service.policies.model import PolicyVersion


class UnknownPolicyError(Exception):
    """The author named a policy that the folder does not hold."""


@dataclass(frozen=True, slots=True)
class RuleFolder:
    """Everything of one rule folder that the author's commands work on."""

    directory: Path
    catalogue: Catalogue
    check: CoverageCheck
    vocabulary: Vocabulary

    @classmethod
    def open(cls, directory: Path) -> RuleFolder:
        """Load the folder. Raises CatalogueError naming file and reason, ValueError for unreadable YAML."""
        catalogue = Catalogue.load(directory)
        return cls(directory, catalogue, CoverageCheck(catalogue), _vocabulary(directory, catalogue))

    def versions(self, policies: Sequence[str] = ()) -> list[PolicyVersion]:
        """The policy versions named by "policy" or "policy/version"; all of them when none is named.

        Raises UnknownPolicyError.
        """
        known = sorted(self.catalogue.versions, key=lambda each: (each.policy, each.version))
        for name in policies:
            if not any(_matches(each, name) for each in known):
                listed = ", ".join(f"{each.policy}/{each.version}" for each in known)
                raise UnknownPolicyError(f"no policy {name!r} here; there are {listed}")
        return [each for each in known if not policies or any(_matches(each, name) for name in policies)]

    def cases(self, version: PolicyVersion) -> list[Case]:
        """The golden cases of one version; none when it has no cases.yaml. Raises CaseError."""
        file = self.cases_file(version)
        return load_cases(file) if file.exists() else []

    def cases_file(self, version: PolicyVersion) -> Path:
        """Where the golden cases of a version are, or would be."""
        return self.directory / "policies" / version.policy / version.version / "cases.yaml"

    def expand(self, case: Case) -> ExpandedCase:
        """The case as FHIR. Raises CaseError."""
        return expand(case, self.vocabulary)

    def decide(self, case: Case) -> tuple[DrugOrder | None, Determination]:
        """Decide the case as every door of the service does, at noon UTC of its day. Raises CaseError."""
        facts = self.expand(case)
        index = ResourceIndex.from_prefetch(facts.prefetch, DECLARED)
        index.set_patient("pat-1")
        index.set_encounter("enc-1" if "encounter" in case.facts else None)
        now = datetime.combine(case.today, time(12), UTC)
        try:
            coverage = coverage_of(facts.order, "order", index, self.catalogue)
        except RequestError as error:
            raise CaseError(f"{case.file}: case {case.name!r}: {error}") from error
        coverage = coverage._replace(service_excluded=facts.excluded)
        return self.check.determine(facts.order, index, coverage, case.today, now, facts.answers)


def _matches(version: PolicyVersion, name: str) -> bool:
    return name in (version.policy, f"{version.policy}/{version.version}", version.number)


def _vocabulary(directory: Path, catalogue: Catalogue) -> Vocabulary:
    """The words of the cases, from the catalogue's own files. Raises ValueError naming the file."""
    catalog = directory / "catalog"
    listed = read_yaml(catalog / "code_systems.yaml")["code_systems"]
    systems = {each["id"]: each["url"] for each in listed}
    drug_files = [catalog / "drugs.yaml", *sorted((catalog / "drugs").glob("*.yaml"))]
    listed_products = [each for file in drug_files for each in read_yaml(file)["products"]]
    products = {each["id"]: _ordered(each, systems) for each in listed_products}
    return Vocabulary(systems, products, dict(catalogue.payers))


def _ordered(product: Mapping[str, Any], systems: Mapping[str, str]) -> dict[str, Any]:
    """The CodeableConcept of an order for a product of drugs.yaml."""
    codes = [each for each in product.get("codes", ()) if each.get("kind") != "ingredient"][:1]
    codings = [
        {"system": systems[each["system"]], "code": each["code"], "display": each["display"]}
        for each in codes
    ]
    codings += [
        {"system": systems["hcpcs"], "code": each["code"]} for each in product.get("billing_codes", ())[:1]
    ]
    return {"coding": codings} if codes else {"coding": codings, "text": product["brand"]}
