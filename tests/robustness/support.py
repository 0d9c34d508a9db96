"""What an approval must rest on, told again from the policy documents and apart from the rules.

`objections` reads a request as plain JSON and says what an approval of one of its orders lacks. It asks less
than the rules do (each condition is necessary, none sufficient), so every objection is a wrong approval, and
silence proves nothing. Nothing here uses the service; the code lists are read from the catalogue's files.

Sources: Cigna 1701 (2024-07-01 and 2025-06-01), product tables; Cigna's site-of-care policy. The other
policies on file approve nothing from a record alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
CATALOG = Path(__file__).parents[2] / "cql_like_rules" / "catalog"
SUCCESSOR = date(2025, 6, 1)  # of the version of 2024
FIRST = date(2024, 7, 1)
CIGNA = ("cigna", "connecticut general life", "67369", "62308")
VOID_COVERAGE = {"cancelled", "draft", "entered-in-error"}
COUNTING = {"final", "amended", "corrected"}
NAMES = {
    "isuprel": ("isuprel", "isoproterenol", "isoprenaline"),
    "macrilen": ("macrilen", "macimorelin"),
    "defitelio": ("defitelio", "defibrotide"),
}
ISUPREL_2024 = (
    "tilt-table-test", "electrophysiologic-testing", "complete-heart-block", "cardiac-arrest",
    "shock-and-low-output", "torsades-de-pointes", "cardiogenic-shock",
)  # fmt: skip
ISUPREL_2025 = ("tilt-table-test", "electrophysiologic-testing")
FAVOURED_SITES = ("home-infusion-site", "non-hospital-site", "ambulatory-infusion-site", "office-site")


def objections(request: Json, order: Json, pa_needed: str, today: date) -> list[str]:
    """What is missing for the approval of an order; `pa_needed` says how far it goes. Empty: nothing."""
    days = _days(order, request, today)
    found = (
        [] if any(_covered_on(request, day) for day in days) else ["no Cigna coverage of this patient then"]
    )
    if pa_needed == "conditional":
        return found + ([] if _favoured_site(request, order) else ["no setting that the policy favours"])
    ordered = {name: value for name, value in order.items() if name != "id"}
    drug = f"{_words(ordered)} {_words(_of_type(request, 'Medication'))}"
    named = [product for product in NAMES if any(_mentions(drug, name) for name in _identifiers(product))]
    if not named:
        return [*found, "no product that a record alone can approve"]
    lacking = [_lacking(product, request, order, days) for product in named]
    return found if None in lacking else [*found, *(each for each in lacking if each)]


def _lacking(product: str, request: Json, order: Json, days: set[date]) -> str | None:
    """What a product lacks on every day that may count; None when on one of them nothing."""
    texts = {CHECKS[product](request, order, day) for day in days}
    return None if "" in texts else f"{product}: {', '.join(sorted(texts))}"


# -- the products -------------------------------------------------------------------------------------------


def _isuprel(request: Json, order: Json, day: date) -> str:
    sets = ISUPREL_2024 if FIRST <= day < SUCCESSOR else ISUPREL_2025
    return "" if day >= FIRST and any(_reason(request, order, each) for each in sets) else "no such use"


def _macrilen(request: Json, order: Json, day: date) -> str:
    if not FIRST <= day < SUCCESSOR:
        return "the other version asks what no record shows"
    if not _reason(request, order, "adult-growth-hormone-deficiency"):
        return "no such use"
    if not _adult(request, day):
        return "not known to be an adult"
    indexes = [each for each in _body_mass_indexes(request) if each[0] <= day]
    latest = [value for measured, value in indexes if measured == max(indexes)[0]] if indexes else []
    return "" if latest and min(latest) <= 40 else "no body mass index of 40 or less"


def _defitelio(request: Json, order: Json, day: date) -> str:
    if not FIRST <= day < SUCCESSOR:
        return "the other version asks what no record shows"
    needed = (
        ("hepatic-veno-occlusive-disease",),
        ("renal-dysfunction", "pulmonary-dysfunction"),
        ("stem-cell-transplantation",),
    )
    shown = all(any(_reason(request, order, each) for each in either) for either in needed)
    return "" if shown else "no such use"


CHECKS: dict[str, Callable[[Json, Json, date], str]] = {
    "isuprel": _isuprel,
    "macrilen": _macrilen,
    "defitelio": _defitelio,
}


# -- the facts ----------------------------------------------------------------------------------------------


def resources(value: Any) -> Iterator[Json]:
    """Every resource anywhere in a request."""
    if isinstance(value, dict):
        if isinstance(value.get("resourceType"), str):
            yield value
        for each in value.values():
            yield from resources(each)
    elif isinstance(value, list):
        for each in value:
            yield from resources(each)


def _of_type(request: Json, *kinds: str) -> list[Json]:
    return [each for each in resources(request) if each["resourceType"] in kinds]


def _patient(request: Json) -> str:
    return str(request["context"]["patientId"]).rpartition("/")[2]


def _is_theirs(request: Json, resource: Json, *elements: str) -> bool:
    """Whether a resource names no other patient than the one of the call."""
    for element in elements:
        named = resource.get(element)
        for each in named if isinstance(named, list) else [named]:
            text = each.get("reference") if isinstance(each, dict) else None
            if isinstance(text, str) and re.search(r"(?:^|/)Patient/[^/]+", text):
                patient = text.partition("/_history")[0].rpartition("/")[2].strip()
                if patient != _patient(request).strip():
                    return False
    return True


def _covered_on(request: Json, day: date) -> bool:
    payers = _words(_of_type(request, "Organization"))
    for coverage in _of_type(request, "Coverage"):
        named = _words(coverage) + (payers if isinstance(coverage.get("payor"), (list, dict)) else "")
        if (
            any(name in named for name in CIGNA)
            and _is_theirs(request, coverage, "beneficiary")
            and str(coverage.get("status")).lower() not in VOID_COVERAGE
            and _within(coverage.get("period"), day)
        ):
            return True
    return False


def _within(period: Any, day: date) -> bool:
    sides = period if isinstance(period, dict) else {}
    start, end = sides.get("start"), sides.get("end")
    after = not isinstance(start, str) or start.strip()[:10] <= day.isoformat()
    # a year or a month ends with its last day, which sorts behind every day in it
    before = not isinstance(end, str) or day.isoformat() <= end.strip()[:10] + "~" * (len(end.strip()) < 10)
    return after and before


def _days(order: Json, request: Json, today: date) -> set[date]:
    """Every day that may count as the date of service."""
    texts = [
        *_strings(order),
        *(text for each in _of_type(request, "Appointment") for text in _strings(each)),
    ]
    found = {today}
    for text in texts:
        try:
            found.add(date.fromisoformat(text.strip()[:10]))
        except ValueError:
            continue
    return found


def _adult(request: Json, day: date) -> bool:
    for patient in _of_type(request, "Patient"):
        born, identity = patient.get("birthDate"), patient.get("id")
        theirs = not isinstance(identity, str) or identity.strip() == _patient(request).strip()
        year = re.match(r"\d{4}", born.strip()) if isinstance(born, str) else None
        if theirs and year is not None and day.year - int(year[0]) >= 18:
            return True
    return False


def _body_mass_indexes(request: Json) -> list[tuple[date, float]]:
    found = []
    for each in _of_type(request, "Observation"):
        value = each.get("valueQuantity")
        number = value.get("value") if isinstance(value, dict) else None
        measured = next((text[:10] for text in _effective(each)), None)
        if (
            "39156-5" in _words(each.get("code"))
            and each.get("status") in COUNTING
            and _is_theirs(request, each, "subject")
            and isinstance(number, (int, float, str))
            and measured is not None
        ):
            try:
                found.append((date.fromisoformat(measured), float(number)))
            except ValueError:
                continue
    return found


def _effective(observation: Json) -> Iterator[str]:
    for name, value in observation.items():
        if name.startswith("effective"):
            yield from sorted(_strings(value), reverse=True)


def _reason(request: Json, order: Json, value_set: str) -> bool:
    """Whether a code of a list stands in the order or in something that can be its reason."""
    charts = [
        each
        for each in _of_type(
            request, "Condition", "Procedure", "ServiceRequest", "Appointment", "Observation"
        )
        if _is_theirs(request, each, "subject")
    ]
    return _has_code((order, charts), value_set)


def _favoured_site(request: Json, order: Json) -> bool:
    places = _of_type(
        request, "Organization", "Location", "HealthcareService", "PractitionerRole", "Encounter", "Task"
    )
    if any(_has_code((order, places), each) for each in FAVOURED_SITES) or "community" in _words(order):
        return True
    return _has_code(_of_type(request, "Condition"), "fluid-overload")  # an exception for hospitals


def _has_code(value: Any, value_set: str) -> bool:
    exact, prefixes = _codes(value_set)
    for text in _strings(value):
        code = text.strip().replace(".", "").upper()
        if code in exact or code.startswith(prefixes):
            return True
    return False


@functools.cache
def _codes(value_set: str) -> tuple[frozenset[str], tuple[str, ...]]:
    listed = yaml.safe_load((CATALOG / "value_sets" / f"{value_set}.yaml").read_text("utf-8"))["codes"]
    plain = [(str(each["code"]).replace(".", "").upper(), bool(each.get("prefix"))) for each in listed]
    return frozenset(code for code, _ in plain), tuple(code for code, prefix in plain if prefix) or ("\0",)


@functools.cache
def _identifiers(product: str) -> tuple[str, ...]:
    """Names and product codes of a drug, in lower case."""
    listed = yaml.safe_load((CATALOG / "drugs.yaml").read_text("utf-8"))["products"]
    entry = next(each for each in listed if each["id"] == product)
    return (*NAMES[product], *(str(each["code"]).lower() for each in entry["codes"]))


def _mentions(text: str, name: str) -> bool:
    return name in text or name.replace("-", "") in text.replace("-", "")


def _words(value: Any) -> str:
    return " ".join(_strings(value)).lower()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _strings(each)
