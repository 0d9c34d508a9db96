"""Every call of a CDS service, once it is answered: log line, figures, and its record in the database."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import orjson
from flask import Flask, Request, Response, g, request

from cds_service.coverage_check.report import CallReport
from cds_service.crd.assertion import CoverageAssertion
from cds_service.decisions.model import Determination, PolicyCitation
from cds_service.hooks.discovery import services as offered
from cds_service.hooks.request import HookRequest
from cds_service.store.model import InvocationRecord, SentCard
from cds_service.web.measures import Count, Measures, coverage_codes
from cds_service.web.services import Services, services
from cds_service.web.trust import caller

logger = logging.getLogger("cds_service.hook")

_SAFE_INSTANCE: Final = re.compile(r"[0-9A-Za-z-]{8,64}")
_NONE: Final = "none"
_PIECE: Final = 2_047  # hashlib releases the lock for longer ones
_LONG_BODY: Final = 262_144


@dataclass(slots=True)
class Call:
    """One call while it is answered; the view fills it in. Lives in `flask.g`."""

    service: str
    received_at: datetime
    body: bytes = b""
    request: HookRequest | None = None
    answer: Mapping[str, Any] | None = None
    report: CallReport = field(default_factory=lambda: CallReport(decisions=[]))


def install(app: Flask) -> None:
    """Note every answer under /cds-services, refusals included, when it is complete."""

    @app.after_request
    def note(response: Response) -> Response:
        this: Request = request._get_current_object()  # type: ignore[attr-defined]  # each look costs 1 us
        if this.path.startswith("/cds-services") and this.method != "OPTIONS":
            _note(response, this, g.get("call"), services())
        return response


def _note(response: Response, this: Request, call: Call | None, here: Services) -> None:
    measures, status = here.measures, response.status_code
    endpoint = (this.endpoint or "").rpartition(".")[2] or _NONE
    service = (this.view_args or {}).get("service_id", _NONE)
    if service not in offered():
        service = _NONE
    counts: list[Count] = [(measures.requests, (service, endpoint, str(status)))]
    error = error_code(response) if status >= 400 else None
    if error is not None:
        counts.append((measures.errors, (error,)))
    if call is None:
        measures.note(*counts)
        return
    seconds = call.report.finish()
    here.record(*call.report.decisions or (), _invocation(call, response, error, seconds, here))
    answered = call.request is not None and call.answer is not None
    if call.request is not None and call.answer is not None:
        counts += _counts(measures, call.request, call.answer, call.report)
        if logger.isEnabledFor(logging.INFO):
            _log(call, call.request, call.answer, seconds)
    measures.note_call(tuple(counts), call.service, seconds, call.report.seconds if answered else {})
    measures.tick(call.report.started)


def _counts(
    measures: Measures, hook_request: HookRequest, answer: Mapping[str, Any], report: CallReport
) -> Iterator[Count]:
    """What an answer says, to be counted."""
    hook = hook_request.hook
    for each in report.assertions:
        determination = each.determination
        decided = deciding_policy(determination)
        policy = decided.policy if decided is not None else _NONE
        if determination.technical_code is not None:
            yield measures.errors, (determination.technical_code,)
        yield measures.decisions, (hook, determination.outcome.value, each.payer.id, policy)
    for codes in coverage_codes(answer):
        yield measures.coverage_information, (hook, hook_request.requested_version, *codes)
        yield measures.responses, (hook, "coverage-information")
    for card in answer.get("cards", ()):
        yield measures.responses, (hook, _topic(card))


def _topic(card: Mapping[str, Any]) -> str:
    topic: str = card.get("source", {}).get("topic", {}).get("code", _NONE)
    return topic


def _log(call: Call, hook_request: HookRequest, answer: Mapping[str, Any], seconds: float) -> None:
    """One line per call: which, what came out, how long. Nothing of the patient or the order."""
    logger.info(
        "hook answered",
        extra={
            "hookInstance": safe_instance(hook_request) or "(not an identifier)",
            "service": call.service,
            "client": hook_request.client.issuer if hook_request.client else None,
            "crdVersion": hook_request.requested_version,
            "orders": _orders(call),
            "outcomes": [codes[0] for codes in coverage_codes(answer)],
            "cards": len(answer.get("cards", ())),
            "milliseconds": round(seconds * 1000, 2),
        },
    )


def _invocation(
    call: Call, response: Response, error: str | None, seconds: float, here: Services
) -> InvocationRecord:
    hook_request, assertions = call.request, call.report.assertions
    vault = here.vault
    return InvocationRecord(
        id=f"{random.getrandbits(128):032x}",
        received_at=call.received_at,
        service=call.service,
        hook_instance=safe_instance(hook_request) if hook_request is not None else None,
        client=client_name(),
        crd_version=hook_request.requested_version if hook_request is not None else None,
        status=response.status_code,
        error_code=error,
        milliseconds=round(seconds * 1000, 3),
        stages={stage: round(spent * 1000, 3) for stage, spent in call.report.seconds.items()},
        request_digest=digest(call.body),
        request_bytes=len(call.body),
        orders=_orders(call),
        outcomes=tuple(each.determination.outcome.value for each in assertions),
        assertion_ids=tuple(each.identifiers.assertion_id for each in assertions),
        cards=tuple(_sent_cards(call)),
        payload=vault.seal(call.body, response.get_data()) if vault is not None else None,
    )


def _orders(call: Call) -> int:
    """How many orders were answered; where none was, how many the context brought."""
    brought = len(call.request.draft_orders) if call.request is not None else 0
    return len(call.report.assertions) or brought


def _sent_cards(call: Call) -> Iterator[SentCard]:
    by_order = {each.determination.order: each for each in reversed(call.report.assertions)}
    for card in (call.answer or {}).get("cards", ()):
        if isinstance(uuid := card.get("uuid"), str):
            yield _sent_card(uuid, _topic(card), by_order.get(_order_of(card)))


def _sent_card(uuid: str, topic: str, assertion: CoverageAssertion | None) -> SentCard:
    if assertion is None:
        return SentCard(uuid, topic, None, None, None, None)
    determination = assertion.determination
    decided = deciding_policy(determination)
    return SentCard(
        uuid,
        topic,
        assertion.identifiers.assertion_id,
        decided.policy if decided is not None else None,
        decided.version if decided is not None else None,
        determination.outcome.value,
    )


def _order_of(card: Mapping[str, Any]) -> str:
    """The order a card is about, by its associated-resource extension in the form of any CRD version."""
    named = card.get("extension", {}).get("davinci-crd.associated-resource", ("",))[0]
    reference: str = named.get("reference", "") if isinstance(named, Mapping) else named
    return reference


def deciding_policy(determination: Determination) -> PolicyCitation | None:
    """The policy version whose statement gave the outcome, else the first that took part."""
    policies = determination.policies
    return next((each for each in policies if each.outcome is determination.outcome), None) or (
        policies[0] if policies else None
    )


def digest(body: bytes) -> str:
    """SHA-256 of a body in hex.

    Usual bodies are taken in pieces too small for hashlib to release the interpreter lock: 20 microseconds
    of work are not worth queueing behind every other thread for.
    """
    if len(body) > _LONG_BODY:
        return sha256(body).hexdigest()
    whole = sha256()
    for start in range(0, len(body), _PIECE):
        whole.update(body[start : start + _PIECE])
    return whole.hexdigest()


def client_name() -> str | None:
    """The registered client that calls, with its tenant; None in open mode."""
    client = caller()
    if client is None:
        return None
    return f"{client.issuer} {client.tenant}"[:255] if client.tenant else client.issuer[:255]


def safe_instance(hook_request: HookRequest) -> str | None:
    """The hookInstance if it looks like an identifier; a client could write anything there."""
    instance = hook_request.hook_instance
    return instance if _SAFE_INSTANCE.fullmatch(instance) else None


def error_code(response: Response) -> str | None:
    """The stable code of an OperationOutcome that this service made."""
    try:
        code: str = orjson.loads(response.get_data())["issue"][0]["details"]["coding"][0]["code"]
    except (ValueError, LookupError, TypeError):
        return None
    return code
