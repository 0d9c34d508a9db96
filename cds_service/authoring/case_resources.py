"""FHIR R4 resources from the compact words of a golden case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cds_service.authoring.case_sites import organizations
from cds_service.policies.model import Payer

Facts = Mapping[str, Any]
Resource = dict[str, Any]

_UCUM = "http://unitsofmeasure.org"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_SHORT_NAMES = {"icd10": "icd10cm", "role": "role-code"}  # words whose code system has another id
# What FHIR asks for and the case leaves out.
_ABSENT = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}
_NOT_CODES = ("display", "text", "system", "code")


class UnknownName(Exception):  # noqa: N818 - reads as what it is
    """The case names a drug, payer or code system that the catalogue does not hold."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the words of a case stand for.

    `systems` maps code-system ids to URIs, `products` the catalogue's drug ids to the CodeableConcept that
    orders them: the first product code (the brand as text where there is none) and the billing code.
    """

    systems: Mapping[str, str]
    products: Mapping[str, Mapping[str, Any]]
    payers: Mapping[str, Payer]


def patient(facts: Facts) -> Resource:
    """The patient, always "pat-1"."""
    resource: Resource = {"resourceType": "Patient", "id": "pat-1", "gender": facts.get("gender")}
    resource["birthDate"] = _date(facts.get("birth_date"))
    return _present(resource)


def encounter(facts: Facts, vocabulary: Vocabulary) -> list[Resource]:
    """The encounter of the order, always "enc-1", and its location, if any; `class` is a v3 ActCode."""
    resource = _present(
        {
            "resourceType": "Encounter",
            "id": "enc-1",
            "status": facts.get("status", "in-progress"),
            "class": _coding("v3-ActCode", facts["class"]) if "class" in facts else _ABSENT,
            "subject": {"reference": "Patient/pat-1"},
            "reasonCode": [concept(each, vocabulary) for each in facts.get("reason", ())],
            "period": _present({"start": _date(facts.get("start")), "end": _date(facts.get("end"))}),
        }
    )
    above: list[Resource] = []
    if "service_provider" in facts:
        resource["serviceProvider"] = {"reference": "Organization/provider-1"}
        above = organizations(facts["service_provider"], "provider-1", vocabulary.systems)
    if "location" not in facts:
        return [resource, *above]
    resource["location"] = [{"location": {"reference": "Location/loc-1"}}]
    kind = concept(facts["location"], vocabulary)
    return [resource, {"resourceType": "Location", "id": "loc-1", "type": [kind]}, *above]


def coverage(facts: Facts, vocabulary: Vocabulary) -> tuple[Resource, Resource]:
    """The coverage "cov-1" and its payer's organization. The only payer of the catalogue is the default."""
    name = facts.get("payer") or next(iter(vocabulary.payers), "")
    payer = vocabulary.payers.get(name)
    if payer is None:
        raise UnknownName(f"coverage.payer: no payer {name!r} in the catalogue")
    identifiers = [{"system": system, "value": value} for system, value in payer.identifiers[:1]]
    organization = {
        "resourceType": "Organization",
        "id": "payer-1",
        "identifier": identifiers,
        "name": payer.aliases[0] if payer.aliases else payer.label,
    }
    resource = {
        "resourceType": "Coverage",
        "id": "cov-1",
        "status": facts.get("status", "active"),
        "beneficiary": {"reference": "Patient/pat-1"},
        "subscriberId": facts.get("member", "member-1"),
        "payor": [{"reference": "Organization/payer-1"}],
        **_line_of_business(facts, payer, vocabulary),
    }
    return _present(resource), _present(organization)


def _line_of_business(facts: Facts, payer: Payer, vocabulary: Vocabulary) -> Resource:
    """Coverage.type and Coverage.class: as the case says, or the first sign of the product line it names."""
    kind = concept(facts["type"], vocabulary) if "type" in facts else None
    classes = [
        _present({"type": _concept_of("coverage-class", key), "value": value, "name": facts.get("plan_name")})
        for key in ("plan", "group")
        if (value := facts.get(key)) is not None
    ]
    if "line_of_business" in facts:
        named = facts["line_of_business"]
        line = next((each for each in payer.product_lines if each.id == named), None)
        if line is None:
            raise UnknownName(f"coverage.line_of_business: {payer.id} has no product line {named!r}")
        if line.coverage_types:
            system, code = min(line.coverage_types)
            kind = {"coding": [{"system": system, "code": code}]}
        elif line.names:
            kind = {"text": " ".join(min(line.names))}
        for key, value in sorted(line.classes)[:1]:
            classes.append({"type": _concept_of("coverage-class", key), "value": value})
    return {"type": kind, "class": classes or None}


