"""Used tokens while the database is down."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cds_service.hooks.trust.replay import UsedHere, with_stand_in

UNTIL = datetime.fromtimestamp(1_000, UTC)


@pytest.mark.parametrize(
    ("database", "first", "second"), [(True, True, False), (False, False, False), (None, True, False)]
)
def test_the_stand_in_counts_only_when_the_database_cannot_tell(
    database: bool | None, first: bool, second: bool
) -> None:
    first_use = with_stand_in(lambda issuer, token_id, until: database, UsedHere())
    assert (first_use("a", "1", UNTIL), first_use("a", "1", UNTIL)) == (first, second)


def test_what_was_used_before_the_database_went_down_is_remembered() -> None:
    answers: list[bool | None] = [True, None]
    first_use = with_stand_in(lambda issuer, token_id, until: answers.pop(0), UsedHere())
    assert (first_use("a", "1", UNTIL), first_use("a", "1", UNTIL)) == (True, False)


def test_expired_tokens_are_forgotten() -> None:
    now = [0.0]
    here = UsedHere(lambda: now[0])
    for number in range(999):
        here("a", str(number), UNTIL)
    now[0] = 1_001.0
    here("a", "999", datetime.fromtimestamp(2_000, UTC))
    assert here("a", "0", UNTIL) is True
    assert here("a", "999", UNTIL) is False
