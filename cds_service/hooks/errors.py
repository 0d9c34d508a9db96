"""What can be wrong with a request, in the protocol's terms. Only `web` turns kinds into HTTP status."""

from __future__ import annotations

import enum
from typing import Final


class ErrorKind(enum.Enum):
    """The class of a request error; the HTTP status of each per CRD version stands in `web.errors`.

    Source: CRD "hooks" page, HTTP status codes; CDS Hooks 2.0, HTTP status codes.
    """

    NOT_JSON = "not-json"  # the body cannot be read as JSON at all
    TOO_LARGE = "too-large"  # more bytes or entries than this service accepts
    TOO_DEEP = "too-deep"  # nested deeper than this service accepts
    INVALID = "invalid"  # JSON, but not a valid CDS Hooks request or FHIR resource
    PROFILE = "profile"  # valid FHIR, but not what the CRD profiles ask for
    COVERAGE = "coverage"  # no usable Coverage, several, or a payer that is not served here
    DATA_UNAVAILABLE = "data-unavailable"  # needed data neither in prefetch nor queryable
    VERSION_NOT_SUPPORTED = "version-not-supported"  # davinci-crd.requestedVersion names another version
    UNKNOWN_SERVICE = "unknown-service"  # no CDS service of this id
    UNAUTHENTICATED = "unauthenticated"  # no token, or none that proves who calls
    FORBIDDEN = "forbidden"  # a proven caller that may not call
    TOO_MANY = "too-many"  # more calls than this client may make
    OPERATION = "operation"  # not what a FHIR operation or search takes
    NOT_FOUND = "not-found"  # nothing of this name is on file
    TOO_COSTLY = "too-costly"  # an answer larger than this service gives
    UNAVAILABLE = "unavailable"  # the service cannot tell at the moment; a later call may be answered


ERROR_CODES: Final[dict[str, str]] = {
    "CDS-1001": "The body is empty.",
    "CDS-1002": "The body is not JSON.",
    "CDS-1003": "The body is larger than this service accepts.",
    "CDS-1004": "The body is nested deeper than this service accepts.",
    "CDS-1005": "The JSON value is not an object.",
    "CDS-1010": "A required element is missing.",
    "CDS-1011": "An element has the wrong type or form.",
    "CDS-1012": "The hook of the request is not the hook of this service.",
    "CDS-1013": "A FHIR version that this service does not read (DSTU2 orders).",
    "CDS-1014": "A medication order names no medication.",
    "CDS-1015": "There are more orders than this service accepts in one request.",
    "CDS-1016": "The same order appears more than once.",
    "CDS-1017": "draftOrders holds no order.",
    "CDS-1018": "There is more feedback than this service accepts in one request.",
    "CDS-1019": "What should be an order is none, or belongs to another patient.",
    "CDS-1020": "The CRD version asked for is not supported.",
    "CDS-1021": "A selection names nothing in draftOrders.",
    "CDS-1030": "No Coverage in the request, and none can be queried.",
    "CDS-1031": "The payer of the Coverage cannot be identified or is not served here.",
    "CDS-1032": "Several Coverages, and the order does not say which one is meant.",
    "CDS-1040": "Required data is neither in prefetch nor can it be queried.",
    "CDS-1041": "An order that the context names does not exist where the client says it is.",
    "CDS-1050": "No documentation is asked for under this id or link, or no longer.",
    "CDS-1051": "The questionnaire response is not valid for its questionnaire.",
    "CDS-1052": "Documentation cannot be read or kept at the moment.",
    "CDS-1100": "A bearer token is needed: a JWT that a registered client signed.",
    "CDS-1101": "The bearer token is not a JWT that can be read.",
    "CDS-1102": "The token is signed with an algorithm that is not allowed here.",
    "CDS-1103": "The issuer of the token is not registered.",
    "CDS-1104": "The client has no key of the id that the token names.",
    "CDS-1105": "The signature of the token does not hold.",
    "CDS-1106": "A claim of the token is missing or has the wrong form.",
    "CDS-1107": "The token is not for this address (aud).",
    "CDS-1108": "The token has expired.",
    "CDS-1109": "The token is not valid yet; the clocks differ too much.",
    "CDS-1110": "The token is valid for too long.",
    "CDS-1111": "The token was used before; every call needs its own (jti).",
    "CDS-1112": "The token names another key set (jku) than the one registered.",
    "CDS-1113": "The keys of the client cannot be had at the moment.",
    "CDS-1120": "The client is registered, but not enabled.",
    "CDS-1121": "The tenant is not one the client is registered for.",
    "CDS-1130": "The client makes more calls than it may.",
    "CDS-1140": "Whether the token was used before cannot be told at the moment.",
    "CDS-1150": "An access token is needed; the token endpoint gives one to a registered client.",
    "CDS-1151": "The access token does not hold, or has expired.",
    "CDS-1152": "The access token does not allow this call (scope).",
    "CDS-1153": "Access tokens cannot be given or read at the moment.",
    "CDS-1210": "None of order, questionnaire and context is given.",
    "CDS-1211": "The Coverage is that of no member.",
    "CDS-1212": "The Coverage is not the one that the decision is about.",
    "CDS-1213": "Nothing of this address is on file.",
    "CDS-1214": "The expansion is larger than this service gives.",
    "CDS-1216": "A parameter is not supported here.",
    "CDS-1217": "The questionnaire that was asked for is not on file.",
    "CDS-1218": "Documentation is needed, and there is no questionnaire for it.",
    "CDS-1219": "The order cannot be read, so that no questionnaire can be chosen for it.",
    "CDS-1220": "What the operation takes is missing, or has the wrong form.",
    "CDS-1221": "Nothing is to be filled in.",
    "CDS-1222": "The order has changed since its coverage was decided.",
    "CDS-1404": "No such address.",
    "CDS-1405": "The address does not support this method.",
    "CDS-1406": "The address does not offer the asked representation.",
    "CDS-1413": "The body is larger than the server accepts.",
    "CDS-1415": "The content type is not JSON.",
    "CDS-1499": "Another error of the request.",
    "CDS-1500": "An error inside this service.",
}


class RequestError(Exception):
    """A request that cannot be answered, and why.

    `code` is a key of ERROR_CODES and stable; `expressions` are FHIRPath-like paths from the root of
    the request ("context.draftOrders.entry[0].resource"); `version` is the CRD version of the exchange
    when it was known by then; `retry_after` the seconds after which the same call may be answered. The
    message names elements, never their content (it may be PHI).
    """

    def __init__(
        self,
        code: str,
        message: str,
        expressions: tuple[str, ...] = (),
        kind: ErrorKind = ErrorKind.INVALID,
        version: str | None = None,
    ) -> None:
        if code not in ERROR_CODES:
            raise ValueError(f"unknown error code {code}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.expressions = expressions
        self.kind = kind
        self.version = version
        self.retry_after: int | None = None
