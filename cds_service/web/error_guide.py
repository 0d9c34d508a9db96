"""What to do about each stable error code: docs/errors.md is made of this and of the tables of codes."""

from __future__ import annotations

from typing import Final

from cds_service.decisions.model import TECHNICAL_CODES
from cds_service.hooks.errors import ERROR_CODES, ErrorKind
from cds_service.web.errors import status_by_version

_JSON: Final = ErrorKind.NOT_JSON
_INVALID: Final = ErrorKind.INVALID
_OPERATION: Final = ErrorKind.OPERATION
_TOKEN: Final = ErrorKind.UNAUTHENTICATED
_SYNCHRONISE: Final = "Set the clock of the client by a time server, and make a new token."

GUIDE: Final[dict[str, tuple[ErrorKind | int | str, str]]] = {
    "CDS-1001": (_JSON, "Send the hook request as the body of the POST."),
    "CDS-1002": (_JSON, "Send JSON in UTF-8; the message says where reading stopped."),
    "CDS-1003": (ErrorKind.TOO_LARGE, "Prefetch less, or raise `CDS_MAX_BODY_BYTES`."),
    "CDS-1004": (ErrorKind.TOO_DEEP, "Nothing in CDS Hooks or FHIR nests this deep: look at what made it."),
    "CDS-1005": (_INVALID, "Send a JSON object where the message names another kind of value."),
    "CDS-1010": (_INVALID, "Add the element that `expression` names."),
    "CDS-1011": (_INVALID, "Correct the element that `expression` names; the message says what is expected."),
    "CDS-1012": (_INVALID, "Call the service that discovery lists for this hook."),
    "CDS-1013": (_INVALID, "Call with FHIR R4 orders, from a FHIR R4 server."),
    "CDS-1014": (_INVALID, "Choose a drug on the order before it is signed."),
    "CDS-1015": (ErrorKind.TOO_LARGE, "Sign fewer orders at once, or raise `CDS_MAX_ORDERS`."),
    "CDS-1016": (_INVALID, "Give every order its own id."),
    "CDS-1017": (_INVALID, "Call only when there is an order; at least one entry must be an order resource."),
    "CDS-1018": (ErrorKind.TOO_LARGE, "Send the feedback in several calls."),
    "CDS-1019": (_INVALID, "Name an order of the patient whom the call is about."),
    "CDS-1020": (ErrorKind.VERSION_NOT_SUPPORTED, "Ask for a version that discovery lists, or for none."),
    "CDS-1021": (_INVALID, "Select only what stands in `context.draftOrders`, by type and id."),
    "CDS-1030": (ErrorKind.COVERAGE, "Prefetch the patient's active Coverage."),
    "CDS-1031": (
        ErrorKind.COVERAGE,
        "Call this service only for members of a payer on file; see that `Coverage.payor` carries the "
        "payer's identifier or name.",
    ),
    "CDS-1032": (ErrorKind.COVERAGE, "Name the Coverage meant in the order's `insurance`."),
    "CDS-1040": (
        ErrorKind.DATA_UNAVAILABLE,
        "Prefetch what the message names, or send `fhirServer` and `fhirAuthorization` to have it read.",
    ),
    "CDS-1041": (_INVALID, "Name an order that exists; the answer to its prefetch key does not hold it."),
    "CDS-1050": (
        ErrorKind.NOT_FOUND,
        "Call the hook again for the order and use the coverage-assertion-id or the link of that answer; ids "
        "and links live for `CDS_FORM_LIFETIME` and belong to the client that was given them.",
    ),
    "CDS-1051": (_INVALID, "Correct the item that `expression` names; the message says what is expected."),
    "CDS-1052": (ErrorKind.UNAVAILABLE, "Send it again later; the operator looks at the database."),
    "CDS-1100": (_TOKEN, "Send `Authorization: Bearer` with a JWT as CDS Hooks describes it."),
    "CDS-1101": (_TOKEN, "Send a signed JWT in its compact form."),
    "CDS-1102": (_TOKEN, "Sign with an algorithm that `CDS_JWT_ALGORITHMS` allows, with a key made for it."),
    "CDS-1103": (_TOKEN, "Have the client registered under exactly this `iss`."),
    "CDS-1104": (_TOKEN, "Publish the key in the registered key set; the header's `kid` must name it."),
    "CDS-1105": (_TOKEN, "Sign with the private key that belongs to the `kid` of the header."),
    "CDS-1106": (_TOKEN, "Send `iss`, `aud`, `exp`, `iat` and `jti` in the form the message asks."),
    "CDS-1107": (
        _TOKEN,
        "Put the address that is called into `aud`. Behind a proxy set `CDS_PUBLIC_BASE_URL` to the address "
        "clients use.",
    ),
    "CDS-1108": (_TOKEN, "Make a token for each call. " + _SYNCHRONISE),
    "CDS-1109": (_TOKEN, _SYNCHRONISE),
    "CDS-1110": (_TOKEN, "Let tokens live shorter than `CDS_JWT_MAX_LIFETIME`; minutes are enough."),
    "CDS-1111": (_TOKEN, "Make a token with a fresh `jti` for each call, also when repeating one."),
    "CDS-1112": (_TOKEN, "Leave `jku` out, or have its address registered."),
    "CDS-1113": (_TOKEN, "See that the registered address of the key set answers with a JWKS."),
    "CDS-1120": (ErrorKind.FORBIDDEN, "Ask the operator to enable the client."),
    "CDS-1121": (ErrorKind.FORBIDDEN, "Ask the operator to register the tenant for this client."),
    "CDS-1130": (
        ErrorKind.TOO_MANY,
        "Wait for as long as `Retry-After` says; `CDS_RATE_LIMIT` sets the limit.",
    ),
    "CDS-1140": (ErrorKind.UNAVAILABLE, "Call again with a new token; the operator looks at the database."),
    "CDS-1150": (_TOKEN, "Ask for an access token as `/.well-known/smart-configuration` says, and send it."),
    "CDS-1151": (_TOKEN, "Ask for a new access token; one lives for five minutes."),
    "CDS-1152": (ErrorKind.FORBIDDEN, "Ask for a token with the scope that the message names."),
    "CDS-1153": (ErrorKind.UNAVAILABLE, "Ask again later; the operator looks at the database."),
    "CDS-1210": (
        _OPERATION,
        "Say what a package is wanted for: an order, a questionnaire or an assertion id.",
    ),
    "CDS-1211": (ErrorKind.COVERAGE, "Send the Coverage of a member of a payer that is served here."),
    "CDS-1212": (ErrorKind.COVERAGE, "Send the Coverage that the coverage-information names."),
    "CDS-1213": (ErrorKind.NOT_FOUND, "Search for what is on file, or take the address from a package."),
    "CDS-1214": (ErrorKind.TOO_COSTLY, "Give a `filter`, or a smaller `count`."),
    "CDS-1216": (_OPERATION, "Use only what the CapabilityStatement lists."),
    "CDS-1217": ("warning", "Take the canonical from the coverage-information; it may be out of force."),
    "CDS-1218": ("warning", "Send what the card lists as needed to the payer; the message says how."),
    "CDS-1219": ("warning", "Send an order that names its drug, as for the hooks."),
    "CDS-1220": (
        _OPERATION,
        "Correct the parameter that `expression` names; the message says what it takes.",
    ),
    "CDS-1221": ("information", "No questionnaire applies to the order, or none has changed since then."),
    "CDS-1222": ("information", "Call the hook again: it decides with the chart, which is not sent here."),
    "CDS-1404": (404, "Take the address from discovery."),
    "CDS-1405": (405, "Use a method that the header `Allow` names."),
    "CDS-1406": (406, "Accept `application/json`, or `text/html` for pages."),
    "CDS-1413": (413, "Prefetch less, or raise `CDS_MAX_BODY_BYTES`."),
    "CDS-1415": (415, "Send `Content-Type: application/json`, without content encoding."),
    "CDS-1499": (400, "Look at the request as it was sent: HTTP itself found it wrong."),
    "CDS-1500": (500, "Tell the operator; the log names the place under this code."),
}

