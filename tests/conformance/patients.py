"""Seeded patients and orders for the differential test: complete, partial, late and unreadable data."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from cds_service.cql.values.clinical import Code
from cds_service.cql.values.temporal import Date

ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_STATUS_SYSTEM = "http://terminology.hl7.org/CodeSystem/condition-"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pools:
    """The codes from which patients are made, by system: all that the rules mention, and each value set's."""

    codes: Mapping[str, Sequence[str]]
    themes: Sequence[Mapping[str, Sequence[str]]]


# Right, convertible, wrong and calendar units. All are UCUM: cql-execution raises on what is not, where our
# engine says that such a quantity compares with nothing.
UNITS = ("kg/m2", "kg/m2", "kg/m2", "kg/m2", "g/m2", "mg", "[lb_av]", "%", "cm", "a", "{score}")


@dataclass(frozen=True, slots=True)
class PatientCase:
    """One patient's resources (the Patient first) and the facts of one order."""

    number: int
    resources: tuple[Json, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def generate(number: int, pools: Pools) -> PatientCase:
    """The patient of a number: the same one on every machine."""
    return _Generator(random.Random(number), pools).case(number)


class _Generator:
    def __init__(self, source: random.Random, pools: Pools) -> None:
        self.random = source
        self.pools = pools
        self.themes = source.sample(range(len(pools.themes)), min(2, len(pools.themes)))
        self.service = date(2024, 1, 1) + timedelta(days=source.randrange(900))

    def case(self, number: int) -> PatientCase:
        makers = {
            "Condition": self.condition,
            "Observation": self.observation,
            "MedicationRequest": self.medication_request,
            "MedicationStatement": self.medication_statement,
            "AllergyIntolerance": self.allergy,
            "Procedure": self.procedure,
            "Encounter": self.encounter,
        }
        resources = [self.patient()]
        for resource_type, make in makers.items():
            for index in range(self.random.choice((0, 0, 1, 1, 2, 3, 5))):
                content = {"resourceType": resource_type, "id": f"{resource_type.lower()}-{index}", **make()}
                resources.append({key: value for key, value in content.items() if value is not None})
        return PatientCase(number, tuple(resources), self.parameters())

    # -- small parts

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def maybe(self, value: Any, share: float = 0.8) -> Any:
        return value if self.chance(share) else None

    def day(self) -> date:
        """Mostly shortly before the service, sometimes on that day, long before or after it."""
        offset = self.random.choice((0, 0, -1, 1, -30, -90, -180, -365, -366, -730, 7, 60, 400))
        return self.service + timedelta(days=offset + self.random.choice((0, 0, 0, -3, 3)))

    def date_text(self) -> str:
        """A FHIR dateTime of any precision, sometimes one that is none."""
        if self.chance(0.03):
            return self.random.choice(("2024-13-45", "2024-02-30", "unknown", "20240101", "2024-1-5"))
        day = self.day().isoformat()
        times = ("", "", "", "T08:30:00Z", "T23:59:59.5-05:00", "T00:00:00+02:00", "T12:00:00.000Z")
        return self.random.choice((day[:4], day[:7], *(day + time for time in times)))

    def instant(self) -> str:
        return f"{self.day().isoformat()}T{self.random.randrange(24):02}:15:00Z"

    def period(self) -> Json:
        start, end = sorted((self.day(), self.day()))
        if self.chance(0.04):
            start, end = end, start
        return {
            key: value
            for key, value in (
                ("start", self.maybe(start.isoformat())),
                ("end", self.maybe(end.isoformat(), 0.6)),
            )
            if value
        } or {"start": start.isoformat()}

    def coding(self, *systems: str) -> Json:
        system = self.random.choice(systems)
        themed = [code for theme in self.themes for code in self.pools.themes[theme].get(system, ())]
        mentioned = themed if themed and self.chance(0.6) else self.pools.codes.get(system)
        code = self.random.choice(mentioned or ("Z99.9",))
        if system == ICD10CM and self.chance(0.2):
            code = f"{code}{'' if '.' in code else '.'}{self.random.randrange(10)}"
        if self.chance(0.15):
            code = self.random.choice(("Z00.00", "271649006", "8480-6", "0000", ""))
        coding: Json = {"system": system, "code": code, "display": "as the client calls it"}
        for key, share in (("display", 0.5), ("system", 0.04), ("code", 0.03)):
            if self.chance(share):
                del coding[key]
        return coding

    def concept(self, *systems: str) -> Json:
        concept: Json = {
            "coding": [self.coding(*systems) for _ in range(self.random.choice((1, 1, 1, 2, 0)))]
        }
        if not concept["coding"]:
            del concept["coding"]
        if not concept or self.chance(0.3):
            concept["text"] = "free text"
        return concept

    def status(self, kind: str, *codes: str) -> Json | str | None:
        """A concept; sometimes only the code, as FHIR had it before R4."""
        code = self.random.choice(codes)
        if self.chance(0.03):
            return code
        status: Json = {"coding": [{"system": _STATUS_SYSTEM + kind, "code": code}]}
        return status if self.chance(0.85) else None

    def quantity(self) -> Json:
        quantity: Json = {
            "value": self.random.choice((40, 40.0, 40.1, 39.9, 38.65, 18, 25.5, 0, 4010, 40000, -1))
        }
        unit = self.random.choice(UNITS)
        if self.chance(0.85):
            quantity["unit"] = unit
        if self.chance(0.7):
            quantity |= {"system": "http://unitsofmeasure.org", "code": unit}
        for key, value, share in (
            ("comparator", self.random.choice(("<", ">=", ">")), 0.06),
            ("system", "http://snomed.info/sct", 0.04),
        ):
            if self.chance(share):
                quantity[key] = value
        if self.chance(0.05):
            del quantity["value"]
        return quantity

    # -- resources

    def patient(self) -> Json:
        birthday = self.service.replace(
            year=self.service.year - self.random.choice((0, 5, 18, 18, 19, 40, 64, 90)), day=15
        )
        birthday += timedelta(days=self.random.choice((-20, -1, 0, 1, 20, self.service.day - 15)))
        text = birthday.isoformat()
        birth = self.random.choice((text, text, text, text[:4], text[:7], None))
        patient: Json = {
            "resourceType": "Patient",
            "id": "p",
            "gender": self.random.choice(("female", "male", "other")),
        }
        if birth:
            patient["birthDate"] = birth
        elif self.chance(0.5):
            reason = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
            patient["_birthDate"] = {"extension": [{"url": reason, "valueCode": "unknown"}]}
        return patient

    def condition(self) -> Json:
        condition: Json = {
            "clinicalStatus": self.status(
                "clinical", "active", "active", "recurrence", "relapse", "resolved", "inactive"
            ),
            "verificationStatus": self.status(
                "ver-status",
                "confirmed",
                "confirmed",
                "refuted",
                "entered-in-error",
                "provisional",
                "unknown",
            ),
            "code": self.maybe(self.concept(ICD10CM, ICD10CM, SNOMED), 0.95),
            "recordedDate": self.maybe(self.date_text(), 0.5),
        }
        onset = self.random.choice(
            ("onsetDateTime", "onsetDateTime", "onsetPeriod", "onsetAge", "onsetString", None)
        )
        if onset:
            condition[onset] = {
                "onsetDateTime": self.date_text(),
                "onsetPeriod": self.period(),
                "onsetAge": {
                    "value": 40,
                    "unit": "years",
                    "system": "http://unitsofmeasure.org",
                    "code": "a",
                },
                "onsetString": "as a child",
            }[onset]
        if self.chance(0.15):
            condition["abatementDateTime"] = self.date_text()
        return condition

    def observation(self) -> Json:
        observation: Json = {
            "status": self.random.choice(
                ("final", "final", "amended", "corrected", "preliminary", "entered-in-error", None)
            ),
            "code": self.concept(LOINC) if self.chance(0.97) else None,
        }
        effective = self.random.choice(
            ("effectiveDateTime",) * 4 + ("effectivePeriod", "effectiveInstant", None)
        )
        if effective:
            observation[effective] = {
                "effectiveDateTime": self.date_text(),
                "effectivePeriod": self.period(),
                "effectiveInstant": self.instant(),
            }[effective]
        value = self.random.choice(
            ("valueQuantity",) * 6 + ("valueString", "valueCodeableConcept", "valueInteger", None)
        )
        if value:
            observation[value] = {
                "valueQuantity": self.quantity(),
                "valueString": "40 kg/m2",
                "valueCodeableConcept": self.concept(SNOMED),
                "valueInteger": 40,
            }[value]
        return observation

    def medication_request(self) -> Json:
        return {
            "status": self.random.choice(("active", "completed", "stopped", "entered-in-error", "draft")),
            "intent": self.random.choice(("order", "plan")),
            "medicationCodeableConcept": self.maybe(self.concept(RXNORM), 0.9),
            "authoredOn": self.maybe(self.date_text()),
        }

    def medication_statement(self) -> Json:
        statement: Json = {
            "status": self.random.choice(("active", "completed", "not-taken", "entered-in-error", "unknown")),
            "medicationCodeableConcept": self.maybe(self.concept(RXNORM), 0.9),
        }
        effective = self.random.choice(("effectiveDateTime", "effectivePeriod", None))
        if effective:
            statement[effective] = self.date_text() if effective == "effectiveDateTime" else self.period()
        return statement

    def allergy(self) -> Json:
        return {
            "clinicalStatus": self.maybe({"coding": [{"code": self.random.choice(("active", "resolved"))}]}),
            "code": self.maybe(self.concept(RXNORM, SNOMED), 0.95),
            "recordedDate": self.maybe(self.date_text(), 0.5),
        }

    def procedure(self) -> Json:
        performed = self.random.choice(("performedDateTime", "performedPeriod"))
        return {
            "status": self.random.choice(("completed", "in-progress", "not-done", "entered-in-error")),
            "code": self.maybe(self.concept(SNOMED, ICD10CM), 0.95),
            performed: self.date_text() if performed == "performedDateTime" else self.period(),
        }

    def encounter(self) -> Json:
        act = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
        return {
            "status": self.random.choice(("in-progress", "finished", "cancelled")),
            "class": {"system": act, "code": self.random.choice(("AMB", "IMP", "EMER", "HH", "ACUTE"))},
            "period": self.maybe(self.period()),
        }

    # -- the order

    def codes(self, *systems: str) -> list[Code] | None:
        if self.chance(0.1):
            return None
        codings = [self.coding(*systems) for _ in range(self.random.choice((0, 1, 1, 2, 3)))]
        return list(dict.fromkeys(Code(coding.get("code", "x"), coding.get("system")) for coding in codings))

    def decimal(self, *choices: str) -> Decimal | None:
        return None if self.chance(0.2) else Decimal(self.random.choice(choices))

    def parameters(self) -> dict[str, Any]:
        """The order's facts, as `orders/parameters.py` names them."""
        others = [system for system in self.pools.codes if system not in (ICD10CM, SNOMED, LOINC, RXNORM)]
        return {
            "Service date": None if self.chance(0.02) else Date.from_python(self.service),
            "Indication codes": self.codes(ICD10CM, ICD10CM, ICD10CM, SNOMED),
            "Indication is coded": self.random.choice((True, True, True, False, None)),
            "Indication is coded in ICD-10-CM": self.random.choice((True, True, True, False, None)),
            "Hospitalized": self.random.choice((True, False, None)),
            "Ordered amount": self.decimal("1", "36", "36.5", "37", "12", "72", "0.5", "120"),
            "Ordered unit": self.random.choice(("tablet", "TABLET", "{tbl}", "mL", "mg", "", None)),
            "Supply hours": self.decimal("72", "24", "48", "73", "720", "1"),
            "Maximum per hour": self.decimal("0.5", "1", "0.51", "0.1", "12"),
            "Route codes": self.codes(SNOMED),
            "Setting codes": self.codes(*(others or [SNOMED])),
            "Site codes": self.codes(*(others or [SNOMED])),
            "Site affiliation codes": self.codes(*(others or [SNOMED])),
            "Site affiliation is known": self.random.choice((True, True, False, None)),
            "Encounter site codes": self.codes(*(others or [SNOMED])),
            "Product": self.random.choice(("dsuvia", "macrilen", "defitelio", "unknown", None)),
            "Billing codes": self.codes(*(others or [SNOMED])),
            "Line of business": self.random.choice(("commercial", "medicare", "fep", "group-policy", None)),
            "Service is excluded by the plan": self.random.choice((True, False, False, None)),
        }
