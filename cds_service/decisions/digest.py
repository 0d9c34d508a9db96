"""Names for a decision that any worker can compute: the same facts give the same identifiers.

Keyed BLAKE2b (RFC 7693) over a canonical JSON text of the facts that were used and of what was decided.
The day of the call, the engine and the order's unrelated content stay out, so that asking again about an
unchanged order gives the identifier it already carries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import orjson

from cds_service.decisions.model import Determination
from cds_service.orders.model import DrugOrder, MemberCoverage

ASSERTION_PREFIX: Final = "CA-"
AUTHORIZATION_PREFIX: Final = "PA-"
_ID_BYTES: Final = 15  # 120 bits: 24 base32 characters without padding
_ID_CHARACTERS: Final = 24
_FACTS_BYTES: Final = 32
_DIGEST_BYTES: Final = _FACTS_BYTES + 2 * _ID_BYTES  # one hash, cut in three: facts, assertion, authorization
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648, base 32
_ALPHABET: Final = frozenset(_LETTERS)
_PAIRS: Final = [first + second for first in _LETTERS for second in _LETTERS]
_SHIFTS: Final = range(_ID_BYTES * 8 - 10, -1, -10)

_encode_anything: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=str
).encode  # one encoder for all threads: it keeps no state


class Identifiers(NamedTuple):
    """The names of one decision. `facts_digest` is 64 hexadecimal digits."""

    assertion_id: str
    authorization_number: str
    facts_digest: str


def identifiers(
    determination: Determination,
    order: DrugOrder | None,
    resource: Mapping[str, Any],
    coverage: MemberCoverage,
    key: bytes,
    *,
    origin: str = "",
    satisfied: bool = False,
    stage: str = "",
) -> Identifiers:
    """Compute the identifiers of a decision.

    `origin` tells apart clients whose resource ids may be the same (their FHIR server); `satisfied` is
    whether the answer says that authorization is already given; `stage` names the moment of the call where
    the answer says less than later, or what else the answer names. `key` may have any length.
    """
    facts = _canonical(determination, order, resource, coverage, origin, satisfied)
    if stage:
        facts.append(stage)
    if len(key) > blake2b.MAX_KEY_SIZE:
        key = blake2b(key).digest()
    digest = blake2b(_encode(facts), key=key, digest_size=_DIGEST_BYTES).digest()
    return Identifiers(
        ASSERTION_PREFIX + _name(digest[_FACTS_BYTES : _FACTS_BYTES + _ID_BYTES]),
        AUTHORIZATION_PREFIX + _name(digest[_FACTS_BYTES + _ID_BYTES :]),
        digest[:_FACTS_BYTES].hex(),
    )


def is_assertion_id(text: object) -> bool:
    """Whether a coverage-assertion-id has the form this service gives."""
    return (
        isinstance(text, str)
        and text.startswith(ASSERTION_PREFIX)
        and len(text) == len(ASSERTION_PREFIX) + _ID_CHARACTERS
        and _ALPHABET.issuperset(text[len(ASSERTION_PREFIX) :])
    )


def _encode(facts: list[Any]) -> bytes:
    """Canonical JSON; by the standard library for what orjson refuses (lone surrogates, deep nesting)."""
    try:
        return orjson.dumps(facts, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return _encode_anything(facts).encode("utf-8", "surrogatepass")


def _name(part: bytes) -> str:
    """15 bytes in base 32: 24 characters."""
    bits = int.from_bytes(part, "big")
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


def _canonical(
    determination: Determination,
    order: DrugOrder | None,
    resource: Mapping[str, Any],
    coverage: MemberCoverage,
    origin: str,
    satisfied: bool,
) -> list[Any]:
    limit = determination.allowed_quantity
    subject = resource.get("subject")
    return [
        origin,
        determination.order,
        _relative(subject.get("reference")) if isinstance(subject, dict) else None,
        _coverage_facts(coverage),
        _order_facts(order)
        if order is not None
        else [resource.get("code"), resource.get("codeCodeableConcept")],
        determination.outcome.value,
        satisfied,
        determination.not_addressed.value if determination.not_addressed else None,
        determination.technical_code,
        list(determination.info_needed),
        [[each.policy, each.version, each.statement, each.outcome.value] for each in determination.policies],
        [
            [each.id, each.status.value, each.value, each.evidence, each.attested]
            for each in determination.criteria
        ],
        [each.code for each in determination.reasons],
        str(determination.allowed_from),
        str(determination.allowed_to),
        [str(limit.amount), limit.unit, limit.per_hours] if limit is not None else None,
        determination.billing_code,
    ]


def _relative(reference: Any) -> Any:
    """Type and id at the end of an absolute reference: a server may write both forms of the same patient."""
    if not isinstance(reference, str) or "://" not in reference:
        return reference
    return "/".join(reference.partition("/_history/")[0].rsplit("/", 2)[-2:])


def _coverage_facts(coverage: MemberCoverage) -> list[Any]:
    facts = [coverage.reference, coverage.payer, coverage.member_id, coverage.plan, coverage.line_of_business]
    return facts if coverage.service_excluded is None else [*facts, coverage.service_excluded]


def _order_facts(order: DrugOrder) -> list[Any]:
    drug, quantity, setting = order.drug, order.quantity, order.setting
    seen = [each for each in setting.encounter_site_codes if each not in setting.codes]
    sites = (setting.site_codes, setting.affiliation_codes, seen)
    where = [[[each.system, each.code] for each in codes] for codes in sites] if any(sites) else []
    return [
        *where,
        *order.depends_on,
        drug.product,
        drug.identified_by.value,
        [[each.system, each.code] for each in drug.codings],
        drug.billing_codes,
        str(order.service_date.date),
        [[each.system, each.code] for each in order.indication.codes],
        order.indication.texts,
        order.setting.patient_status.value,
        [[each.system, each.code] for each in order.setting.codes],
        [str(quantity.amount), quantity.unit, str(quantity.supply_hours), str(quantity.maximum_per_hour)],
        [[each.system, each.code] for each in order.route],
    ]
