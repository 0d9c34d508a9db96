"""How much is ordered, for how long, and how fast it may be used. Exact decimals, hours throughout."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cds_service.fhir import reads
from cds_service.fhir.index import Resource
from cds_service.orders.model import OrderedQuantity

# Hours per UCUM time unit and its spellings (UCUM: a month is 30.4375 days, a year 365.25).
_HOURS: Mapping[str, Decimal] = {
    unit: hours
    for spellings, hours in (
        (("s", "sec", "second", "seconds"), Decimal(1) / 3600),
        (("min", "minute", "minutes"), Decimal(1) / 60),
        (("h", "hr", "hour", "hours"), Decimal(1)),
        (("d", "day", "days"), Decimal(24)),
        (("wk", "week", "weeks"), Decimal(168)),
        (("mo", "month", "months"), Decimal("730.5")),
        (("a", "y", "year", "years"), Decimal(8766)),
    )
    for unit in spellings
}


def read_quantity(order: Resource) -> OrderedQuantity:
    """Ordered amount with refills, hours of supply, and the most that the instructions allow per hour.

    FHIR R4 MedicationRequest.dispenseRequest and Dosage. What is missing or unreadable is None; a rate in
    another unit than the amount is left out.
    """
    dispense = reads.first(order.get("dispenseRequest"))
    quantity = reads.amount(dispense.get("quantity"))
    dosages = reads.objects(order.get("dosageInstruction"))
    amount = _positive(quantity.value) if quantity is not None else None
    unit = quantity.unit if quantity is not None else None
    repeats = 1 + _whole(dispense.get("numberOfRepeatsAllowed"))
    supply = hours_of(dispense.get("expectedSupplyDuration")) if dispense else None
    if supply is None:
        supply = _bounds(dosages)
    else:
        supply *= repeats
    rate_unit, rate = _fastest(dosages)
    if unit is None:
        unit = rate_unit
    return OrderedQuantity(
        amount=amount * repeats if amount is not None else None,
        unit=unit,
        supply_hours=supply,
        maximum_per_hour=rate if _same_unit(unit, rate_unit) else None,
    )


def hours_of(value: object) -> Decimal | None:
    """A FHIR Duration in hours; None when its unit is no unit of time."""
    found = reads.amount(value)
    if found is None or not isinstance(value, dict):
        return None
    for unit in (value.get("code"), value.get("unit")):
        hours = _HOURS.get(unit.strip().lower()) if isinstance(unit, str) else None
        if hours is not None:
            return _positive(found.value * hours)
    return None


def _positive(value: Decimal) -> Decimal | None:
    return value if value > 0 else None


def _whole(value: object) -> int:
    found = reads.number(value)
    return int(found) if found is not None and 0 <= found <= 1000 else 0


def _same_unit(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one.strip().lower() == other.strip().lower()


def _bounds(dosages: list[Mapping[str, Any]]) -> Decimal | None:
    """Hours of the dosage's bounds; None unless all dosages that have any agree."""
    found: set[Decimal] = set()
    for dosage in dosages:
        repeat = _repeat(dosage)
        hours = hours_of(repeat.get("boundsDuration"))
        if hours is None:
            start, end = reads.period(repeat.get("boundsPeriod"))
            if start is not None and end is not None and end >= start:
                hours = Decimal(((end - start).days + 1) * 24)
        if hours is not None:
            found.add(hours)
    return found.pop() if len(found) == 1 else None


def _repeat(dosage: Mapping[str, Any]) -> Mapping[str, Any]:
    return reads.first(reads.first(dosage.get("timing")).get("repeat"))


def _fastest(dosages: list[Mapping[str, Any]]) -> tuple[str | None, Decimal | None]:
    """Unit and amount per hour that the dosages allow together; None when any of them does not say."""
    unit: str | None = None
    total = Decimal(0)
    for dosage in dosages:
        found = _declared_maximum(dosage) or _scheduled(dosage)
        if found is None or (unit is not None and not _same_unit(unit, found[0])):
            return None, None
        unit = found[0]
        total += found[1]
    return (unit, total) if unit is not None else (None, None)


def _declared_maximum(dosage: Mapping[str, Any]) -> tuple[str, Decimal] | None:
    """maxDosePerPeriod: so much per so long (FHIR R4 Dosage; a list in R5)."""
    ratio = reads.first(dosage.get("maxDosePerPeriod"))
    dose, hours = reads.amount(ratio.get("numerator")), hours_of(ratio.get("denominator"))
    if dose is None or dose.unit is None or hours is None or dose.value <= 0:
        return None
    return dose.unit, dose.value / hours


def _scheduled(dosage: Mapping[str, Any]) -> tuple[str, Decimal] | None:
    """Largest dose times highest frequency over shortest period of the timing."""
    repeat = _repeat(dosage)
    frequency = reads.number(repeat.get("frequencyMax")) or reads.number(repeat.get("frequency"))
    if frequency is None and repeat.get("period") is not None:
        frequency = Decimal(1)  # FHIR R4 Timing: once per period unless said otherwise
    period = reads.number(repeat.get("period"))
    unit = repeat.get("periodUnit")
    hours = _HOURS.get(unit.strip().lower()) if isinstance(unit, str) else None
    dose = _largest_dose(dosage)
    if dose is None or dose.unit is None or frequency is None or period is None or hours is None:
        return None
    if dose.value <= 0 or frequency <= 0 or period <= 0:
        return None
    return dose.unit, dose.value * frequency / (period * hours)


def _largest_dose(dosage: Mapping[str, Any]) -> reads.Amount | None:
    for part in (*reads.objects(dosage.get("doseAndRate")), dosage):  # inline in STU3
        dose = reads.amount(part.get("doseQuantity"))
        if dose is None:
            dose = reads.amount(reads.first(part.get("doseRange")).get("high"))
        if dose is not None:
            return dose
    return None
