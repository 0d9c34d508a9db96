"""What a client asks of $questionnaire-package, read from its Parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cds_service.dtr.versions import DtrVersion
from cds_service.fhir.references import reference_to
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import RequestLimits
from cds_service.web.fhir_parameters import Parameters, Resource, wrong

Placed = tuple[tuple[str, Resource], ...]
"""Resources, each with its place in the body."""

MOST_QUESTIONNAIRES: Final = 100

_LONGEST_CONTEXT: Final = 255
_ORDERS: Final = frozenset(
    {
        *("Appointment", "CommunicationRequest", "DeviceRequest", "Encounter", "ImmunizationRecommendation"),
        *("MedicationRequest", "NutritionOrder", "ServiceRequest", "SupplyRequest", "VisionPrescription"),
    }
)
"""DTR 2.0.1 and 2.2.0, dtr-qpackage-input-parameters, slice order."""


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """What a package is asked for, by the names of the parameters."""

    coverages: Placed
    orders: Placed
    referenced: tuple[Resource, ...]
    questionnaires: tuple[tuple[str, str], ...]  # place, canonical
    context: str | None
    changed_since: datetime | None


def read_package_request(
    parameters: Parameters, version: DtrVersion, limits: RequestLimits
) -> PackageRequest:
    """Read the parameters; raises RequestError for what is missing or has the wrong form.

    Nothing is required but what the profiles require, and the coverage not where a context tells it.
    """
    context = parameters.text("context", "String")
    if context is not None and len(context[1]) > _LONGEST_CONTEXT:
        raise wrong(context[0], f"The parameter context is longer than {_LONGEST_CONTEXT} characters.")
    coverages = _of_type(parameters, "coverage", frozenset({"Coverage"}))
    orders = _of_type(parameters, "order", _ORDERS)
    questionnaires = tuple(parameters.texts("questionnaire", "Canonical", "Uri", "Url"))
    if context is None and not orders and not questionnaires:
        text = "One of the parameters order, questionnaire and context is needed (dtr-1)."
        raise RequestError("CDS-1210", text, ("Parameters.parameter",), ErrorKind.OPERATION)
    if not coverages and context is None:
        raise wrong("Parameters.parameter", "The parameter coverage is missing.")
    if len(coverages) > 1 and not version.many_coverages:
        raise wrong(coverages[1][0], "The parameter coverage may be given only once.")
    for found, most in ((orders, limits.max_orders), (questionnaires, MOST_QUESTIONNAIRES)):
        if len(found) > most:
            raise RequestError(
                "CDS-1015", f"There are more than {most}.", (found[most][0],), ErrorKind.TOO_LARGE
            )
    return PackageRequest(
        coverages,
        _distinct(orders),
        tuple(resource for _, resource in parameters.resources("referenced")),
        questionnaires,
        context[1] if context is not None else None,
        _moment(parameters),
    )


def _of_type(parameters: Parameters, name: str, kinds: frozenset[str]) -> Placed:
    found = tuple(parameters.resources(name))
    for place, resource in found:
        if resource["resourceType"] not in kinds:
            raise wrong(place, f"The parameter {name} must be one of {', '.join(sorted(kinds))}.")
    return found


def _distinct(orders: Sequence[tuple[str, Resource]]) -> Placed:
    """Each order once: one with the type and id of an earlier one is that one."""
    named: dict[str, tuple[str, Resource]] = {}
    for position, (place, order) in enumerate(orders):
        name = reference_to(order) if order.get("id") else f"#{position}"
        named.setdefault(name, (place, order))
    return tuple(named.values())


def _moment(parameters: Parameters) -> datetime | None:
    """`changedsince`: an instant by the profile, a dateTime by the operation definition of 2.0.1."""
    given = parameters.text("changedsince", "Instant", "DateTime")
    if given is None:
        return None
    place, text = given
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise wrong(place, "The parameter changedsince must be an instant.") from None
    if moment.tzinfo is None:
        raise wrong(place, "The parameter changedsince must be an instant with a time zone.")
    return moment
