"""The date of service: it picks the policy version (design section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from cds_service.fhir import reads
from cds_service.fhir.index import Resource
from cds_service.orders.model import ServiceDate, ServiceDateBasis

# Clients send a date after every keystroke ("0002-06-01"). No order is older, or planned farther ahead.
_YEARS_BACK = 30
_YEARS_AHEAD = 10
_MOST_NOTES = 10  # about dates of one order


def read_service_date(
    order: Resource, today: date, booked: object = None
) -> tuple[ServiceDate, tuple[str, ...]]:
    """The date of service with the element it came from, and sentences about dates that were ignored.

    The day that an appointment is `booked` for, else the start of a ServiceRequest's occurrence, else the
    earliest start of the dosage timing, else the start of the dispense validity period, else authoredOn, else
    `today`. Partial, unreadable and absurd dates are passed over.
    """
    notes: list[str] = []
    for basis, element, values in (
        (ServiceDateBasis.APPOINTMENT, "Appointment.start", iter((booked,))),
        (ServiceDateBasis.OCCURRENCE, "occurrence", _occurrence_starts(order)),
        (ServiceDateBasis.DOSAGE_TIMING, "dosageInstruction.timing", _timing_starts(order)),
        (ServiceDateBasis.DISPENSE_VALIDITY, "dispenseRequest.validityPeriod.start", _validity_start(order)),
        (ServiceDateBasis.AUTHORED_ON, "authoredOn", iter((order.get("authoredOn"),))),
    ):
        usable: list[date] = []
        for value in values:
            if value is None:
                continue
            found = reads.full_date(value)
            if found is None or not today.year - _YEARS_BACK <= found.year <= today.year + _YEARS_AHEAD:
                if len(notes) >= _MOST_NOTES:
                    continue
                shown = repr(value[:20]) if isinstance(value, str) else "a value"
                notes.append(f"{element} holds {shown}, which is no usable date, and was ignored.")
            else:
                usable.append(found)
        if usable:
            return ServiceDate(min(usable), basis), tuple(notes)
    return ServiceDate(today, ServiceDateBasis.DAY_OF_CALL), tuple(notes)


def _occurrence_starts(order: Resource) -> Iterator[Any]:
    yield order.get("occurrenceDateTime")
    yield reads.first(order.get("occurrencePeriod")).get("start")
    yield from _starts(order.get("occurrenceTiming"))


def _timing_starts(order: Resource) -> Iterator[Any]:
    for dosage in reads.objects(order.get("dosageInstruction")):
        yield from _starts(dosage.get("timing"))


def _starts(timings: object) -> Iterator[Any]:
    for timing in reads.objects(timings):
        events = timing.get("event")
        yield from events if isinstance(events, list) else [events]
        for repeat in reads.objects(timing.get("repeat")):
            yield reads.first(repeat.get("boundsPeriod")).get("start")


def _validity_start(order: Resource) -> Iterator[Any]:
    for dispense in reads.objects(order.get("dispenseRequest")):
        yield reads.first(dispense.get("validityPeriod")).get("start")