TECHNICAL_GUIDE: Final[dict[str, str]] = {
    "CDS-2001": "The log names library, definition and place. Correct the rule, or the data it fails on.",
    "CDS-2002": "The conclusion of a policy must be true, false or null: correct the rule.",
    "CDS-2003": "The log names the place. Report it with the shape of the order, without patient data.",
    "CDS-2004": "Prefetch the data, or see why the FHIR server did not give it in time: token, scope, speed.",
    "CDS-2005": "See why the database is down or slow, or fill the table of members; the log says which.",
    "CDS-2006": "Send `Coverage.status` as a code, and the sides of `Coverage.period` as FHIR dates.",
}


def documentation() -> str:
    """The text of docs/errors.md."""
    lines = [
        "# Error codes",
        "",
        "<!-- Made by `cds-service errors --write docs/errors.md`; do not edit by hand. -->",
        "",
        "Every error is a FHIR `OperationOutcome`: `issue.details.coding.code` is the code,",
        "`issue.details.text` says what is wrong and `issue.expression` where. Codes keep their meaning;",
        "search for one in the sources or in the log.",
        "",
        "| code | meaning | HTTP status | what to do |",
        "| --- | --- | --- | --- |",
    ]
    for code in sorted(ERROR_CODES):
        kind, advice = GUIDE[code]
        lines.append(f"| `{code}` | {ERROR_CODES[code]} | {_status(kind)} | {advice} |")
    lines += [
        "",
        "## Orders that could not be checked",
        "",
        "These leave the call answered with 200: the order's coverage information is `indeterminate`",
        "(CRD 2.2) or `conditional`, and its reason carries the code.",
        "",
        "| code | meaning | what to do |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| `{code}` | {TECHNICAL_CODES[code]} | {TECHNICAL_GUIDE[code]} |"
        for code in sorted(TECHNICAL_CODES)
    ]
    return "\n".join(lines) + "\n"


def _status(kind: ErrorKind | int | str) -> str:
    """The HTTP status; where CRD versions differ, each with its versions."""
    if isinstance(kind, int | str):
        return str(kind)
    versions: dict[int, list[str]] = {}
    for version, status in status_by_version(kind).items():
        versions.setdefault(status, []).append(version)
    if len(versions) == 1:
        return str(next(iter(versions)))
    return ", ".join(f"{status} (CRD {' and '.join(named)})" for status, named in versions.items())
