"""How many calls a client may make."""

from __future__ import annotations

from cds_service.hooks.trust.rate import RateLimit


def test_a_minute_s_calls_at_once_then_one_as_each_is_earned() -> None:
    now = [0.0]
    rate = RateLimit(60, lambda: now[0])
    assert [rate.take("a") for _ in range(60)] == [None] * 60
    assert rate.take("a") == 1
    now[0] = 1.0
    assert rate.take("a") is None
    assert rate.take("a") == 1
    now[0] = 3_600.0
    assert [rate.take("a") for _ in range(60)] == [None] * 60
    assert rate.take("a") == 1


def test_the_wait_is_the_time_until_the_next_call_is_earned() -> None:
    rate = RateLimit(1, lambda: 0.0)
    assert (rate.take("a"), rate.take("a")) == (None, 60)


def test_clients_do_not_use_up_each_other_s_calls() -> None:
    rate = RateLimit(1, lambda: 0.0)
    assert (rate.take("a"), rate.take("b"), rate.take("a")) == (None, None, 60)


def test_no_limit() -> None:
    rate = RateLimit(0, lambda: 0.0)
    assert [rate.take("a") for _ in range(10_000)] == [None] * 10_000
