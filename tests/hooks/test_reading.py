"""Bytes to JSON: limits and what is not JSON."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.hooks.errors import ErrorKind, RequestError
from cds_service.hooks.reading import (
    ExactNumber,
    RequestLimits,
    check_nesting,
    has_float,
    read_exactly,
    read_json,
    write_json,
)

LIMITS = RequestLimits(max_body_bytes=1000, max_nesting=16)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        (b"", "CDS-1001", ErrorKind.NOT_JSON),
        (b" \n", "CDS-1001", ErrorKind.NOT_JSON),
        (b"\xef\xbb\xbf", "CDS-1001", ErrorKind.NOT_JSON),
        (b"{", "CDS-1002", ErrorKind.NOT_JSON),
        (b"{'a': 1}", "CDS-1002", ErrorKind.NOT_JSON),
        (b'{"a": NaN}', "CDS-1002", ErrorKind.NOT_JSON),
        (b'{"a": Infinity}', "CDS-1002", ErrorKind.NOT_JSON),
        (b'{"a": "\xff"}', "CDS-1002", ErrorKind.NOT_JSON),
        (b'{"a": "\\ud800"}', "CDS-1002", ErrorKind.NOT_JSON),
        ('{"a": 1}'.encode("utf-16"), "CDS-1002", ErrorKind.NOT_JSON),
        (b"<html>", "CDS-1002", ErrorKind.NOT_JSON),
        (b'"' + b"a" * 1000 + b'"', "CDS-1003", ErrorKind.TOO_LARGE),
        (b"[" * 17 + b"]" * 17, "CDS-1004", ErrorKind.TOO_DEEP),
    ],
)
def test_what_is_refused(text: bytes, code: str, kind: ErrorKind) -> None:
    with pytest.raises(RequestError) as caught:
        read_json(text, LIMITS)
    assert (caught.value.code, caught.value.kind) == (code, kind)


def test_nesting_beyond_the_parser_is_the_same_error() -> None:
    with pytest.raises(RequestError) as caught:
        read_json(b"[" * 100_000 + b"]" * 100_000, RequestLimits())
    assert caught.value.kind is ErrorKind.TOO_DEEP


def test_brackets_inside_text_are_not_nesting() -> None:
    assert read_json(b'{"a": "' + b"[" * 100 + b'"}', LIMITS) == {"a": "[" * 100}


def nested(value: Any) -> int:
    return 1 + max(map(nested, value), default=0) if isinstance(value, list) else 0


@given(
    st.recursive(
        st.sampled_from(["", "[", "]]", "{", '"', "\\", 'a"]', "é"]),
        lambda inner: st.lists(inner, max_size=3),
    ),
    st.integers(1, 8),
)
def test_nesting_is_counted_exactly_whatever_the_texts_hold(value: Any, most: int) -> None:
    body, limits = json.dumps(value).encode(), RequestLimits(max_nesting=most)
    if nested(value) > most:
        with pytest.raises(RequestError):
            check_nesting(body, value, limits)
    else:
        check_nesting(body, value, limits)


@pytest.mark.parametrize(("value", "expected"), [(1, False), ("1.5", False), ([{"a": 1.5}], True)])
def test_only_orders_with_decimals_are_read_again(value: Any, expected: bool) -> None:
    assert has_float(value) is expected


def test_a_byte_order_mark_is_ignored_and_the_last_of_duplicate_keys_counts() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": 1, "a": 2}', LIMITS) == {"a": 2}


@pytest.mark.parametrize("text", [b'{"a": 1.5, "b": 5.0, "c": 12}', b'{"t": "2024-01-01T10:00:00.000Z"}'])
def test_most_bodies_need_no_second_reading(text: bytes) -> None:
    assert read_exactly(text) is None


@given(st.integers(-(10**25), 10**25), st.integers(0, 12), st.sampled_from(["", "e3", "E-2"]))
def test_numbers_go_back_as_they_came(digits: int, scale: int, exponent: str) -> None:
    text = str(digits)
    if scale:
        sign, figures = ("-", text[1:]) if digits < 0 else ("", text)
        figures = figures.zfill(scale + 1)
        text = f"{sign}{figures[:-scale]}.{figures[-scale:]}"
    body = f'{{"a":{text}{exponent}}}'.encode()
    exact = read_exactly(body)
    written = write_json(read_json(body, RequestLimits()) if exact is None else exact)
    assert written == body or json.loads(written) == json.loads(body)
    if exact is not None and not (isinstance(exact["a"], int)):
        assert written == body


def test_an_exact_number_is_a_float_that_survives_copies() -> None:
    number = copy.deepcopy({"a": ExactNumber("2.50")})["a"]
    assert (number, str(number), number + 1) == (2.5, "2.50", 3.5)
