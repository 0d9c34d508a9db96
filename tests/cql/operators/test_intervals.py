"""Intervals: relations, bounds that are open or unknown, sets, Collapse and Expand."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators import OPERATORS
from cds_service.cql.operators.bounds import make_interval
from cds_service.cql.values import Date, DateTime, Interval, Quantity, Time, Uncertain

D = Decimal
on = Date.parse
at = DateTime.parse


def q(number: str, unit: str = "1") -> Quantity:
    return Quantity(D(number), unit)


def span(text: str) -> Interval:
    """An interval of Integers from its CQL form: "[1, 10)", "(null, 5]"."""
    low, high = (None if part == "null" else int(part) for part in text[1:-1].split(", "))
    return Interval(low, high, text[0] == "[", text[-1] == "]", "System.Integer")


def days(low: str, high: str) -> Interval:
    return Interval(on(low), on(high))


RELATIONS: dict[str, bool | None] = {
    "[1, 10] Before [11, 20]": True,
    "[1, 10] Before [10, 20]": False,
    "[11, 20] After [1, 10]": True,
    "(null, 5] Before [6, 10]": True,
    "[1, null) Before [6, 10]": None,
    "[1, null] Before [6, 10]": False,
    "[1, 10] Overlaps [10, 20]": True,
    "[4, 10) Overlaps [10, 20]": False,
    "[4, 11) Overlaps (9, 20]": True,
    "[1, null) Overlaps [6, 10]": None,
    "[1, 10] OverlapsBefore [4, 10]": True,
    "[4, 10] OverlapsBefore [4, 10]": False,
    "(3, 10] OverlapsBefore [4, 10]": False,
    "[4, 15] OverlapsAfter [1, 10]": True,
    "[4, 11) OverlapsAfter [4, 10]": False,
    "[1, 10] Meets [11, 20]": True,
    "[1, 10] Meets [10, 20]": False,
    "[11, 20] MeetsAfter [1, 10]": True,
    "[1, 10] MeetsBefore [12, 20]": False,
    "(null, 5] MeetsBefore (null, 25]": None,
    "(null, 5] MeetsAfter [11, null)": False,
    "[1, 2147483647] MeetsBefore [1, 5]": False,
    "[4, 10] Starts [4, 15]": True,
    "[4, 16] Starts [4, 15]": False,
    "[4, 10] Ends [1, 10]": True,
    "[0, 10] Ends [1, 10]": False,
    "[1, 10] Ends (null, null)": None,
    "[1, 10] Includes [4, 10]": True,
    "[1, 10] Includes [4, 11]": False,
    "[1, null] Includes [4, 100]": True,
    "[1, null) Includes [4, 100]": None,
    "[1, null) Includes [0, 100]": False,
    "[4, 10] IncludedIn [1, 10]": True,
    "[1, 10] ProperIncludes [1, 10]": False,
    "[1, 10] ProperIncludes [4, 10]": True,
    "[null, null] ProperIncludes [1, 10]": True,
    "[4, 10] ProperIncludedIn [1, 10]": True,
    "[4, 6] SameOrBefore [6, 9]": True,
    "[6, 9] SameOrAfter [4, 6]": True,
    "[4, 6] SameAs [4, 7)": True,
}


@pytest.mark.parametrize(("text", "expected"), RELATIONS.items(), ids=RELATIONS.keys())
def test_relations(text: str, expected: bool | None) -> None:
    name = next(word for word in text.split() if word.isalpha() and word[0].isupper())
    left, right = text.split(f" {name} ")
    assert OPERATORS[name](span(left), span(right)) is expected


@pytest.mark.parametrize(
    "name", ["Overlaps", "Meets", "Starts", "Ends", "Includes", "IncludedIn", "Before", "After", "SameAs"]
)
def test_null_leaves_every_relation_open(name: str) -> None:
    assert OPERATORS[name](None, span("[1, 10]")) is None
    assert OPERATORS[name](span("[1, 10]"), None) is None


FEBRUARY_TO_MARCH = Interval(at("2012-02"), at("2012-03"))

DATED: dict[str, tuple[str, Any, Any, str | None, bool | None]] = {
    "an interval of months overlaps one of days, perhaps": (
        "Overlaps",
        Interval(at("2012-02-25"), at("2012-03-26")),
        Interval(at("2012-01-10"), at("2012-02")),
        None,
        None,
    ),
    "seconds in an interval of milliseconds": (
        "IncludedIn",
        Interval(at("2017-09-01T00:00:00"), at("2017-09-01T00:00:00")),
        Interval(at("2017-09-01T00:00:00.000"), at("2017-12-30T23:59:59.999")),
        None,
        None,
    ),
    "the same, by day": (
        "IncludedIn",
        Interval(at("2017-09-01T00:00:00"), at("2017-09-01T00:00:00")),
        Interval(at("2017-09-01T00:00:00.000"), at("2017-12-30T23:59:59.999")),
        "day",
        True,
    ),
    "a day in an interval of days": ("In", on("2012-01-15"), days("2012-01-01", "2012-01-15"), None, True),
    "a month in an interval of days": ("In", on("2012-01"), days("2012-01-01", "2012-01-15"), None, None),
    "a month before an open end in the next month": (
        "In",
        on("2025-06"),
        Interval(on("2025-04-02"), on("2025-07-01"), True, False),
        None,
        True,
    ),
    "a month after an open start in the month before": (
        "In",
        on("2025-06"),
        Interval(on("2025-05-31"), on("2025-07-01"), False, True),
        None,
        True,
    ),
    "a month in an interval, by month": (
        "In",
        on("2012-01"),
        days("2012-01-01", "2012-01-15"),
        "month",
        True,
    ),
    "in an interval without an end": ("In", on("2030-01-01"), Interval(on("2012-01-01"), None), None, True),
    "in an interval with an unknown end": (
        "In",
        on("2030-01-01"),
        Interval(on("2012-01-01"), None, True, False),
        None,
        None,
    ),
    "before an interval with an unknown end": (
        "In",
        on("2011-01-01"),
        Interval(on("2012-01-01"), None, True, False),
        None,
        False,
    ),
    "meets by day": (
        "MeetsBefore",
        Interval(at("2012-01-01T10:00:00.000"), at("2012-01-14T10:00:00.000")),
        Interval(at("2012-01-15T08:00:00.000"), at("2012-01-25T10:00:00.000")),
        "day",
        True,
    ),
    "starts by month": (
        "Starts",
        days("2012-01-05", "2012-01-25"),
        days("2012-01-06", "2012-01-27"),
        "month",
        True,
    ),
    "on or after month of a day": (
        "SameOrAfter",
        days("2012-12-01", "2013-12-01"),
        on("2012-11-15"),
        "month",
        True,
    ),
    "an hour properly in": (
        "ProperIn",
        Time(12, 0, 1),
        Interval(Time(12, 0, 0), Time(21, 0, 0)),
        "second",
        True,
    ),
    "the first point is not properly in": ("ProperIn", Time(12), Interval(Time(12), Time(21)), None, False),
}


@pytest.mark.parametrize(
    ("operator", "left", "right", "precision", "expected"), DATED.values(), ids=DATED.keys()
)
def test_dates_and_precision(
    operator: str, left: Any, right: Any, precision: str | None, expected: bool | None
) -> None:
    assert OPERATORS[operator](left, right, precision=precision) is expected


def test_an_interval_without_bounds() -> None:
    untyped, typed = Interval(None, None), span("[null, null]")
    assert OPERATORS["ProperIncludes"](untyped, span("[1, 10]")) is True
    assert OPERATORS["ProperIncludedIn"](span("[1, 10]"), untyped) is True
    assert OPERATORS["ProperIncludes"](untyped, typed) is False
    assert OPERATORS["Overlaps"](untyped, span("[1, 10]")) is None
    assert OPERATORS["In"](5, typed) is False
    assert OPERATORS["In"](5, span("(null, null]")) is None
    assert OPERATORS["Contains"](typed, None) is None
    assert OPERATORS["ProperContains"](typed, None) is None


def test_includes_and_its_kin_take_a_single_point_too() -> None:
    assert OPERATORS["Includes"](span("[1, 10]"), 10) is True
    assert OPERATORS["ProperIncludes"](span("[1, 10]"), 10) is False


def test_bounds() -> None:
    assert OPERATORS["Start"](span("(1, 10]")) == 2
    assert OPERATORS["End"](span("[1, 10)")) == 9
    assert OPERATORS["Start"](span("[null, 10]")) == -(2**31)
    assert OPERATORS["End"](span("[1, null)")) is None
    assert OPERATORS["End"](Interval(on("2012-01-01"), on("2012-02-01"), True, False)) == on("2012-01-31")
    assert OPERATORS["End"](Interval(q("1", "g"), None)) == q("99999999999999999999.99999999", "g")
    assert OPERATORS["Start"](Interval(Uncertain(1, 2), 5)) == Uncertain(1, 2)


@pytest.mark.parametrize(
    ("low", "high", "closed"), [(5, 3, True), (5, 5, False), (on("2012-02-01"), on("2012-01-01"), True)]
)
def test_an_interval_cannot_end_before_it_starts(low: Any, high: Any, closed: bool) -> None:
    with pytest.raises(CqlRuntimeError, match="ends before it starts"):
        make_interval(low, high, True, closed)


def test_width_size_and_point() -> None:
    assert OPERATORS["Width"](span("[1, 10]")) == 9
    assert OPERATORS["Size"](span("[1, 10]")) == 10
    assert OPERATORS["Width"](Interval(q("5", "g"), q("10", "g"))) == q("5", "g")
    assert OPERATORS["PointFrom"](span("[3, 3]")) == 3
    assert OPERATORS["PointFrom"](Interval(None, None)) is None
    with pytest.raises(CqlRuntimeError):
        OPERATORS["PointFrom"](span("[3, 4]"))
    with pytest.raises(CqlRuntimeError):
        OPERATORS["Width"](days("2012-01-01", "2012-01-15"))


SETS: dict[str, tuple[str, Interval | None, Interval | None, Interval | None]] = {
    "union of overlapping": ("Union", span("[1, 10]"), span("[4, 15]"), span("[1, 15]")),
    "union of meeting": ("Union", span("[1, 10]"), span("[11, 15]"), span("[1, 15]")),
    "union of apart is null": ("Union", span("[1, 10]"), span("[44, 50]"), None),
    "union with null is null": ("Union", span("[1, 10]"), None, None),
    "intersection": ("Intersect", span("[1, 10]"), span("[4, 15]"), span("[4, 10]")),
    "intersection with an unknown end": ("Intersect", span("[1, 10]"), span("[5, null)"), span("[5, null)")),
    "intersection of apart is null": ("Intersect", span("[1, 10]"), span("[11, 20]"), None),
    "difference at the end": ("Except", span("[1, 10]"), span("[4, 10]"), span("[1, 3]")),
    "difference at the start": ("Except", span("[4, 10]"), span("[1, 5]"), span("[6, 10]")),
    "difference in the middle is null": ("Except", span("[1, 10]"), span("[3, 7]"), None),
    "difference of apart": ("Except", span("[1, 10]"), span("[20, 30]"), span("[1, 10]")),
    "difference with everything is null": ("Except", span("[4, 10]"), span("[1, 20]"), None),
    "difference with all that is smaller": ("Except", span("[1, 10]"), span("[null, 3)"), span("[3, 10]")),
    "difference that is open": ("Except", span("[1, 10]"), span("(null, null)"), None),
    "difference of dates": (
        "Except",
        days("2012-01-07", "2012-01-16"),
        days("2012-01-05", "2012-01-12"),
        days("2012-01-13", "2012-01-16"),
    ),
}


@pytest.mark.parametrize(("operator", "left", "right", "expected"), SETS.values(), ids=SETS.keys())
def test_sets(operator: str, left: Interval, right: Interval, expected: Interval | None) -> None:
    assert OPERATORS[operator](left, right) == expected


COLLAPSE: dict[str, tuple[list[Interval | None], Quantity | None, list[Interval]]] = {
    "overlapping ones merge": (
        [span("[12, 19]"), span("[1, 5]"), span("[3, 7]")],
        None,
        [span("[1, 7]"), span("[12, 19]")],
    ),
    "meeting ones merge": ([span("[4, 6]"), span("[7, 8]")], None, [span("[4, 8]")]),
    "nulls and intervals without bounds are left out": ([None, Interval(None, None, False, False)], None, []),
    "one inside another": ([span("[1, 10]"), span("[2, 3]")], None, [span("[1, 10]")]),
    "a gap of two days per 3 days": (
        [days("2012-01-01", "2012-01-05"), days("2012-01-08", "2012-01-10")],
        q("3", "days"),
        [days("2012-01-01", "2012-01-10")],
    ),
    "a gap of half a gram": (
        [Interval(q("1", "g"), q("2", "g")), Interval(q("2.5", "g"), q("3", "g"))],
        q("0.5", "g"),
        [Interval(q("1", "g"), q("3", "g"))],
    ),
    "a gap per 2": ([span("[1, 3]"), span("[5, 8]")], q("2"), [span("[1, 8]")]),
}


@pytest.mark.parametrize(("intervals", "per", "expected"), COLLAPSE.values(), ids=COLLAPSE.keys())
def test_collapse(intervals: list[Interval | None], per: Quantity | None, expected: list[Interval]) -> None:
    assert OPERATORS["Collapse"](intervals, per) == expected


EXPAND: dict[str, tuple[Any, Quantity | None, list[Any] | None]] = {
    "an interval into points": (span("[1, 4)"), None, [1, 2, 3]),
    "a list into intervals": ([span("[1, 2]"), None], None, [span("[1, 1]"), span("[2, 2]")]),
    "per 2 drops the rest": (
        [span("[1, 9]")],
        q("2"),
        [span("[1, 2]"), span("[3, 4]"), span("[5, 6]"), span("[7, 8]")],
    ),
    "days": (days("2018-01-01", "2018-01-04"), q("2", "days"), [on("2018-01-01"), on("2018-01-03")]),
    "months of days": (
        days("2018-01-15", "2018-03-04"),
        q("1", "month"),
        [on("2018-01"), on("2018-02"), on("2018-03")],
    ),
    "weeks": (days("2018-01-01", "2018-01-14"), q("1", "week"), [on("2018-01-01"), on("2018-01-08")]),
    "hours of minutes": (Interval(Time(22, 30), Time(23, 30)), q("1", "hour"), [Time(22), Time(23)]),
    "minutes of hours are not known": (Interval(Time(10), Time(10)), q("1", "minute"), []),
    "tenths of a whole number": (span("[1, 1]"), q("0.5"), [D("1.0"), D("1.5")]),
    "whole numbers of decimals": (Interval(D("10.0"), D("12.5")), q("1"), [D(10), D(11), D(12)]),
    "quantities": (Interval(q("1", "g"), q("3", "g")), q("1", "g"), [q("1", "g"), q("2", "g"), q("3", "g")]),
    "the last days of the calendar": (
        days("9999-12-30", "9999-12-31"),
        None,
        [on("9999-12-30"), on("9999-12-31")],
    ),
    "null": (None, None, None),
}


@pytest.mark.parametrize(("source", "per", "expected"), EXPAND.values(), ids=EXPAND.keys())
def test_expand(source: Any, per: Quantity | None, expected: list[Any] | None) -> None:
    assert OPERATORS["Expand"](source, per) == expected


@pytest.mark.parametrize("per", [q("1"), q("0"), q("-1"), q("1", "mg")])
def test_expanding_what_is_too_large_or_senseless_is_an_error(per: Quantity) -> None:
    source = span("[0, 2000000000]") if per.unit == "1" else days("2018-01-01", "2018-01-04")
    with pytest.raises(CqlRuntimeError):
        OPERATORS["Expand"](source, per)


bounds = st.tuples(st.integers(-50, 50), st.integers(-50, 50)).map(sorted)
intervals = bounds.map(lambda ends: Interval(ends[0], ends[1]))


def points(interval: Interval) -> set[int]:
    return set(range(interval.low, interval.high + 1))


@given(intervals, intervals)
def test_relations_agree_with_the_sets_of_points(left: Interval, right: Interval) -> None:
    one, two = points(left), points(right)
    assert OPERATORS["Overlaps"](left, right) is bool(one & two)
    assert OPERATORS["Includes"](left, right) is (two <= one)
    assert OPERATORS["ProperIncludes"](left, right) is (two < one)
    assert OPERATORS["Before"](left, right) is (max(one) < min(two))
    assert OPERATORS["Meets"](left, right) is (max(one) + 1 == min(two) or max(two) + 1 == min(one))
    common = OPERATORS["Intersect"](left, right)
    assert (points(common) if common else set()) == one & two


@given(st.lists(intervals, max_size=6))
def test_collapse_keeps_the_points_and_leaves_nothing_to_merge(sources: list[Interval]) -> None:
    result = OPERATORS["Collapse"](sources, None)
    assert set().union(*map(points, result)) == set().union(*map(points, sources))
    for first, second in pairwise(result):
        assert first.high + 1 < second.low


@given(intervals, st.integers(-60, 60), st.booleans(), st.booleans())
def test_an_unknown_bound_never_decides_what_a_known_one_would_reverse(
    interval: Interval, point: int, low_unknown: bool, high_unknown: bool
) -> None:
    vague = Interval(
        None if low_unknown else interval.low,
        None if high_unknown else interval.high,
        not low_unknown,
        not high_unknown,
        "System.Integer",
    )
    answer = OPERATORS["In"](point, vague)
    assert answer is None or answer is OPERATORS["In"](point, interval)
