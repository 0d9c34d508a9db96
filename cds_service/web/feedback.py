"""Feedback on cards over HTTP (CDS Hooks 2.0, Feedback)."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from typing import Final

import orjson
from flask import Response

from cds_service.hooks.discovery import hook_of
from cds_service.hooks.feedback import Feedback, parse_feedback
from cds_service.store.model import FeedbackRecord
from cds_service.web import openapi_parts as parts
from cds_service.web.blueprints import Blueprint
from cds_service.web.body import read_body
from cds_service.web.calls import client_name
from cds_service.web.cds_hooks import check_content_type
from cds_service.web.services import services

logger = logging.getLogger("cds_service.feedback")
blueprint = Blueprint("feedback", __name__, description="What clinicians did with cards")

_EMPTY: Final = b"{}"


@blueprint.documented("POST", "/cds-services/<service_id>/feedback", parts.FEEDBACK)
def feedback(service_id: str) -> Response:
    """What became of cards: accepted, or overridden and why. Feedback on unknown cards is kept too."""
    hook_of(service_id)
    check_content_type()
    here = services()
    entries = parse_feedback(read_body(), here.limits)
    client, now = client_name(), here.now()
    for each in entries:
        here.record(_record(each, service_id, client, now))
        here.measures.note((here.measures.feedback, (service_id, each.outcome)))
    logger.info(
        "feedback received",
        extra={"service": service_id, "outcomes": [each.outcome for each in entries]},
    )
    return Response(_EMPTY, content_type="application/json")


def _record(each: Feedback, service_id: str, client: str | None, now: datetime) -> FeedbackRecord:
    """The record; its id is the digest of all that was said, so that a repeated call changes nothing."""
    said = (
        *(service_id, client, each.card, each.outcome, each.suggestions),
        *(each.reason_code, each.reason_system, each.comment),
        each.outcome_at.isoformat() if each.outcome_at is not None else None,
    )
    return FeedbackRecord(
        id=hashlib.sha256(orjson.dumps(said)).hexdigest(),
        received_at=now,
        service=service_id,
        client=client,
        card=each.card,
        outcome=each.outcome,
        suggestions=each.suggestions,
        reason_code=each.reason_code,
        reason_system=each.reason_system,
        reason_display=each.reason_display,
        comment=each.comment,
        outcome_at=each.outcome_at,
    )
