"""The time zone of an evaluation: what a DateTime without an offset means (CQL 1.5, Now and DateTime)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

_offset_minutes: ContextVar[int] = ContextVar("offset_minutes", default=0)

default_offset_minutes = _offset_minutes.get


@contextmanager
def time_zone_of(now: datetime) -> Iterator[None]:
    """Evaluate in the time zone of `now` (UTC when it is naive): per thread and task, restored on leaving."""
    offset = now.utcoffset()
    token = _offset_minutes.set(0 if offset is None else int(offset.total_seconds() // 60))
    try:
        yield
    finally:
        _offset_minutes.reset(token)


def parse_offset(text: str) -> int:
    """Minutes from UTC of "Z" or "+hh:mm".

    Raises ValueError when it is beyond 14 hours.
    """
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    if minutes > 14 * 60 or int(text[4:6]) > 59:
        raise ValueError(f"not a time zone offset: {text!r}")
    return -minutes if text[0] == "-" else minutes


def offset_text(minutes: int) -> str:
    """+hh:mm for minutes from UTC."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
