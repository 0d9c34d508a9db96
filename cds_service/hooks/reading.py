"""Bytes to plain JSON values, with limits on size and nesting checked before anything recursive runs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from cds_service.hooks.errors import ErrorKind, RequestError

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_OTHER_BYTES: Final = bytes(set(range(256)) - set(b'"[]{}'))

# Numbers that a double would write differently: trailing zeros, exponents, very many digits.
_INEXACT_NUMBER: Final = re.compile(
    rb"[\s:,\[]-?(?:\d+\.\d+0(?=[\s,}\]])|\d+(?:\.\d+)?[eE]|\d[\d.]{15,}(?=[\s,}\]]))"
)


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How much one request may hold: bytes, levels of nesting, orders."""

    max_body_bytes: int = 4_194_304
    max_nesting: int = 64
    max_orders: int = 100


class ExactNumber(float):
    """A JSON number that remembers how it was written, so that an order goes back as it came.

    FHIR gives meaning to the digits of a decimal: 2.50 is not 2.5 (FHIR R4, Datatypes, decimal).
    `write_json` writes the digits; arithmetic sees a float.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> ExactNumber:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.text,)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def _exact_integer(text: str) -> int | ExactNumber:
    value = int(text) if len(text) < 20 else 1 << 64
    return value if abs(value) < 1 << 63 else ExactNumber(text)


def read_json(body: bytes, limits: RequestLimits) -> Any:
    """Parse one body; raises RequestError (NOT_JSON, TOO_LARGE, TOO_DEEP).

    A byte order mark is ignored (RFC 8259 section 8.1 allows that); NaN, lone surrogates and other
    encodings than UTF-8 are not JSON.
    """
    if len(body) > limits.max_body_bytes:
        raise RequestError(
            "CDS-1003", f"The body is larger than {limits.max_body_bytes} bytes.", kind=ErrorKind.TOO_LARGE
        )
    if body.startswith(_BYTE_ORDER_MARK):
        body = body[len(_BYTE_ORDER_MARK) :]
    if not body.strip():
        raise RequestError("CDS-1001", "The body is empty.", kind=ErrorKind.NOT_JSON)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "recursion" in error.msg.lower():
            raise _too_deep(limits) from None
        raise RequestError(
            "CDS-1002",
            f"The body is not JSON: error at line {error.lineno}, column {error.colno}.",
            kind=ErrorKind.NOT_JSON,
        ) from None
    check_nesting(body, value, limits)
    return value


def has_float(value: Any) -> bool:
    """Whether a checked JSON value holds any number that is no whole 64-bit integer."""
    level = [value]
    while level:
        below: list[Any] = []
        for each in level:
            if type(each) is dict:
                below.extend(each.values())
            elif type(each) is list:
                below.extend(each)
            elif type(each) is float:
                return True
        level = below
    return False


def read_exactly(body: bytes) -> Any | None:
    """The same JSON with every number as written, or None when doubles already write them the same.

    Call it only with a body that `read_json` accepted.
    """
    if _INEXACT_NUMBER.search(body) is None:
        return None
    text = body.removeprefix(_BYTE_ORDER_MARK)
    return json.loads(text, parse_float=ExactNumber, parse_int=_exact_integer)


def check_nesting(body: bytes, value: Any, limits: RequestLimits) -> None:
    """Raise RequestError (TOO_DEEP) when objects and lists are nested too deeply; no recursion.

    Most bodies are settled by their brackets alone, three times as fast as a walk through the value.
    """
    if not _is_surely_flat(body, limits.max_nesting):
        _walk(value, limits)


def _is_surely_flat(body: bytes, most: int) -> bool:
    """True when the brackets show at most `most` levels; False when they show more or cannot tell.

    One round removes every innermost pair, so at most two levels. Without escapes quotes pair up, so a
    bracket inside a text leaves quotes behind and stops this.
    """
    if b"\\" in body:
        return False
    brackets = body.translate(None, _OTHER_BYTES).replace(b'""', b"")
    for _ in range(most // 2):
        if not brackets:
            return True
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


def _walk(value: Any, limits: RequestLimits) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    depth = 0
    while level:
        depth += 1
        if depth > limits.max_nesting:
            raise _too_deep(limits)
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]


def _too_deep(limits: RequestLimits) -> RequestError:
    return RequestError(
        "CDS-1004", f"The body is nested deeper than {limits.max_nesting} levels.", kind=ErrorKind.TOO_DEEP
    )


def _write_number(value: Any) -> Any:
    if isinstance(value, ExactNumber):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write_json(value: Any) -> bytes:
    """Compact JSON bytes (CRD: no insignificant white space), numbers of the request as they were written."""
    return orjson.dumps(value, default=_write_number)
