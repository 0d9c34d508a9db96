"""Lower-cost places in the payer's network: those of its configuration, and those that the call names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cds_service.cql import ValueSetSource
from cds_service.crd.assertion import NetworkSite
from cds_service.decisions.model import SiteAdvice
from cds_service.fhir import reads
from cds_service.fhir.index import ResourceIndex
from cds_service.fhir.references import reference_to
from cds_service.fhir.systems import CodeSystems
from cds_service.orders.coverage import payor_organization
from cds_service.orders.model import MemberCoverage
from cds_service.policies.model import AlternativeSite, CareSite, Payer

Resource = Mapping[str, Any]

_MOST_ORGANIZATIONS: Final = 500  # of one call


def network_sites(
    site: SiteAdvice,
    payer: Payer,
    coverage: MemberCoverage,
    index: ResourceIndex,
    systems: CodeSystems,
    value_sets: ValueSetSource,
) -> tuple[NetworkSite, ...]:
    """The places to name on the card: those that the client knows first.

    Configured ones count as known when an Organization of the call bears one of their identifiers. The call
    itself names one by an active OrganizationAffiliation (FHIR R4) between the payor of the coverage and an
    organization whose type is one of the lower-cost settings.
    """
    found = {each.reference: each for each in _affiliated(site, coverage, index, systems, value_sets)}
    by_identifier = _by_identifier(index) if payer.alternatives else {}
    unknown = []
    for alternative in payer.alternatives:
        named = _configured(alternative, by_identifier)
        if named.reference is None:
            unknown.append(named)
        else:
            found[named.reference] = named
    return (*found.values(), *unknown)


def _configured(alternative: AlternativeSite, by_identifier: Mapping[tuple[str, str], str]) -> NetworkSite:
    known = (by_identifier.get((system, value)) for system, value in alternative.identifiers)
    reference = next((each for each in known if each is not None), None)
    return NetworkSite(alternative.name, alternative.setting, alternative.contact, reference)


def _by_identifier(index: ResourceIndex) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for organization in index.resources("Organization")[:_MOST_ORGANIZATIONS]:
        for identifier in reads.objects(organization.get("identifier")):
            system, value = reads.text(identifier.get("system")), reads.text(identifier.get("value"))
            if system and value and organization.get("active") is not False and organization.get("id"):
                found.setdefault((system.rstrip("/").lower(), value), reference_to(organization))
    return found


def _affiliated(
    site: SiteAdvice,
    coverage: MemberCoverage,
    index: ResourceIndex,
    systems: CodeSystems,
    value_sets: ValueSetSource,
) -> Iterator[NetworkSite]:
    affiliations = index.resources("OrganizationAffiliation")
    payor = payor_organization(coverage.resource, index) if affiliations else None
    if payor is None:
        return
    for affiliation in affiliations[:_MOST_ORGANIZATIONS]:
        if affiliation.get("active") is False:
            continue
        networks = (affiliation.get("organization"), *reads.objects(affiliation.get("network")))
        if not any(index.resolve(each, affiliation) is payor for each in networks):
            continue
        member = index.resolve(affiliation.get("participatingOrganization"), affiliation)
        setting = _setting(member, site, systems, value_sets) if member is not None else None
        if member is not None and setting is not None:
            name = reads.text(member.get("name")) or reference_to(member)
            yield NetworkSite(name, setting.name, None, reference_to(member))


def _setting(
    organization: Resource, site: SiteAdvice, systems: CodeSystems, value_sets: ValueSetSource
) -> CareSite | None:
    """The lower-cost setting that an organization is; one that is part of another may be a hospital's."""
    usable = organization.get("resourceType") == "Organization" and organization.get("id")
    if not usable or organization.get("active") is False or "partOf" in organization:
        return None
    kinds = reads.codings(organization.get("type"), systems)
    for setting in site.lower_cost_settings:
        codes = value_sets.lookup(setting.value_set) if setting.value_set else None
        if codes is not None and any(codes.contains(each.code, each.system) for each in kinds):
            return setting
    return None
