"""What trouble with the client's FHIR server means for a decision (CRD 2.2.1 resp-43, found-34)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cds_service.decisions.model import TECHNICAL_CODES, Determination, Outcome, Reason
from cds_service.hooks.errors import ErrorKind, RequestError

_CODE: Final = "CDS-2004"
_UNIDENTIFIED_PAYER: Final = "CDS-1031"


def after_trouble(
    determination: Determination, order: Mapping[str, Any], failed: frozenset[str]
) -> Determination:
    """The decision, or "indeterminate" when it is open only because a read of the EHR failed.

    `failed` are the types of resources that could not be read. What stands without them stands: an order
    that is covered, not covered, or whose setting is still unknown. An open criterion that read one of them
    is not the practice's to document: the answer is technical trouble.
    """
    missing = _behind(determination, order) & failed
    if not missing:
        return determination
    text = f"{TECHNICAL_CODES[_CODE]} Missing: {', '.join(sorted(missing))}. ({_CODE})"
    return determination._replace(
        outcome=Outcome.INDETERMINATE,
        reasons=(Reason(text, code="technical"),),
        asks=(),
        not_addressed=None,
        info_needed=("OTH",),
        allowed_quantity=None,
        technical_code=_CODE,
        site=None,
    )


def without_coverage(error: RequestError, failed: frozenset[str]) -> RequestError:
    """The error to raise: a payer whose Organization could not be read is missing data, not a wrong payer."""
    if error.code != _UNIDENTIFIED_PAYER or not failed & {"Organization", "Coverage"}:
        return error
    text = "The payer of the Coverage could not be read from the FHIR server, and was not in prefetch."
    return RequestError("CDS-1040", text, error.expressions, ErrorKind.DATA_UNAVAILABLE, error.version)


def _behind(determination: Determination, order: Mapping[str, Any]) -> frozenset[str]:
    """The types of resources that an open decision hangs on."""
    if determination.outcome is Outcome.DOCUMENTATION_NEEDED:
        read = frozenset().union(*(each.unavailable for each in determination.asks))
        reasons = {"Condition", "Observation"} if order.get("reasonReference") else frozenset()
        return read | {"Patient"} | reasons
    if determination.outcome is Outcome.NOT_ADDRESSED and order.get("medicationReference"):
        return frozenset({"Medication"})
    return frozenset()
