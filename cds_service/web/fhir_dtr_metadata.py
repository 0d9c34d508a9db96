"""What the DTR endpoints say of themselves: CapabilityStatement, SMART and Da Vinci configuration."""

from __future__ import annotations

from typing import Any, Final

from cds_service import __version__
from cds_service.dtr.versions import VERSIONS, DtrVersion
from cds_service.hooks.trust.scopes import OFFERED
from cds_service.settings import CRD_VERSIONS

ROOT: Final = "/fhir/dtr"
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 (an address)

_REVISED: Final = "2026-11-22"  # when this text last changed
_GUIDE: Final = "http://hl7.org/fhir/us/davinci-dtr"
_SDC_NEXT: Final = "http://hl7.org/fhir/uv/sdc/OperationDefinition/Questionnaire-next-question"
_EXPAND: Final = "http://hl7.org/fhir/OperationDefinition/ValueSet-expand"
_OAUTH: Final = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"

SEARCH_PARAMETERS: Final[dict[str, str]] = {
    "_id": "token",
    "url": "uri",
    "version": "token",
    "name": "string",
    "title": "string",
    "status": "token",
}
"""What Questionnaire, Library and ValueSet can be searched by, with the type of each parameter."""


def base_of(public_base_url: str, version: DtrVersion) -> str:
    """The base address of one version's FHIR endpoint."""
    return f"{public_base_url}{ROOT}/{version.name}"


def capability_statement(public_base_url: str, version: DtrVersion, *, secured: bool) -> dict[str, Any]:
    """The CapabilityStatement of one version's endpoint; `secured`: access tokens are needed."""
    base = base_of(public_base_url, version)
    security: dict[str, Any] = {"cors": True}
    if secured:
        security |= {
            "extension": [
                {
                    "url": _OAUTH,
                    "extension": [{"url": "token", "valueUri": f"{public_base_url}{TOKEN_PATH}"}],
                }
            ],
            "service": [{"coding": [{"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR"}]}],
        }
    return {
        "resourceType": "CapabilityStatement",
        "id": "dtr-payer-service",
        "url": f"{base}/metadata",
        "version": __version__,
        "name": "CoverageDecisionServiceDtr",
        "title": f"Questionnaires for coverage decisions (Da Vinci DTR {version.guide_version})",
        "status": "active",
        "experimental": False,
        "date": _REVISED,
        "kind": "instance",
        "instantiates": [f"{_GUIDE}/CapabilityStatement/dtr-payer-service|{version.guide_version}"],
        "software": {"name": "Coverage decision service", "version": __version__},
        "implementation": {"description": "DTR payer service", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "implementationGuide": [f"{_GUIDE}/ImplementationGuide/hl7.fhir.us.davinci-dtr"],
        "rest": [
            {
                "mode": "server",
                "security": security,
                "resource": [
                    _resource(
                        "Questionnaire",
                        {
                            "questionnaire-package": f"{_GUIDE}/OperationDefinition/questionnaire-package",
                            "next-question": _SDC_NEXT,
                            "log-questionnaire-errors": (
                                f"{_GUIDE}/OperationDefinition/log-questionnaire-errors"
                            ),
                        },
                    ),
                    _resource("Library", {}),
                    _resource("ValueSet", {"expand": _EXPAND}),
                ],
            }
        ],
    }


def smart_configuration(public_base_url: str, algorithms: tuple[str, ...]) -> dict[str, Any]:
    """The body of `/.well-known/smart-configuration`, for backend services (SMART App Launch 2.2)."""
    return {
        "token_endpoint": f"{public_base_url}{TOKEN_PATH}",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(algorithms),
        "scopes_supported": list(OFFERED),
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    }


def davinci_configuration(public_base_url: str) -> dict[str, str]:
    """The body of `/.well-known/davinci-configuration` (HRex, endpoint discovery): endpoint by version."""
    crd = {f"davinci_crd_hook_endpoint#{each}": f"{public_base_url}/cds-services" for each in CRD_VERSIONS}
    dtr = {
        f"davinci_dtr_qpackage_endpoint#{_minor(each)}": base_of(public_base_url, each)
        for each in VERSIONS.values()
    }
    return crd | dtr


def _minor(version: DtrVersion) -> str:
    return ".".join(version.guide_version.split(".")[:2])


def _resource(kind: str, operations: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": name, "type": type_} for name, type_ in SEARCH_PARAMETERS.items()],
    }
    if operations:
        found["operation"] = [{"name": name, "definition": url} for name, url in operations.items()]
    return found
