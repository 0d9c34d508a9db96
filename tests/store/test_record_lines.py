"""A record reads back from its line as it was written, whatever its kind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from cds_service.store.model import (
    DocumentationRequest,
    FeedbackRecord,
    FormErrorRecord,
    InvocationRecord,
    SentCard,
)
from cds_service.store.record_lines import UnreadableLineError, from_line, to_line
from tests.store.records import decision, without_authorization

NOW = datetime(2024, 9, 1, 12, 30, 15, 123456, tzinfo=UTC)


def invocation(**changes: Any) -> InvocationRecord:
    facts: dict[str, Any] = {
        "id": "0" * 32,
        "received_at": NOW,
        "service": "order-sign-crd",
        "hook_instance": None,
        "client": "https://ehr.example.org",
        "crd_version": "2.2",
        "status": 200,
        "error_code": None,
        "milliseconds": 1.5,
        "stages": {"parse": 0.25},
        "request_digest": "ab" * 32,
        "request_bytes": 31_000,
        "orders": 1,
        "outcomes": ("covered",),
        "assertion_ids": ("CA-1",),
        "cards": (SentCard("card-1", "guideline", "CA-1", "cigna-1701", "2024-07-01", "covered"),),
        "payload": b"\x00\xff sealed",
    }
    return InvocationRecord(**(facts | changes))


@pytest.mark.parametrize(
    "record",
    [
        decision(),
        without_authorization(criteria=(), policies=(), service_date=None),
        decision(order_reference="MedicationRequest/ü\n\x00"),
        invocation(),
        invocation(payload=None, cards=()),
        FeedbackRecord("f-1", NOW, "order-sign-crd", None, "card-1", "overridden", suggestions=("a", "b")),
    ],
    ids=lambda record: type(record).__name__,
)
def test_a_record_reads_back_as_it_was(record: Any) -> None:
    line = to_line(record)
    assert line is not None
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert from_line(line) == record


def test_text_that_no_database_takes_has_no_line() -> None:
    assert to_line(decision(order_reference="MedicationRequest/\ud800")) is None


def test_what_the_database_encrypts_never_waits_on_disk() -> None:
    chart = b'{"resourceType": "Patient"}'
    request = DocumentationRequest("CA-1", "order", "https://ehr.example.org", NOW, NOW, lambda: chart)
    report = FormErrorRecord("e-1", NOW, None, "http://example.org/form|1", (), lambda: chart)
    assert (to_line(request), to_line(report)) == (None, None)


def test_a_field_that_this_release_does_not_know_is_left_out() -> None:
    content = orjson.loads(to_line(decision()) or b"")
    content["record"]["of_a_later_release"] = 1
    assert from_line(orjson.dumps(content)) == decision()


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"kind": "Unknown", "record": {}}', b'{"kind": "DecisionRecord", "record": {}}'],
)
def test_another_line_is_refused_without_repeating_it(line: bytes) -> None:
    with pytest.raises(UnreadableLineError, match=r"^unreadable record: [A-Za-z]+$"):
        from_line(line)
