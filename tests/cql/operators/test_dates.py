"""Dates and times: construction, parts, calendar arithmetic, durations and differences."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS
from cds_service.cql.values import Date, DateTime, Quantity, Time, Uncertain
from cds_service.cql.values.timezone import time_zone_of

D = Decimal
on = Date.parse
at = DateTime.parse


def q(number: str, unit: str) -> Quantity:
    return Quantity(D(number), unit)


SUMS: dict[str, tuple[Any, str, Quantity, Any]] = {
    "leap day + 1 year is the last of February": (on("2012-02-29"), "+", q("1", "year"), on("2013-02-28")),
    "31 January + 1 month is the last of February": (
        on("2023-01-31"),
        "+",
        q("1", "month"),
        on("2023-02-28"),
    ),
    "May - 6 months is in the year before": (on("2005-05-10"), "-", q("6", "months"), on("2004-11-10")),
    "52 weeks cross a leap day": (on("2023-03-02"), "+", q("52", "weeks"), on("2024-02-29")),
    "21 days cross a month": (on("2016-06-10"), "+", q("21", "days"), on("2016-07-01")),
    "'d' is a day": (on("2016-06-10"), "+", q("21", "d"), on("2016-07-01")),
    "a year + 25 months counts whole years": (on("2014"), "+", q("25", "months"), on("2016")),
    "a month + 33 days counts whole months": (on("2014-06"), "+", q("33", "days"), on("2014-07")),
    "a day + 25 hours counts whole days": (at("2005-05-10"), "+", q("25", "hours"), at("2005-05-11")),
    "a month - almost a year of seconds": (at("2016-05"), "-", q("31535999", "seconds"), at("2015-05")),
    "the decimals of days are left out": (on("2016-06-10"), "+", q("1.9", "days"), on("2016-06-11")),
    "half a second": (
        at("2016-06-10T05:05:05.600"),
        "+",
        q("0.5", "seconds"),
        at("2016-06-10T05:05:06.100"),
    ),
    "hours cross midnight": (at("2016-06-10T05"), "-", q("6", "hours"), at("2016-06-09T23")),
    "the offset stays": (at("2016-06-10T05:00+02:00"), "+", q("1", "hour"), at("2016-06-10T06:00+02:00")),
    "a time of day wraps around": (Time(23, 30), "+", q("1", "hour"), Time(0, 30)),
    "a time of day goes back": (Time(15, 59, 59, 0), "-", q("1", "millisecond"), Time(15, 59, 58, 999)),
}


@pytest.mark.parametrize(("start", "sign", "duration", "expected"), SUMS.values(), ids=SUMS.keys())
def test_adding_durations(start: Any, sign: str, duration: Quantity, expected: Any) -> None:
    assert OPERATORS["Add" if sign == "+" else "Subtract"](start, duration) == expected


@pytest.mark.parametrize(
    ("start", "duration"),
    [
        pytest.param(on("2005-10-10"), q("8000", "years"), id="beyond the year 9999"),
        pytest.param(on("2005-10-10"), q("-800000", "days"), id="before the year 1"),
        pytest.param(on("2005-10-10"), q("5", "mg"), id="no duration"),
        pytest.param(Time(10), q("1", "day"), id="a day to a time of day"),
        pytest.param(on("2005-10-10"), 5, id="a bare number"),
    ],
)
def test_sums_that_do_not_exist(start: Any, duration: Any) -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS["Add"](start, duration)


DURATIONS: dict[str, tuple[str, Any, Any, Any]] = {
    "the day before the 18th birthday": ("year", on("2006-05-17"), on("2024-05-16"), 17),
    "the 18th birthday": ("year", on("2006-05-17"), on("2024-05-17"), 18),
    "a birthday on a leap day, on 28 February": ("year", on("2004-02-29"), on("2022-02-28"), 17),
    "a birthday on a leap day, on 1 March": ("year", on("2004-02-29"), on("2022-03-01"), 18),
    "a birth date to the year": ("year", on("1980"), on("2024-07-01"), Uncertain(43, 44)),
    "a birth date to the month": ("year", on("1980-05"), on("2024-07-01"), 44),
    "31 January to 1 February is no month": ("month", on("2014-01-31"), on("2014-02-01"), 0),
    "backwards is negative": ("day", on("2010-10-12"), on("2008-08-15"), -788),
    "a day to a month": ("day", at("2014-01-15"), at("2014-02"), Uncertain(16, 44)),
    "weeks are whole": ("week", at("2012-03-10T22:05:09"), at("2012-03-24T07:19:33"), 1),
    "hours over two offsets": ("hour", at("2017-03-12T01:00:00-07:00"), at("2017-03-12T03:00:00-06:00"), 1),
    "23 hours are no day": ("day", at("2017-03-12T00:00:00-07:00"), at("2017-03-13T00:00:00-06:00"), 0),
    "minutes of a time of day": ("minute", Time(23, 20, 16, 555), Time(23, 25, 15, 555), 4),
    "hours of dates": ("hour", on("2014-01-01"), on("2014-01-02"), Uncertain(0, 47)),
    "a date and a date with time": ("day", on("2014-01-01"), at("2014-01-03T12:00:00.000"), Uncertain(1, 2)),
    "null": ("day", None, on("2014-01-01"), None),
}


@pytest.mark.parametrize(("unit", "first", "second", "expected"), DURATIONS.values(), ids=DURATIONS.keys())
def test_durations(unit: str, first: Any, second: Any, expected: Any) -> None:
    assert OPERATORS["DurationBetween"](first, second, precision=unit) == expected
    assert OPERATORS["CalculateAgeAt"](first, second, precision=unit) == expected


DIFFERENCES: dict[str, tuple[str, Any, Any, Any]] = {
    "one night can be a year": ("year", on("2023-12-31"), on("2024-01-01"), 1),
    "months between a year and a month": ("month", at("2005"), at("2006-07"), Uncertain(7, 18)),
    "days do not look at the hour": ("day", at("2000-10-15T10:30"), at("2000-10-25T10:00"), 10),
    "Sunday to Saturday is one Sunday later": ("week", on("2000-10-15"), on("2000-10-28"), 1),
    "Sunday to Sunday": ("week", on("2000-10-15"), on("2000-10-29"), 2),
    "days keep each one's own calendar": (
        "day",
        at("2017-03-12T00:00:00-07:00"),
        at("2017-03-13T00:00:00-06:00"),
        1,
    ),
    "milliseconds over two offsets": (
        "millisecond",
        at("2000-10-10T10:05:45.500-06:00"),
        at("2000-10-10T10:05:45.900-07:00"),
        3_600_400,
    ),
    "hours of a time of day": ("hour", Time(20), Time(23, 25, 15, 555), 3),
    "hours of DateTimes to the hour": ("hour", at("2000-04-01T12"), at("2000-04-01T20"), 8),
    "null": ("day", on("2014-01-01"), None, None),
}


@pytest.mark.parametrize(
    ("unit", "first", "second", "expected"), DIFFERENCES.values(), ids=DIFFERENCES.keys()
)
def test_differences(unit: str, first: Any, second: Any, expected: Any) -> None:
    assert OPERATORS["DifferenceBetween"](first, second, precision=unit) == expected


def test_a_date_and_a_time_of_day_have_no_duration_between_them() -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS["DurationBetween"](on("2014-01-01"), Time(1), precision="hour")


MOMENT = at("2003-10-29T20:50:33.955+01:00")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("year", 2003),
        ("month", 10),
        ("day", 29),
        ("hour", 20),
        ("minute", 50),
        ("second", 33),
        ("millisecond", 955),
    ],
)
def test_parts_of_a_moment(part: str, value: int) -> None:
    assert OPERATORS["DateTimeComponentFrom"](MOMENT, precision=part) == value
    assert OPERATORS["DateTimeComponentFrom"](at("2003").truncate(0 + 1), precision="hour") is None


def test_date_time_and_offset_of_a_moment() -> None:
    assert OPERATORS["DateFrom"](MOMENT) == on("2003-10-29")
    assert OPERATORS["TimeFrom"](MOMENT) == Time(20, 50, 33, 955)
    assert OPERATORS["TimezoneOffsetFrom"](MOMENT) == D(1)
    assert OPERATORS["TimeFrom"](at("2003-10-29")) is None


def test_a_moment_without_an_offset_is_in_the_time_zone_of_the_evaluation() -> None:
    local, utc = at("2024-01-01T20:00:00.000"), at("2024-01-02T01:00:00.000Z")
    with time_zone_of(datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-5)))):
        assert OPERATORS["Equal"](local, utc) is True
        assert OPERATORS["TimezoneOffsetFrom"](local) == D(-5)
    with time_zone_of(datetime(2024, 1, 1, tzinfo=UTC)):
        assert OPERATORS["Equal"](local, utc) is False


def test_selectors() -> None:
    assert OPERATORS["Date"](2024, 2, None) == on("2024-02")
    assert OPERATORS["DateTime"](2012, 3, 10, None, None, None, None, None) == at("2012-03-10")
    assert OPERATORS["DateTime"](2012, 3, 10, 5, 0, 0, 0, D("-1.5")) == at("2012-03-10T05:00:00.000-01:30")
    assert OPERATORS["Time"](10, 30) == Time.parse("T10:30")
    assert OPERATORS["DateTime"](None, None) is None


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((10000, 1, 1), id="year 10000"),
        pytest.param((2023, 2, 29), id="29 February of a common year"),
        pytest.param((2023, None, 5), id="a day without a month"),
        pytest.param((None, 5, 5), id="a month without a year"),
    ],
)
def test_dates_that_do_not_exist(parts: tuple[int | None, ...]) -> None:
    with pytest.raises(CqlRuntimeError):
        OPERATORS["DateTime"](*parts)


SAME: dict[str, tuple[str, Any, Any, str | None, bool | None]] = {
    "2014-10 same day as 2014-10-12 is null": ("SameAs", at("2014-10"), at("2014-10-12"), "day", None),
    "2014 same year as 2014-10": ("SameAs", at("2014"), at("2014-10"), "year", True),
    "2014 same day as 2014 is null: no day is known": ("SameAs", at("2014"), at("2014"), "day", None),
    "23:55:22 same minute as 23:55:25": ("SameAs", Time(23, 55, 22), Time(23, 55, 25), "minute", True),
    "same day does not move time zones": (
        "SameAs",
        at("2022-02-22T00:00:00.000-05:00"),
        at("2022-02-22T04:59:00.000Z"),
        "day",
        True,
    ),
    "same hour moves time zones": (
        "SameAs",
        at("2012-03-10T10:20:00.999+07:00"),
        at("2012-03-10T09:20:00.999+06:00"),
        "hour",
        True,
    ),
    "same day or before": ("SameOrBefore", at("2014-10-15"), at("2014-10-20"), "day", True),
    "same day or after is null for a month": ("SameOrAfter", at("2014-12-20"), at("2014-12"), "day", None),
    "after day of a month of the past": ("After", at("2005-10-10"), at("2005-09"), "day", True),
    "before, at full precision": ("Before", at("2014-01-01"), at("2014-01-02"), None, True),
    "before null": ("Before", at("2014-01-01"), None, "day", None),
}


@pytest.mark.parametrize(
    ("operator", "left", "right", "precision", "expected"), SAME.values(), ids=SAME.keys()
)
def test_points_in_time(
    operator: str, left: Any, right: Any, precision: str | None, expected: bool | None
) -> None:
    assert OPERATORS[operator](left, right, precision=precision) is expected


dates = st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(Date.from_python)


@given(dates, st.integers(-20000, 20000))
def test_days_added_are_days_between(day: Date, number: int) -> None:
    later = OPERATORS["Add"](day, Quantity(D(number), "days"))
    assert OPERATORS["DurationBetween"](day, later, precision="day") == number
    assert OPERATORS["DifferenceBetween"](day, later, precision="day") == number


@given(dates, dates)
def test_whole_years_added_do_not_pass_the_later_date(first: Date, second: Date) -> None:
    early, late = sorted((first, second), key=lambda value: value.parts)
    years = OPERATORS["DurationBetween"](early, late, precision="year")
    reached = OPERATORS["Add"](early, Quantity(D(years), "years"))
    assert OPERATORS["SameOrBefore"](reached, late) is True


@given(dates, dates, st.integers(1, 3))
def test_an_uncertain_duration_holds_the_exact_one(first: Date, second: Date, length: int) -> None:
    exact = OPERATORS["DurationBetween"](first, second, precision="month")
    vague = OPERATORS["DurationBetween"](first.truncate(length), second, precision="month")
    low, high = (vague.low, vague.high) if isinstance(vague, Uncertain) else (vague, vague)
    assert low <= exact <= high
