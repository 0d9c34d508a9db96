"""Whose response it is, what tells two of them apart, and the errors of documentation."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import orjson

from cds_service.coverage_check.open_documentation import OpenDocumentation
from cds_service.dtr.answers import Answers
from cds_service.fhir import reads
from cds_service.fhir.references import parse_reference
from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import write_json

Resource = Mapping[str, Any]

_RETRY_AFTER_S: Final = 5
_UNSTABLE: Final = frozenset({"authored", "id", "meta", "text"})  # of a response that is sent again


def check_subject(opened: OpenDocumentation, response: Resource) -> None:
    """Refuse the response of another patient, coverage or order, however its references are written."""
    said = parse_reference(response.get("subject"))
    own = parse_reference(opened.patient_reference)
    if said is None or own is None or (said.type, said.id) != (own.type, own.id):
        raise invalid("QuestionnaireResponse.subject", "must be the patient of the order")
    known = {_last(opened.coverage.reference), _last(opened.assertion.determination.order)}
    mine = {(each[0]): each for each in known if each}
    for position, extension in enumerate(reads.objects(response.get("extension"))):
        url = str(extension.get("url"))
        if not url.endswith(("/qr-context", "/qr-coverage")):
            continue
        parsed = parse_reference(extension.get("valueReference"))
        if parsed is None or parsed.type not in mine:
            continue
        if mine[parsed.type] != (parsed.type, parsed.id):
            place = f"QuestionnaireResponse.extension[{position}]"
            raise invalid(place, "must be the coverage and the order that are asked about")


def _last(reference: str) -> tuple[str | None, str | None] | None:
    parsed = parse_reference(reference)
    return (parsed.type, parsed.id) if parsed is not None else None


def identity(opened: OpenDocumentation, answers: Answers, response: Resource) -> str:
    """The same for the same answers to the same form of the same order, whenever they come."""
    said = {key: value for key, value in response.items() if key not in _UNSTABLE}
    content = orjson.dumps(orjson.loads(write_json(said)), option=orjson.OPT_SORT_KEYS)
    return digest(opened.order_key, answers.form.id, content.hex())


def digest(*parts: str) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=32).hexdigest()


def not_found() -> RequestError:
    text = "There is no documentation to be given under this id or link, or no longer."
    return RequestError("CDS-1050", text, kind=ErrorKind.NOT_FOUND)


def invalid(element: str, text: str) -> RequestError:
    return RequestError("CDS-1051", f"{element} {text}.", (element,))


def unavailable() -> RequestError:
    text = "Documentation cannot be read or kept at the moment. Nothing was lost: send it again later."
    error = RequestError("CDS-1052", text, kind=ErrorKind.UNAVAILABLE)
    error.retry_after = _RETRY_AFTER_S
    return error
