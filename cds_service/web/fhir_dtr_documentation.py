"""What the OpenAPI description says of the DTR endpoints and of access tokens."""

from __future__ import annotations

from typing import Any, Final

from cds_service.dtr.versions import VERSIONS
from cds_service.web.fhir_dtr_metadata import SEARCH_PARAMETERS

_OBJECT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": True}
_FHIR: Final = "application/fhir+json"


def _resource(description: str, kind: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string", "enum": [kind]}},
        "additionalProperties": True,
    }
    return {"description": description, "content": {_FHIR: {"schema": schema}}}


def _error(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {_FHIR: {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}},
    }


def _body(example: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {_FHIR: {"schema": _OBJECT, "example": example}},
    }


def _query(name: str, description: str = "", required: bool = False) -> dict[str, Any]:
    found = {"in": "query", "name": name, "required": required, "schema": {"type": "string"}}
    return {**found, "description": description} if description else found


_VERSION: Final[dict[str, Any]] = {
    "in": "path",
    "name": "version",
    "required": True,
    "schema": {"type": "string", "enum": list(VERSIONS)},
    "description": "Version of Da Vinci DTR",
    "example": "2.0.1",
}
_KIND: Final[dict[str, Any]] = {
    "in": "path",
    "name": "kind",
    "required": True,
    "schema": {"type": "string", "enum": ["Questionnaire", "Library", "ValueSet"]},
}
_ID: Final[dict[str, Any]] = {
    "in": "path",
    "name": "identity",
    "required": True,
    "schema": {"type": "string"},
}
_TRUST: Final[dict[str, Any]] = {
    "401": _error("Where clients are registered: no access token, or none that holds"),
    "403": _error("The access token does not hold the scope"),
    "429": _error("More calls than this client may make; `Retry-After` tells when to call again"),
}
_BODIES: Final[dict[str, Any]] = {
    "400": _error("Not JSON, not FHIR, or not what the operation takes"),
    "413": _error("Too large"),
    "415": _error("Not a JSON content type"),
}
_EXAMPLE_URL: Final = "http://127.0.0.1:8000/fhir/dtr/Questionnaire/cigna-1701-macrilen"
_COVERAGE: Final[dict[str, Any]] = {
    "resourceType": "Coverage",
    "id": "cov-1",
    "status": "active",
    "beneficiary": {"reference": "Patient/pat-1"},
    "payor": [{"display": "Cigna"}],
}