def order(facts: Facts, vocabulary: Vocabulary, *, in_encounter: bool) -> tuple[Resource, list[Resource]]:
    """The medication order "order-1"; the condition that is its reason and the place named on it, if any."""
    reasons: list[Resource] = []
    reference = None
    if "reason_condition" in facts:
        reference = [{"reference": "Condition/reason-1"}]
        if not facts["reason_condition"].get("missing"):
            reasons = [_reason_condition(facts["reason_condition"], vocabulary)]
    if "performer" in facts:
        reasons += organizations(facts["performer"], "site-1", vocabulary.systems)
    resource = {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "status": facts.get("status", "draft"),
        "intent": "order",
        "category": _category(facts.get("category")),
        "medicationCodeableConcept": _drug(facts, vocabulary),
        "subject": {"reference": "Patient/pat-1"},
        "encounter": {"reference": "Encounter/enc-1"} if in_encounter else None,
        "authoredOn": _date(facts.get("written")),
        "reasonCode": [concept(each, vocabulary) for each in facts.get("reason", ())],
        "reasonReference": reference,
        "insurance": [{"reference": "Coverage/cov-1"}],
        "dosageInstruction": _dosage(facts, vocabulary),
        "dispenseRequest": _dispense(facts),
    }
    return _present(resource), reasons


def condition(facts: Facts, number: int, vocabulary: Vocabulary) -> Resource:
    """A problem of the chart; confirmed and active unless the case says otherwise (null: not stated)."""
    return _condition(f"cond-{number}", facts, facts.get("verification", "confirmed"), vocabulary)


def observation(facts: Facts, number: int, vocabulary: Vocabulary) -> Resource:
    """A measurement "obs-N", final unless said otherwise; a number with its unit is a Quantity."""
    return _present(
        {
            "resourceType": "Observation",
            "id": f"obs-{number}",
            "status": facts.get("status", "final"),
            "code": concept(facts, vocabulary),
            "subject": {"reference": "Patient/pat-1"},
            "effectiveDateTime": _date(facts.get("date")),
            **_value(facts, vocabulary),
        }
    )


def medication(facts: Facts, number: int, vocabulary: Vocabulary) -> Resource:
    """A medication of the chart, a MedicationStatement unless `recorded_as` says MedicationRequest."""
    kind = facts.get("recorded_as", "MedicationStatement")
    statement = kind == "MedicationStatement"
    return _present(
        {
            "resourceType": kind,
            "id": f"med-{number}",
            "status": facts.get("status", "active"),
            "intent": None if statement else "order",
            "medicationCodeableConcept": concept(facts, vocabulary),
            "subject": {"reference": "Patient/pat-1"},
            "effectiveDateTime" if statement else "authoredOn": _date(facts.get("date")),
        }
    )


def allergy(facts: Facts, number: int, vocabulary: Vocabulary) -> Resource:
    """An allergy or intolerance; confirmed and active unless the case says otherwise (null: not stated)."""
    return _present(
        {
            "resourceType": "AllergyIntolerance",
            "id": f"allergy-{number}",
            "clinicalStatus": _concept_of("allergyintolerance-clinical", facts.get("clinical", "active")),
            "verificationStatus": _concept_of(
                "allergyintolerance-verification", facts.get("verification", "confirmed")
            ),
            "code": concept(facts, vocabulary),
            "patient": {"reference": "Patient/pat-1"},
        }
    )


def concept(facts: Facts, vocabulary: Vocabulary) -> Resource:
    """A CodeableConcept of the codes among `facts`; `display` belongs to the code, `text` to the concept."""
    codings = []
    for name, code in facts.items():
        system = vocabulary.systems.get(_SHORT_NAMES.get(name, name))
        if system is not None and name not in _NOT_CODES:
            codings.append(_present({"system": system, "code": str(code), "display": facts.get("display")}))
        elif name in ("icd10", "snomed", "loinc", "rxnorm", "ndc", "hcpcs", "cpt", "pos", "role"):
            raise UnknownName(f"{name}: no such code system in catalog/code_systems.yaml")
    if "code" in facts:
        codings.append(_present({key: facts.get(key) for key in ("system", "code", "display")}))
    return _present({"coding": codings, "text": facts.get("text")})


