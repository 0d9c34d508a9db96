"""The order's facts as the CQL parameters that `common/OrderFacts.cql` declares."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cds_service.cql.values.clinical import Code
from cds_service.cql.values.temporal import Date
from cds_service.fhir.codes import Coding
from cds_service.orders.model import DrugOrder, PatientStatus

_HOSPITALIZED = {PatientStatus.INPATIENT: True, PatientStatus.OUTPATIENT: False, PatientStatus.UNKNOWN: None}
_CQL_DECIMAL = Decimal("1E-8")  # CQL 1.5: at most eight decimals


def order_parameters(order: DrugOrder) -> dict[str, Any]:
    """Parameter values by name; None where the order does not say. Decimals are in CQL's precision."""
    indication, quantity, coverage = order.indication, order.quantity, order.coverage
    return {
        "Service date": Date.from_python(order.service_date.date),
        "Indication codes": _codes(indication.codes),
        "Indication is coded": indication.is_coded,
        "Indication is coded in ICD-10-CM": indication.in_icd10cm,
        "Hospitalized": _HOSPITALIZED[order.setting.patient_status],
        "Ordered amount": _decimal(quantity.amount),
        "Ordered unit": quantity.unit,
        "Supply hours": _decimal(quantity.supply_hours),
        "Maximum per hour": _decimal(quantity.maximum_per_hour),
        "Route codes": _codes(order.route),
        "Setting codes": _codes(order.setting.codes),
        "Site codes": _codes(order.setting.site_codes),
        "Site affiliation codes": _codes(order.setting.affiliation_codes),
        "Site affiliation is known": order.setting.affiliation_known,
        "Encounter site codes": _codes(order.setting.encounter_site_codes),
        "Product": order.drug.product,
        "Billing codes": _codes(each for each in order.drug.codings if each.code in order.drug.billing_codes),
        "Line of business": coverage.line_of_business,
        "Service is excluded by the plan": coverage.service_excluded,
    }


def _codes(codings: Iterable[Coding]) -> list[Code]:
    return [Code(code, system or None, None, display) for system, code, display in codings]


def _decimal(value: Decimal | None) -> Decimal | None:
    """At most eight decimals; a value with fewer keeps its own: reasons read "72", not "72.00000000"."""
    if value is None:
        return None
    cut = value.quantize(_CQL_DECIMAL, ROUND_HALF_UP)
    return value if value == cut else cut
