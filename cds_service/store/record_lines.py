"""Records as lines of JSON and back, for files that outlive the process that wrote them."""

from __future__ import annotations

import base64
import types
from dataclasses import is_dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

import orjson

from cds_service.store.model import Record

_KINDS: Final[dict[str, type[Any]]] = {each.__name__: each for each in get_args(Record)}


class UnreadableLineError(ValueError):
    """The line is none of a record that this release knows; the message holds nothing of it."""


def to_line(record: Record) -> bytes | None:
    """One line with its end, a few microseconds of work; None for what must not lie on disk as it is.

    That is content to be encrypted, which records give as a function, and text that no database takes.
    """
    try:
        return orjson.dumps(
            {"kind": type(record).__name__, "record": record},
            default=_bytes_as_text,
            option=orjson.OPT_APPEND_NEWLINE,
        )
    except TypeError:  # a function, or half a surrogate pair
        return None


def from_line(line: bytes) -> Record:
    """The record of a line; fields that it lacks have their default. Raises UnreadableLineError."""
    try:
        content = orjson.loads(line)
        return cast(Record, _read(_KINDS[content["kind"]], content["record"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableLineError(f"unreadable record: {type(error).__name__}") from None


def _bytes_as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(cls: Any, content: dict[str, Any]) -> Any:
    hints = _hints(cls)
    return cls(**{name: _value(hints[name], value) for name, value in content.items() if name in hints})


def _value(hint: Any, value: Any) -> Any:
    """The value as its field has it: JSON knows neither days nor bytes nor tuples."""
    if value is None:
        return None
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], each) for each in value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is date:
        return date.fromisoformat(value)
    if hint is bytes:
        return base64.b64decode(value)
    return _read(hint, value) if is_dataclass(hint) and isinstance(hint, type) else value
