"""Dates and times as values: text forms, precision, ranges."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.values import Date, DateTime, Temporal, Time

TEXTS: dict[str, tuple[Temporal, str]] = {
    "2014": (Date(2014), "year"),
    "2014-05": (Date(2014, 5), "month"),
    "2014-05-17": (Date(2014, 5, 17), "day"),
    "2014-05-17T10": (DateTime(2014, 5, 17, 10), "hour"),
    "2014-05-17T10:20:30": (DateTime(2014, 5, 17, 10, 20, 30), "second"),
    "2014-05-17T10:20:30.045": (DateTime(2014, 5, 17, 10, 20, 30, 45), "millisecond"),
    "2014-05-17T10:20:30.045+05:30": (DateTime(2014, 5, 17, 10, 20, 30, 45, Decimal("5.5")), "millisecond"),
    "10": (Time(10), "hour"),
    "10:20": (Time(10, 20), "minute"),
    "10:20:30.500": (Time(10, 20, 30, 500), "millisecond"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_text_and_value_are_one(text: str) -> None:
    value, precision = TEXTS[text]
    assert type(value).parse(text) == value  # type: ignore[attr-defined]
    assert str(value) == text
    assert value.precision == precision


def test_lenient_forms() -> None:
    assert DateTime.parse("2014T") == DateTime(2014)
    assert DateTime.parse("2014-05-17T10:20:30.1239999Z") == DateTime(2014, 5, 17, 10, 20, 30, 123, 0)
    assert DateTime.parse("2014-05-17T10:20:30.1239999-01:30") == DateTime(
        2014, 5, 17, 10, 20, 30, 123, Decimal("-1.5")
    )
    assert DateTime.parse("2014-05-17T10:20:30Z") == DateTime(2014, 5, 17, 10, 20, 30, offset=0)
    assert DateTime.parse("2014-05-17T10:20:30.955") == DateTime(2014, 5, 17, 10, 20, 30, 955)
    assert DateTime.parse("2014-05-17T10:20:30.1") == DateTime(2014, 5, 17, 10, 20, 30, 100)
    assert Time.parse("T14:30:00.0+05:30") == Time(14, 30, 0, 0)


@pytest.mark.parametrize(
    "text", ["", "14", "2014-13", "2014-02-30", "2014-5-1", "2014/01/01", "0000-01-01", "x" * 99]
)
def test_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Date.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "2014-01-01T24:00",
        "2014-01-01T10:60",
        "2014-01-01T10:00+15:00",
        "2014-01-01 10:00",
        "2014-01-01 10:00:00Z",
        "2014-W01-1T10:00:00Z",
        "2014-01-01T10:00:00+0530",
        "2014-01-01T10:00:00+15:00",
        "2014-01-01T10:00:00.+01:00",
        "2014-02-30T10:00:00Z",
        "2014-01-01T10:00:00ZZ",
        "2014-01-01T10:00:00.5+01:00Z",
    ],
)
def test_no_date_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        DateTime.parse(text)


@pytest.mark.parametrize("text", ["24", "10:60", "10:20:60", "10-20", "T"])
def test_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Time.parse(text)


def test_offsets() -> None:
    assert DateTime.parse("2014-01-01T10:00-01:15").offset == Decimal("-1.25")
    assert DateTime.parse("2014-01-01T10:00Z").offset == 0
    assert DateTime.parse("2014-01-01T10:00").offset is None
    with pytest.raises(ValueError, match="offset"):
        DateTime(2014, 1, 1, 10, 0, 0, 0, 15)


def test_values_that_differ_only_in_kind_or_offset_are_not_the_same_value() -> None:
    assert Date(2014, 1, 1) != DateTime(2014, 1, 1)
    assert DateTime(2014, 1, 1, 10, offset=0) != DateTime(2014, 1, 1, 10)
    assert len({Date(2014), Date(2014), Date(2014, 1)}) == 2


def test_the_range_a_partial_value_stands_for() -> None:
    assert (Date(2024, 2).lowest(), Date(2024, 2).highest()) == (Date(2024, 2, 1), Date(2024, 2, 29))
    assert DateTime(2023).highest() == DateTime(2023, 12, 31, 23, 59, 59, 999)
    assert Time(10).highest() == Time(10, 59, 59, 999)
    assert DateTime(2023, 1, 1, 10, offset=1).lowest() == DateTime(2023, 1, 1, 10, 0, 0, 0, 1)


def test_from_and_to_python() -> None:
    moment = datetime(2024, 5, 17, 10, 20, 30, 123456, tzinfo=timezone(timedelta(hours=-5)))
    assert DateTime.from_python(moment) == DateTime(2024, 5, 17, 10, 20, 30, 123, -5)
    assert DateTime.from_python(moment.astimezone(UTC)).offset == 0
    assert Date.from_python(moment) == Date(2024, 5, 17)
    assert Time.from_python(moment) == Time(10, 20, 30, 123)
    assert Date(2024, 5, 17).to_python() == date(2024, 5, 17)
    with pytest.raises(ValueError, match="full date"):
        Date(2024, 5).to_python()


def test_parts_by_name() -> None:
    value = DateTime(2024, 5, 17, 10)
    assert (value.year, value.month, value.day) == (2024, 5, 17)
    assert value.part("hour") == 10
    assert value.part("minute") is None
    assert Time(10).hour == 10
    assert Time(10).part("day") is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_moment_survives_its_text(moment: datetime) -> None:
    value = DateTime.from_python(moment)
    assert DateTime.parse(str(value)) == value
