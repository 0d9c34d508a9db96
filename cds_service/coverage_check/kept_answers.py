"""Answers as they are kept beside a response: what the rules take of it, small and without its documents."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from cds_service.cql.values import Date, Quantity
from cds_service.decisions.attestation import Attestation
from cds_service.dtr.answers import Answers

_LOG: Final = logging.getLogger(__name__)


def attestation(answers: Answers) -> Attestation:
    """The answers of one response, as they are weighed."""
    return Attestation(answers.values, answers.undocumented_criteria)


def to_bytes(answers: Answers) -> bytes:
    """The answers of one response as JSON."""
    values = {name: _written(value) for name, value in answers.values.items()}
    undocumented = sorted(answers.undocumented_criteria)
    return orjson.dumps({"policy": answers.form.policy, "values": values, "undocumented": undocumented})


def attestations(kept: Iterable[bytes]) -> dict[str, Attestation]:
    """Kept answers by policy; what this release cannot read is left out."""
    found: dict[str, Attestation] = {}
    for answers in kept:
        try:
            content = orjson.loads(answers)
            policy = content["policy"]
            values = {name: _read(value) for name, value in content["values"].items()}
            made = Attestation(values, frozenset(content["undocumented"]))
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            _LOG.error("kept answers cannot be read error=%s", type(error).__name__)
            continue
        found[policy] = found[policy].joined(made) if policy in found else made
    return found


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
