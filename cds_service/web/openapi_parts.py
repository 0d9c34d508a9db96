"""What the OpenAPI description says of each operation, beside the docstrings of the views."""

from __future__ import annotations

from importlib import resources
from typing import Any, Final

import orjson

from cds_service.hooks.discovery import services as offered
from cds_service.hooks.feedback import ACCEPTED, MOST_ENTRIES, OVERRIDDEN
from cds_service.hooks.validation import load_schema


def schema_3_0(node: Any) -> Any:
    """A JSON Schema 2020-12 node in the dialect of OpenAPI 3.0: `nullable`, `enum` for `const`."""
    if isinstance(node, list):
        return [schema_3_0(each) for each in node]
    if not isinstance(node, dict):
        return node
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("$schema", "$comment"):
            continue
        if key == "type" and isinstance(value, list):
            named = [each for each in value if each != "null"]
            result["nullable"] = "null" in value
            if len(named) == 1:
                result["type"] = named[0]
            else:
                result["anyOf"] = [schema_3_0({"type": each}) for each in named]
        elif key == "const":
            result |= {"type": "string", "enum": [value]}
        else:
            result[key] = schema_3_0(value)
    if result.get("type") == "array" and "items" not in result:
        result["items"] = {}
    return result


def _json(description: str, schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _error(description: str) -> dict[str, Any]:
    return _json(description, {"$ref": "#/components/schemas/OperationOutcome"}, "application/fhir+json")


_OBJECT: Final[dict[str, Any]] = {"type": "object", "additionalProperties": True}
_EXAMPLE: Final[dict[str, Any]] = orjson.loads(
    resources.files("cds_service.web").joinpath("example_request.json").read_bytes()
)


def _request(hook: str) -> dict[str, Any]:
    """What a call of a hook looks like: its schema, and that it names this hook."""
    schema: dict[str, Any] = schema_3_0(load_schema(hook))
    return schema | {"properties": schema["properties"] | {"hook": {"type": "string", "enum": [hook]}}}


# Hook to the name of its request in the description.
_REQUESTS: Final = {
    each["hook"]: "".join(part.capitalize() for part in each["hook"].split("-")) + "Request"
    for each in offered().values()
}

COMPONENTS: Final[dict[str, dict[str, Any]]] = {
    **{_REQUESTS[hook]: _request(hook) for hook in _REQUESTS},
    "FeedbackRequest": {
        "type": "object",
        "required": ["feedback"],
        "properties": {
            "feedback": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_ENTRIES,
                "items": {
                    "type": "object",
                    "required": ["card", "outcome"],
                    "properties": {
                        "card": {
                            "type": "string",
                            "pattern": "\\S",
                            "minLength": 1,
                            "maxLength": 128,
                            "description": "uuid of the card",
                        },
                        "outcome": {"type": "string", "enum": [ACCEPTED, OVERRIDDEN]},
                        "acceptedSuggestions": {"type": "array", "items": _OBJECT},
                        "overrideReason": _OBJECT,
                        "outcomeTimestamp": {"type": "string"},
                    },
                },
            }
        },
    },
    "OperationOutcome": {
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {
            "resourceType": {"type": "string", "enum": ["OperationOutcome"]},
            "issue": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["severity", "code", "details"],
                    "properties": {
                        "severity": {"type": "string", "enum": ["error"]},
                        "code": {"type": "string"},
                        "details": _OBJECT,
                        "expression": {"type": "array", "items": {"type": "string"}},
                    },
                },
            },
        },
    },
    "HookResponse": {
        "type": "object",
        "required": ["cards"],
        "properties": {
            "cards": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["summary", "indicator", "source"],
                    "properties": {
                        "uuid": {"type": "string"},
                        "summary": {"type": "string", "maxLength": 139},
                        "detail": {"type": "string"},
                        "indicator": {"type": "string", "enum": ["info", "warning", "critical"]},
                        "source": _OBJECT,
                        "links": {"type": "array", "items": _OBJECT},
                    },
                },
            },
            "systemActions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["type", "description", "resource"],
                    "properties": {
                        "type": {"type": "string", "enum": ["update"]},
                        "description": {"type": "string"},
                        "resource": _OBJECT,
                    },
                },
            },
        },
    },
}

_TRUST: Final[dict[str, Any]] = {
    "401": _error("Where clients are registered: no bearer token of one, or none that holds"),
    "403": _error("A registered client that may not call"),
    "429": _error("More calls than this client may make; `Retry-After` tells when to call again"),
    "503": _error("Whether the token was used before cannot be told; `Retry-After` tells when to call again"),
}

DISCOVERY: Final[dict[str, Any]] = {
    "responses": {
        "200": _json(
            "The services",
            {"type": "object", "properties": {"services": {"type": "array", "items": _OBJECT}}},
        ),
        **_TRUST,
    }
}

CALL: Final[dict[str, Any]] = {
    "parameters": [
        {
            "in": "path",
            "name": "service_id",
            "required": True,
            "schema": {"type": "string", "enum": list(offered())},
            "example": "order-sign-crd",
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in _REQUESTS.values()]
                },
                "example": _EXAMPLE,
            }
        },
    },
    "responses": {
        "200": _json("Coverage information and cards", {"$ref": "#/components/schemas/HookResponse"}),
        "400": _error(
            "Not JSON; in CRD 2.2 also not a valid request; no usable Coverage; unsupported CRD version"
        ),
        "404": _error("No such CDS service"),
        "405": _error("Not a POST"),
        "412": _error("Needed data neither in prefetch nor queryable"),
        "413": _error("Too large"),
        "415": _error("Not a JSON content type"),
        "422": _error("In CRD 2.0 and 2.1: JSON, but not a valid request"),
        **_TRUST,
    },
}

FEEDBACK: Final[dict[str, Any]] = {
    "parameters": CALL["parameters"],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/FeedbackRequest"}}},
    },
    "responses": {
        "200": _json("Received", {"type": "object"}),
        **{
            status: response
            for status, response in CALL["responses"].items()
            if status not in ("200", "400", "412", "422")
        },
        "400": _error("Not JSON"),
        "422": _error("JSON, but no feedback (400 where `CDS_DEFAULT_CRD_VERSION` is 2.2)"),
    },
}
METRICS: Final[dict[str, Any]] = {
    "responses": {
        "200": {
            "description": "Figures in the text format of Prometheus",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    }
}

_POLICY_PATH: Final = [
    {"in": "path", "name": "policy", "required": True, "schema": {"type": "string"}, "example": "cigna-1701"},
    {
        "in": "path",
        "name": "version",
        "required": True,
        "schema": {"type": "string"},
        "description": "Effective date of the version",
        "example": "2024-07-01",
    },
]


def _page(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {
            "text/html": {"schema": {"type": "string"}},
            "application/json": {"schema": _OBJECT},
        },
    }


POLICY_LIST: Final[dict[str, Any]] = {"responses": {"200": _page("All policy versions on file")}}
POLICY: Final[dict[str, Any]] = {
    "parameters": _POLICY_PATH,
    "responses": {"200": _page("One policy version"), "404": _error("No such policy version")},
}
LIVE: Final[dict[str, Any]] = {"responses": {"200": _json("Alive", _OBJECT)}}
READY: Final[dict[str, Any]] = {"responses": {"200": _json("Ready; `status` is ok or degraded", _OBJECT)}}
