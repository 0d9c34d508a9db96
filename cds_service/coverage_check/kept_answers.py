"""Answers as they are kept beside a response: what the rules take of it, small and without its documents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import orjson

from cds_service.cql.values import Date, Quantity
from cds_service.decisions.attestation import Attestation
from cds_service.dtr.answers import Answers
from cds_service.dtr.model import Form

FormOf = Callable[[str, str], Form | None]

_LOG: Final = logging.getLogger(__name__)


def attestation(answers: Answers, now: Form) -> Attestation:
    """The answers of one response, as they are weighed where `now` is the form that asks."""
    return Attestation(counting(answers.values, answers.form, now), answers.undocumented_criteria)


def to_bytes(answers: Answers, until: date | None = None) -> bytes:
    """The answers of one response as JSON; `until` is the last day of the authorization they led to."""
    form = answers.form
    content = {
        "policy": form.policy,
        "form": form.id,
        "version": form.version,
        "until": str(until) if until is not None else None,
        "values": {name: _written(value) for name, value in answers.values.items()},
        "undocumented": sorted(answers.undocumented_criteria),
    }
    return orjson.dumps(content)


def attestations(
    kept: Iterable[bytes], form_of: FormOf, now: Mapping[str, Form], on: date
) -> dict[str, Attestation]:
    """Kept answers by policy; what this release cannot read is left out.

    Only what counts on a date of service, where the forms `now` (by id) ask: `form_of` finds the version
    that was answered. An authorization that is over is not renewed by the answers that led to it.
    """
    found: dict[str, Attestation] = {}
    for answers in kept:
        try:
            content = orjson.loads(answers)
            policy, asking = content["policy"], now.get(content["form"])
            then = form_of(content["form"], content["version"])
            over = content["until"] is not None and date.fromisoformat(content["until"]) < on
            if asking is None or then is None or over:
                continue
            values = {name: _read(value) for name, value in content["values"].items()}
            made = Attestation(counting(values, then, asking), frozenset(content["undocumented"]))
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            _LOG.error("kept answers cannot be read error=%s", type(error).__name__)
            continue
        found[policy] = found[policy].joined(made) if policy in found else made
    return found


def counting(values: Mapping[str, Any], then: Form, now: Form) -> dict[str, Any]:
    """The answers to one version of a form that another takes: where it asks, and proves, the same."""
    if then.canonical == now.canonical:
        return dict(values)
    before, after = _asked(then), _asked(now)
    return {name: value for name, value in values.items() if before.get(name) == after.get(name, ())}


def _asked(form: Form) -> dict[str | None, tuple[Any, ...]]:
    """What is asked under each definition, and the documents that are due with the answer."""
    listed = tuple(form.questions())
    proofs = {each.documents: each.text for each in listed if each.documents}
    return {
        each.definition: (each.text, each.type, each.unit, each.options, proofs.get(each.link_id))
        for each in listed
    }


def _written(value: Any) -> Any:
    if isinstance(value, Quantity):
        return {"value": str(value.value), "unit": value.unit}
    return {"date": str(value)} if isinstance(value, Date) else value


def _read(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if "date" in value:
        return Date.parse(value["date"])
    return Quantity(Decimal(value["value"]), value["unit"])
