"""What clients report about questionnaires (DTR, $log-questionnaire-errors): kept, logged without text."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from cds_service.dtr.forms import Forms
from cds_service.hooks.reading import write_json
from cds_service.store.model import FormErrorRecord
from cds_service.web.fhir_parameters import Parameters, Resource, wrong

logger = logging.getLogger("cds_service.dtr")

MOST_ISSUES: Final = 50

_SEVERITIES: Final = frozenset({"fatal", "error", "warning", "information"})
_CODE: Final = re.compile(r"[a-z][a-z-]{0,30}")
_PLACE: Final = re.compile(r"[A-Za-z0-9_.\[\]():-]{1,200}")
_NAMES: Final = (("questionnaire", "Questionnaire"), ("operationOutcome", "OperationOutcome"))
"""The names of both parameters; DTR 2.0.1 writes them with a capital in its operation definition."""


def form_errors(
    parameters: Parameters, client: str | None, now: datetime, forms: Forms
) -> Iterator[FormErrorRecord]:
    """A record for each questionnaire that is reported; raises RequestError for what reports nothing."""
    questionnaires = [
        each for name in _NAMES[0] for each in parameters.texts(name, "Canonical", "Uri", "Url", "String")
    ]
    outcomes = [each for name in _NAMES[1] for each in parameters.resources(name)]
    for found, (name, _) in ((questionnaires, _NAMES[0]), (outcomes, _NAMES[1])):
        if not found:
            raise wrong("Parameters.parameter", f"The parameter {name} is missing.")
    for place, outcome in outcomes:
        if outcome["resourceType"] != "OperationOutcome":
            raise wrong(place, "The parameter operationOutcome must hold an OperationOutcome.")
    issues = tuple(_issues([outcome for _, outcome in outcomes]))
    details = write_json([outcome for _, outcome in outcomes])
    for canonical in dict.fromkeys(text for _, text in questionnaires):
        form = forms.find(canonical)
        logger.warning(
            "questionnaire error reported",
            extra={
                "questionnaire": form.canonical if form is not None else "(not ours)",
                "issues": [f"{each['severity']} {each['code']}" for each in issues],
            },
        )
        said = orjson.dumps([client, canonical]) + details
        yield FormErrorRecord(
            id=hashlib.sha256(said).hexdigest(),
            received_at=now,
            client=client,
            questionnaire=canonical[:2_000],
            issues=issues,
            details=lambda: details,
        )


def _issues(outcomes: list[Resource]) -> Iterator[Mapping[str, str]]:
    """Severity, code and place of each issue, as far as they are what they should be; never any text."""
    given: list[Any] = []
    for each in outcomes:
        listed = each.get("issue")
        given += listed if isinstance(listed, list) else []
    for issue in given[:MOST_ISSUES]:
        if not isinstance(issue, dict):
            continue
        severity, code = issue.get("severity"), issue.get("code")
        found = {
            "severity": severity if isinstance(severity, str) and severity in _SEVERITIES else "unknown",
            "code": code if isinstance(code, str) and _CODE.fullmatch(code) else "unknown",
        }
        places = issue.get("expression")
        place = places[0] if isinstance(places, list) and places else None
        if isinstance(place, str) and _PLACE.fullmatch(place):
            found["expression"] = place
        yield found
