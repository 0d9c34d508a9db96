"""Every wire difference between the versions of DTR that are served: one row table per version.

Sources: the Da Vinci DTR implementation guide, versions 2.0.1 (2024-01-11) and 2.2.0 (2026-03-26), and the
checks of the public Inferno test kit for 2.0.1 where it and the guide differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_DTR: Final = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition"
_CRD: Final = "http://hl7.org/fhir/us/davinci-crd/CodeSystem"


@dataclass(frozen=True, slots=True)
class DtrVersion:
    """What one version of DTR says differently.

    `versioned_references`: references between the entries of a package carry "|version" (the guide asks for
    it in every version; the 2.0.1 tests compare the library's address literally, so there they are bare).
    `expansion_limit`: value sets with that many codes and more are left out of a package for `$expand`
    (None: all are expanded). `coverage_extension` holds the coverage of a QuestionnaireResponse, else it is
    the first of the `qr-context` ones. `bare_identifiers`: a definition of the only library of a form is
    named by its bare name, in `text/cql-identifier`. `describes_effort`: audience and estimated completion
    time stand on the Questionnaire. `labelled_help`: a link to the policy has a label and a link inside it.
    `response_needs_items`: a response without any item is invalid.
    """

    name: str
    guide_version: str
    package_parameter: str
    outcome_parameter: str
    versioned_references: bool
    expansion_limit: int | None
    alternative_expression: str
    bare_identifiers: bool
    describes_effort: bool
    help_link: str
    labelled_help: bool
    coverage_extension: str | None
    intended_use_system: str
    origin_of_payer_answers: str
    response_needs_items: bool
    coverage_information: bool  # may stand on a response
    many_coverages: bool  # the `coverage` parameter may repeat
    adaptive_response_profile: str

    questionnaire_profile: str = f"{_DTR}/dtr-std-questionnaire"
    adaptive_search_profile: str = f"{_DTR}/dtr-questionnaire-adapt-search"
    adaptive_profile: str = f"{_DTR}/dtr-questionnaire-adapt"
    response_profile: str = f"{_DTR}/dtr-questionnaireresponse"
    package_profile: str = f"{_DTR}/DTR-QPackageBundle"
    context_extension: str = f"{_DTR}/qr-context"
    intended_use_extension: str = f"{_DTR}/intendedUse"
    origin_extension: str = f"{_DTR}/information-origin"


DTR_2_0: Final = DtrVersion(
    name="2.0.1",
    guide_version="2.0.1",
    package_parameter="PackageBundle",
    outcome_parameter="operationOutcome",
    versioned_references=False,
    expansion_limit=None,
    alternative_expression=(
        "http://hl7.org/fhir/us/ecr/StructureDefinition/us-ph-alternative-expression-extension"
    ),
    bare_identifiers=False,
    describes_effort=False,
    help_link="http://hl7.org/fhir/StructureDefinition/questionnaire-supportLink",
    labelled_help=False,
    coverage_extension=None,
    intended_use_system=f"{_CRD}/temp",
    origin_of_payer_answers="auto",
    response_needs_items=True,
    coverage_information=False,
    many_coverages=True,
    adaptive_response_profile=(
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaireresponse-adapt"
    ),
)

DTR_2_2: Final = DtrVersion(
    name="2.2",
    guide_version="2.2.0",
    package_parameter="packagebundle",
    outcome_parameter="outcome",
    versioned_references=True,
    expansion_limit=40,
    alternative_expression=f"{_DTR}/alternativeExpression",
    bare_identifiers=True,
    describes_effort=True,
    help_link="http://hl7.org/fhir/StructureDefinition/questionnaire-supportHyperlink",
    labelled_help=True,
    coverage_extension=f"{_DTR}/qr-coverage",
    intended_use_system=f"{_CRD}/coverage-information-codes",
    origin_of_payer_answers="auto-server",
    response_needs_items=False,
    coverage_information=True,
    many_coverages=False,
    adaptive_response_profile=f"{_DTR}/dtr-questionnaireresponse-adapt",
)

VERSIONS: Final[Mapping[str, DtrVersion]] = MappingProxyType({each.name: each for each in (DTR_2_0, DTR_2_2)})
"""By the segment of the base path: /fhir/dtr/2.0.1 and /fhir/dtr/2.2."""