def _reason_condition(facts: Facts, vocabulary: Vocabulary) -> Resource:
    return _condition("reason-1", facts, facts.get("status", "confirmed"), vocabulary)


def _condition(identifier: str, facts: Facts, verification: str | None, vocabulary: Vocabulary) -> Resource:
    return _present(
        {
            "resourceType": "Condition",
            "id": identifier,
            "clinicalStatus": _concept_of("condition-clinical", facts.get("clinical", "active")),
            "verificationStatus": _concept_of("condition-ver-status", verification),
            "code": concept(facts, vocabulary),
            "subject": {"reference": "Patient/pat-1"},
            "onsetDateTime": _date(facts.get("onset")),
            "abatementDateTime": _date(facts.get("abated")),
            "recordedDate": _date(facts.get("recorded")),
        }
    )


def _drug(facts: Facts, vocabulary: Vocabulary) -> Resource:
    known: Mapping[str, Any] = {}
    if "drug" in facts:
        if facts["drug"] not in vocabulary.products:
            raise UnknownName(f"order.drug: no product {facts['drug']!r} in catalog/drugs.yaml")
        known = vocabulary.products[facts["drug"]]
    codings = [dict(each) for each in known.get("coding", ())]
    for each in facts.get("codes", ()):
        codings += concept(each, vocabulary).get("coding", [])
    return _present({"coding": codings, "text": facts.get("text", known.get("text"))})


def _category(code: str | None) -> list[Resource] | None:
    return [_concept_of("medicationrequest-category", code)] if code else None  # type: ignore[list-item]


def _dosage(facts: Facts, vocabulary: Vocabulary) -> list[Resource] | None:
    dose = facts.get("dose", {})
    limit = dose.get("max")
    repeat = {
        "boundsPeriod": _present({"start": _date(facts.get("start"))}),
        "frequency": dose.get("frequency"),
        "period": dose.get("period"),
        "periodUnit": dose.get("period_unit"),
    }
    amount = [{"doseQuantity": _amount(dose["amount"], dose.get("unit"))}] if "amount" in dose else None
    dosage = {
        "timing": _present({"repeat": _present(repeat)}),
        "route": concept(facts["route"], vocabulary) if "route" in facts else None,
        "doseAndRate": amount,
        "maxDosePerPeriod": None
        if limit is None
        else {
            "numerator": _amount(limit["amount"], limit.get("unit", dose.get("unit"))),
            "denominator": _measure(limit["hours"], "h"),
        },
    }
    return [_present(dosage)] if _present(dosage) else None


def _dispense(facts: Facts) -> Resource:
    quantity = facts.get("quantity", {})
    validity = facts.get("validity", {})
    duration = None
    for key, unit in (("days", "d"), ("hours", "h")):
        if key in quantity:
            duration = _measure(quantity[key], unit)
    performer = {"reference": "Organization/site-1"} if "performer" in facts else None
    return _present(
        {
            "performer": performer,
            "validityPeriod": _present({side: _date(validity.get(side)) for side in ("start", "end")}),
            "numberOfRepeatsAllowed": quantity.get("refills"),
            "quantity": _amount(quantity["amount"], quantity.get("unit")) if quantity else None,
            "expectedSupplyDuration": duration,
        }
    )


def _value(facts: Facts, vocabulary: Vocabulary) -> Resource:
    value = facts.get("value")
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, str):
        return {"valueString": value}
    if isinstance(value, Mapping):
        return {"valueCodeableConcept": concept(value, vocabulary)}
    unit = facts.get("unit")
    quantity = _measure(value, unit) if unit else {"value": value}
    return {"valueQuantity": _present({**quantity, "comparator": facts.get("comparator")})}


def _measure(value: Any, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}


def _amount(value: Any, unit: str | None) -> Resource:
    """A dose or dispense quantity, with its unit in words only, as many clients send it."""
    return _present({"value": value, "unit": unit})


def _coding(system: str, code: str) -> Resource:
    return {"system": f"{_TERMINOLOGY}/{system}", "code": code}


def _concept_of(system: str, code: str | None) -> Resource | None:
    return {"coding": [_coding(system, code)]} if code else None


def _date(value: Any) -> str | None:
    return None if value is None else str(value)


def _present(resource: Mapping[str, Any]) -> Resource:
    """Without what is absent: FHIR knows no nulls, empty lists or empty objects."""
    return {key: value for key, value in resource.items() if value is not None and value not in ([], {})}
