"""Awkward requests that real clients send, each by its name: of the public sandbox, and CRD's traps.

`GOOD` is approved as it is, so that each case shows what its one oddity changes: nothing, or the answer, or
that the request is refused.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.robustness.mutations import Json, at
from tests.robustness.test_mutations import EXAMPLES, is_coverage_information, post

GOOD = EXAMPLES["covered-macrilen-2024"]
SANDBOX = EXAMPLES["sandbox-shape-not-covered-ketalar"]
SITE = EXAMPLES["covered-site-entyvio-infusion-center"]
ORDER = "context.draftOrders.entry.0.resource"
COVERAGE = "prefetch.coverage.entry.0.resource"
OBSERVATION = "prefetch.observations.entry.0.resource"

APPROVED = "covered satisfied"
TO_DOCUMENT = "covered auth-needed"
OPEN = "conditional conditional"
REFUSED = "not-covered"

Change = Callable[[Json], None]


def steps(path: str) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in path.split("."))


def put(path: str, value: Any) -> Change:
    """Sets an element; ... leaves it out."""

    def change(document: Json) -> None:
        *parents, last = steps(path)
        parent = at(document, tuple(parents))
        if value is ...:
            parent.pop(last)
        else:
            parent[last] = value

    return change


def both(*changes: Change) -> Change:
    def change(document: Json) -> None:
        for each in changes:
            each(document)

    return change


def twice(path: str, **different: Any) -> Change:
    """Repeats an entry of a Bundle, its resource with other elements."""

    def change(document: Json) -> None:
        entries = at(document, steps(path))
        entry = copy.deepcopy(entries[0])
        entry["resource"].update(different)
        entries.append(entry)

    return change


def without(path: str, *names: str) -> Change:
    """Leaves out elements, where they are there."""

    def change(document: Json) -> None:
        for name in names:
            at(document, steps(path)).pop(name, None)

    return change


def alone(path: str) -> Change:
    """An object where a list of it is due."""

    def change(document: Json) -> None:
        put(path, at(document, steps(path))[0])(document)

    return change


def told(document: Json, hook: str | None = None) -> str:
    """The answer in two words, or status and code of the refusal."""
    body = json.dumps(document).encode("utf-8", "surrogatepass")
    response = post(hook or document.get("hook") or "order-sign", body)
    said = orjson.loads(response.data)
    if response.status_code != 200:
        return f"{response.status_code} {said['issue'][0]['details']['coding'][0]['code']}"
    answers = []
    for action in said.get("systemActions", ()):
        ours = [each for each in action["resource"]["extension"] if is_coverage_information(each)][-1]
        codes = {part["url"]: part.get("valueCode") for part in ours["extension"]}
        answers.append(" ".join(code for name in ("covered", "pa-needed") if (code := codes.get(name))))
    return ", ".join(answers)


SANDBOX_CASES: dict[str, tuple[Json, Change, str]] = {
    "as it is: category and reasonCode are objects, no Bundle.type, no fullUrl": (SANDBOX, both(), REFUSED),
    "Rx Sign clicked again: no draftOrders": (SANDBOX, put("context.draftOrders", ...), "422 CDS-1010"),
    "no drug chosen: neither medication nor intent": (
        SANDBOX,
        both(put(f"{ORDER}.medicationCodeableConcept", ...), put(f"{ORDER}.intent", ...)),
        "422 CDS-1014",
    ),
    "DSTU2 server: a MedicationOrder": (
        SANDBOX,
        put(f"{ORDER}.resourceType", "MedicationOrder"),
        "422 CDS-1013",
    ),
    "start date while it is typed": (
        SANDBOX,
        put(
            f"{ORDER}.dosageInstruction",
            [{"timing": {"repeat": {"boundsPeriod": {"start": "Invalid date"}}}}],
        ),
        REFUSED,
    ),
    "start date after the first digits": (
        SANDBOX,
        put(
            f"{ORDER}.dosageInstruction", [{"timing": {"repeat": {"boundsPeriod": {"start": "0002-06-01"}}}}]
        ),
        REFUSED,
    ),
    "empty Bundles for tokens that it cannot resolve": (
        SANDBOX,
        both(
            put("prefetch.practitioners", {"resourceType": "Bundle", "type": "searchset", "total": 0}),
            put("prefetch.medications", {"resourceType": "Bundle", "type": "searchset", "total": 0}),
        ),
        REFUSED,
    ),
    "FHIR server down: no prefetch": (SANDBOX, put("prefetch", ...), "412 CDS-1040"),
    "no coverage on file: total 0": (
        SANDBOX,
        put("prefetch.coverage", {"resourceType": "Bundle", "type": "searchset", "total": 0}),
        "400 CDS-1030",
    ),
    "two active coverages": (SANDBOX, twice("prefetch.coverage.entry", id="coverage-2"), "400 CDS-1032"),
    "imaging: a ServiceRequest with an empty coding and no reasons": (
        SANDBOX,
        put(
            ORDER,
            {
                "resourceType": "ServiceRequest",
                "id": "request-123",
                "status": "draft",
                "code": {"coding": [{}]},
                "reasonCode": [],
                "subject": {"reference": f"Patient/{SANDBOX['context']['patientId']}"},
            },
        ),
        OPEN,
    ),
    "a slash too many in the patient's id": (
        SANDBOX,
        put("context.patientId", f"Patient/{SANDBOX['context']['patientId']}"),
        REFUSED,
    ),
}

ORDER_CASES: dict[str, tuple[Json, Change, str]] = {
    "as it is": (GOOD, both(), APPROVED),
    "no id": (GOOD, put(f"{ORDER}.id", ...), APPROVED),
    "no status": (GOOD, put(f"{ORDER}.status", ...), APPROVED),
    "active, as when it is signed again": (GOOD, put(f"{ORDER}.status", "active"), APPROVED),
    "no subject": (GOOD, put(f"{ORDER}.subject", ...), APPROVED),
    "for another patient": (GOOD, put(f"{ORDER}.subject.reference", "Patient/other"), "422 CDS-1019"),
    "no requester, encounter, dosage or dispense request": (
        GOOD,
        without(ORDER, "requester", "encounter", "dosageInstruction", "dispenseRequest"),
        APPROVED,
    ),
    "the same order twice": (GOOD, twice("context.draftOrders.entry"), "422 CDS-1016"),
    "an entry without resource": (GOOD, put("context.draftOrders.entry.0", {}), "422 CDS-1010"),
    "no entries": (GOOD, put("context.draftOrders.entry", []), "422 CDS-1017"),
    "draftOrders is a list of orders": (GOOD, put("context.draftOrders", [{}]), "422 CDS-1011"),
    "unknown elements, extensions and context": (
        GOOD,
        both(put(f"{ORDER}.colour", "red"), put("context.note", [1]), put("unheard", {"of": None})),
        APPROVED,
    ),
    "null instead of nothing": (
        GOOD,
        both(put(f"{ORDER}.note", None), put("context.encounterId", None), put("extension", None)),
        APPROVED,
    ),
    "coding is an object": (GOOD, alone(f"{ORDER}.medicationCodeableConcept.coding"), APPROVED),
    "reasonCode is an object": (GOOD, alone(f"{ORDER}.reasonCode"), APPROVED),
    "insurance is an object": (GOOD, alone(f"{ORDER}.insurance"), APPROVED),
    "insurance names a coverage that is not there": (
        GOOD,
        put(f"{ORDER}.insurance", [{"reference": "Coverage/none"}]),
        "412 CDS-1040",
    ),
    "a lone surrogate": (GOOD, put(f"{ORDER}.id", "\ud800"), "400 CDS-1002"),
    "a NUL in the drug's name": (
        GOOD,
        put(f"{ORDER}.medicationCodeableConcept.text", "Macri\x00len"),
        APPROVED,
    ),
    "a huge note": (GOOD, put(f"{ORDER}.note", [{"text": "x" * 1_000_000}]), APPROVED),
    "nested as deep as nothing in FHIR": (
        GOOD,
        put(f"{ORDER}.x", json.loads("[" * 99 + "]" * 99)),
        "400 CDS-1004",
    ),
    "written on a day that is none: that of the call counts, and its policy version": (
        GOOD,
        both(put(f"{ORDER}.authoredOn", "2024-02-31"), put(f"{COVERAGE}.period", ...)),
        TO_DOCUMENT,
    ),
    "the drug only as a broken reference": (
        GOOD,
        both(
            put(f"{ORDER}.medicationCodeableConcept", ...),
            put(f"{ORDER}.medicationReference", {"reference": "#nowhere"}),
        ),
        OPEN,
    ),
}

CHART_CASES: dict[str, tuple[Json, Change, str]] = {
    "no observations key": (GOOD, put("prefetch.observations", ...), TO_DOCUMENT),
    "null for the observations": (GOOD, put("prefetch.observations", None), TO_DOCUMENT),
    "an OperationOutcome for the observations": (
        GOOD,
        put("prefetch.observations", {"resourceType": "OperationOutcome", "issue": []}),
        TO_DOCUMENT,
    ),
    "an empty Bundle of observations": (
        GOOD,
        put("prefetch.observations", {"resourceType": "Bundle", "type": "searchset", "total": 0}),
        TO_DOCUMENT,
    ),
    "a Bundle whose entries are an object": (GOOD, alone("prefetch.observations.entry"), APPROVED),
    "a body mass index entered in error": (
        GOOD,
        put(f"{OBSERVATION}.status", "entered-in-error"),
        TO_DOCUMENT,
    ),
    "a body mass index without status": (GOOD, put(f"{OBSERVATION}.status", ...), TO_DOCUMENT),
    "a body mass index of another patient": (
        GOOD,
        put(f"{OBSERVATION}.subject.reference", "Patient/other"),
        TO_DOCUMENT,
    ),
    "a body mass index in words": (GOOD, put(f"{OBSERVATION}.valueQuantity.value", "normal"), TO_DOCUMENT),
    "a body mass index below something": (
        GOOD,
        put(f"{OBSERVATION}.valueQuantity.comparator", "<"),
        TO_DOCUMENT,
    ),
    "a body mass index of tomorrow": (
        GOOD,
        put(f"{OBSERVATION}.effectiveDateTime", "2031-01-01"),
        TO_DOCUMENT,
    ),
    "no birth date": (GOOD, put("prefetch.patient.birthDate", ...), TO_DOCUMENT),
    "a birth date that is none": (GOOD, put("prefetch.patient.birthDate", "13.5.1980"), TO_DOCUMENT),
    "another patient under the patient's key": (GOOD, put("prefetch.patient.id", "other"), TO_DOCUMENT),
    "the chart under other keys": (
        GOOD,
        lambda document: document.update(
            prefetch={f"k{number}": each for number, each in enumerate(document["prefetch"].values())}
        ),
        APPROVED,
    ),
    "a coverage that was cancelled": (GOOD, put(f"{COVERAGE}.status", "cancelled"), REFUSED),
    "a coverage entered in error": (GOOD, put(f"{COVERAGE}.status", "entered-in-error"), "400 CDS-1030"),
    "a coverage without status": (GOOD, put(f"{COVERAGE}.status", ...), APPROVED),
    "a coverage whose status cannot be read": (GOOD, put(f"{COVERAGE}.status", {}), OPEN),
    "a coverage that ended in an earlier year": (GOOD, put(f"{COVERAGE}.period", {"end": "2023"}), REFUSED),
    "a coverage whose end cannot be read": (GOOD, put(f"{COVERAGE}.period", {"end": "soon"}), OPEN),
    "a coverage without period": (GOOD, put(f"{COVERAGE}.period", ...), APPROVED),
    "a coverage of another patient": (
        GOOD,
        both(put(f"{COVERAGE}.beneficiary.reference", "Patient/other"), put(f"{ORDER}.insurance", ...)),
        "400 CDS-1030",
    ),
    "a payer that is not on file": (
        GOOD,
        both(put(f"{COVERAGE}.payor", [{"display": "Somebody Else Insurance"}])),
        "400 CDS-1031",
    ),
    "no payor": (GOOD, put(f"{COVERAGE}.payor", ...), "400 CDS-1031"),
}

ENVELOPE_CASES: dict[str, tuple[Json, Change, str]] = {
    "no hook": (GOOD, put("hook", ...), "422 CDS-1010"),
    "the hook of another service": (GOOD, put("hook", "order-select"), "422 CDS-1012"),
    "no hookInstance": (GOOD, put("hookInstance", ...), "422 CDS-1010"),
    "a hookInstance that is no UUID": (GOOD, put("hookInstance", "1"), APPROVED),
    "no user": (GOOD, put("context.userId", ...), "422 CDS-1010"),
    "no patient": (GOOD, put("context.patientId", ...), "422 CDS-1010"),
    "prefetch is a list": (GOOD, put("prefetch", []), "422 CDS-1011"),
    "prefetched text": (GOOD, put("prefetch.note", "text"), "422 CDS-1011"),
    "configuration of wrong types": (
        GOOD,
        put("extension", {"davinci-crd.configuration": {"max-cards": -1, "coverage-info": "no", "x": []}}),
        APPROVED,
    ),
    "configuration is no object": (GOOD, put("extension", {"davinci-crd.configuration": 7}), APPROVED),
    "a version nobody offers": (
        GOOD,
        put("extension", {"davinci-crd.requestedVersion": "9.9"}),
        "400 CDS-1020",
    ),
    "a version with three parts": (
        GOOD,
        put("extension", {"davinci-crd.requestedVersion": "2.0.1"}),
        "400 CDS-1020",
    ),
    "fhirAuthorization is text": (GOOD, put("fhirAuthorization", "Bearer x"), "422 CDS-1011"),
    "fhirServer is no address": (GOOD, put("fhirServer", "not an address"), APPROVED),
    "fhirServer on this machine": (GOOD, put("fhirServer", "http://169.254.169.254/latest"), APPROVED),
}
CASES = {
    f"{group}: {name}": case
    for group, cases in (
        ("sandbox", SANDBOX_CASES),
        ("order", ORDER_CASES),
        ("chart", CHART_CASES),
        ("envelope", ENVELOPE_CASES),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("name", CASES)
def test_an_awkward_request(name: str) -> None:
    example, change, expected = CASES[name]
    document = copy.deepcopy(example)
    document.setdefault("extension", {})["davinci-crd.requestedVersion"] = "2.0"
    change(document)
    assert told(document, "order-sign") == expected