PACKAGE: Final[dict[str, Any]] = {
    "parameters": [_VERSION],
    "requestBody": _body(
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "coverage", "resource": _COVERAGE},
                {"name": "questionnaire", "valueCanonical": _EXAMPLE_URL},
            ],
        }
    ),
    "responses": {
        "200": _resource("A Bundle for each questionnaire, and warnings", "Parameters"),
        **_BODIES,
        "404": _error("No decision of this id was given to this client, or it has expired"),
        **_TRUST,
        "503": _error("What the decision rests on cannot be read at the moment"),
    },
}
NEXT_QUESTION: Final[dict[str, Any]] = {
    "parameters": [_VERSION],
    "requestBody": _body(
        {
            "resourceType": "Parameters",
            "parameter": [
                {
                    "name": "questionnaire-response",
                    "resource": {
                        "resourceType": "QuestionnaireResponse",
                        "contained": [
                            {
                                "resourceType": "Questionnaire",
                                "id": "adaptive",
                                "derivedFrom": [f"{_EXAMPLE_URL}-adaptive"],
                                "status": "active",
                            }
                        ],
                        "questionnaire": "#adaptive",
                        "status": "in-progress",
                        "subject": {"reference": "Patient/pat-1"},
                    },
                }
            ],
        }
    ),
    "responses": {
        "200": _resource("The response with the next question, or completed", "QuestionnaireResponse"),
        **_BODIES,
        "404": _error("No such version"),
        **_TRUST,
    },
}
LOG_ERRORS: Final[dict[str, Any]] = {
    "parameters": [_VERSION],
    "requestBody": _body(
        {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "questionnaire", "valueCanonical": _EXAMPLE_URL},
                {
                    "name": "operationOutcome",
                    "resource": {
                        "resourceType": "OperationOutcome",
                        "issue": [{"severity": "error", "code": "invalid"}],
                    },
                },
            ],
        }
    ),
    "responses": {"204": {"description": "Kept"}, **_BODIES, "404": _error("No such version"), **_TRUST},
}
_EXPANDED: Final[dict[str, Any]] = {
    "200": _resource("The value set with its codes", "ValueSet"),
    "400": _error("No url, or a parameter of the wrong form"),
    "404": _error("No such value set"),
    "422": _error("Too many codes; a filter makes them fewer"),
    **_TRUST,
}
EXPAND: Final[dict[str, Any]] = {
    "parameters": [
        _VERSION,
        _query("url", "Canonical of the value set, with or without version", required=True),
        _query("filter", "Words that code or display must hold"),
        _query("count"),
        _query("offset"),
    ],
    "responses": _EXPANDED,
}
EXPAND_POST: Final[dict[str, Any]] = {
    "parameters": [_VERSION],
    "requestBody": _body(
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "url", "valueUri": "https://example.org/ValueSet/x"}],
        }
    ),
    "responses": {**_BODIES, **_EXPANDED},
}
SEARCH: Final[dict[str, Any]] = {
    "parameters": [_VERSION, _KIND, *[_query(name) for name in SEARCH_PARAMETERS]],
    "responses": {
        "200": _resource("What matches", "Bundle"),
        "400": _error("A parameter of the wrong form"),
        "404": _error("No such type here"),
        **_TRUST,
    },
}
SEARCH_POST: Final[dict[str, Any]] = {
    "parameters": [_VERSION, _KIND],
    "requestBody": {
        "required": False,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "additionalProperties": {"type": "string"}}
            }
        },
    },
    "responses": SEARCH["responses"],
}
READ: Final[dict[str, Any]] = {
    "parameters": [_VERSION, _KIND, _ID],
    "responses": {
        "200": {"description": "The resource", "content": {_FHIR: {"schema": _OBJECT}}},
        "404": _error("No such resource"),
        **_TRUST,
    },
}
CANONICAL: Final[dict[str, Any]] = {
    "parameters": [_ID],
    "responses": {
        "200": READ["responses"]["200"],
        "302": {"description": "For browsers: the page of the policy that asks these questions"},
        "404": _error("No such resource"),
        **_TRUST,
    },
}
METADATA: Final[dict[str, Any]] = {
    "parameters": [_VERSION],
    "responses": {
        "200": _resource("What this endpoint does", "CapabilityStatement"),
        "404": _error("No such version"),
    },
}
_CONFIGURATION: Final[dict[str, Any]] = {
    "description": "The configuration",
    "content": {"application/json": {"schema": _OBJECT}},
}
SMART: Final[dict[str, Any]] = {"responses": {"200": _CONFIGURATION}}
SMART_OF_VERSION: Final[dict[str, Any]] = {
    "parameters": [_VERSION],
    "responses": {"200": _CONFIGURATION, "404": _error("No such version")},
}
DAVINCI: Final[dict[str, Any]] = {"responses": {"200": _CONFIGURATION}}

_OAUTH_ERROR: Final[dict[str, Any]] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
            }
        }
    }
}
TOKEN: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion", "scope"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_assertion_type": {
                            "type": "string",
                            "enum": ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
                        },
                        "client_assertion": {"type": "string", "description": "A JWT that the client signed"},
                        "scope": {"type": "string", "example": "system/Questionnaire.rs"},
                    },
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "An access token for five minutes",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["access_token", "token_type", "expires_in", "scope"],
                        "properties": {
                            "access_token": {"type": "string"},
                            "token_type": {"type": "string", "enum": ["bearer"]},
                            "expires_in": {"type": "integer"},
                            "scope": {"type": "string"},
                        },
                    }
                }
            },
        },
        "400": {"description": "invalid_request, unsupported_grant_type or invalid_scope", **_OAUTH_ERROR},
        "401": {"description": "invalid_client", **_OAUTH_ERROR},
        "429": {"description": "More calls than this client may make", **_OAUTH_ERROR},
        "503": {"description": "Whether the assertion was used before cannot be told", **_OAUTH_ERROR},
    },
}
