"""Date, DateTime and Time with partial precision (CQL 1.5, appendix B; ISO 8601 text forms).

A value holds only the parts that are known, most significant first, in `parts`: the length of the tuple is
its precision. Python's own `==` and `hash` are structural; the comparison of CQL, which may be undecided,
is an operator.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import ClassVar, Self

from cds_service.cql.values.timezone import default_offset_minutes, offset_text, parse_offset

PRECISIONS = ("year", "month", "day", "hour", "minute", "second", "millisecond")
TIME_PRECISIONS = PRECISIONS[3:]
LENGTHS = {name: length for length, name in enumerate(PRECISIONS, start=1)}

_LOWEST = (1, 1, 1, 0, 0, 0, 0)
_HIGHEST = (9999, 12, 31, 23, 59, 59, 999)
_NAMES_OF_LIMITS = tuple(zip(PRECISIONS, _LOWEST, _HIGHEST, strict=True))

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_TIME_PATTERN = r"(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?"
_TIME = re.compile(rf"T?{_TIME_PATTERN}(Z|[+-]\d\d:\d\d)?", re.ASCII)
# YYYY-MM-DDThh:mm:ss, then a fraction or the time zone.
_SEPARATORS_OF = itemgetter(4, 7, 10, 13, 16)
_SEPARATORS = ("-", "-", "T", ":", ":")
_AFTER_SECONDS = frozenset(".Z+-")
_DATE_TIME = re.compile(rf"{_DATE.pattern}(?:T(?:{_TIME_PATTERN})?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)


def _known_parts(parts: tuple[int | None, ...], first: int) -> tuple[int, ...]:
    """The parts before the first unknown one, checked against their ranges."""
    known: list[int] = []
    for index, part in enumerate(parts):
        if part is None:
            if any(later is not None for later in parts[index:]):
                raise ValueError(f"{PRECISIONS[first + index]} is missing but a finer part is given")
            break
        name, least, most = _NAMES_OF_LIMITS[first + index]
        if not least <= part <= most:
            raise ValueError(f"{name} {part} is not from {least} to {most}")
        known.append(part)
    if not known:
        raise ValueError(f"at least the {PRECISIONS[first]} is needed")
    if first == 0 and len(known) > 2 and known[2] > 28 and known[2] > monthrange(known[0], known[1])[1]:
        raise ValueError(f"{known[0]:04}-{known[1]:02} has no day {known[2]}")
    return tuple(known)


def _numbers(texts: Iterable[str | None]) -> tuple[int | None, ...]:
    return tuple(None if text is None else int(text) for text in texts)


class Temporal:
    """What Date, DateTime and Time share: the known parts, most significant first."""

    __slots__ = ("offset_minutes", "parts")
    names: ClassVar[tuple[str, ...]] = PRECISIONS
    parts: tuple[int, ...]
    offset_minutes: int | None  # of DateTime only; None: none was given

    @classmethod
    def of_parts(cls, parts: tuple[int, ...], offset_minutes: int | None = None) -> Self:
        """A value from parts that are known to be valid: nothing is checked."""
        value = cls.__new__(cls)
        value.parts = parts
        value.offset_minutes = offset_minutes
        return value

    def with_parts(self, parts: tuple[int, ...]) -> Self:
        """The same kind of value (and time zone) with other parts, which must be valid."""
        return self.of_parts(parts, self.offset_minutes)

    @property
    def precision(self) -> str:
        """The finest part known: "year" to "millisecond"."""
        return self.names[len(self.parts) - 1]

    @property
    def is_complete(self) -> bool:
        """Whether every part is known."""
        return len(self.parts) == len(self.names)

    def part(self, name: str) -> int | None:
        """One part by name, None when it is not known or not of this type."""
        try:
            return self.parts[self.names.index(name)]
        except (IndexError, ValueError):
            return None

    def lowest(self) -> Self:
        """The earliest complete value that this one may stand for."""
        raise NotImplementedError

    def highest(self) -> Self:
        """The latest complete value that this one may stand for."""
        raise NotImplementedError

    def truncate(self, length: int) -> Self:
        """Only the first `length` parts."""
        return self if len(self.parts) <= length else self.with_parts(self.parts[:length])

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class _Calendar(Temporal):
    """Date and DateTime: values with a year."""

    __slots__ = ()

    @property
    def year(self) -> int:
        return self.parts[0]

    @property
    def month(self) -> int | None:
        return self.parts[1] if len(self.parts) > 1 else None

    @property
    def day(self) -> int | None:
        return self.parts[2] if len(self.parts) > 2 else None

    def lowest(self) -> Self:
        """The earliest complete value that this one may stand for."""
        known, size = self.parts, len(self.names)
        return self if len(known) == size else self.with_parts(known + _LOWEST[len(known) : size])

    def highest(self) -> Self:
        """The latest complete value that this one may stand for."""
        known, size = self.parts, len(self.names)
        if len(known) == size:
            return self
        if len(known) < 3:
            year, month = known[0], known[1] if len(known) > 1 else 12
            known = (year, month, monthrange(year, month)[1])
        return self.with_parts(known + _HIGHEST[len(known) : size])


class Date(_Calendar):
    """A day, a month or a year."""

    __slots__ = ()
    names = PRECISIONS[:3]

    def __init__(self, year: int, month: int | None = None, day: int | None = None) -> None:
        self.parts = _known_parts((year, month, day), 0)
        self.offset_minutes = None

    @classmethod
    def parse(cls, text: str) -> Date:
        """Read YYYY, YYYY-MM or YYYY-MM-DD.

        Raises ValueError for anything else.
        """
        if len(text) == 10 and text[4] == text[7] == "-":
            return cls.from_python(date.fromisoformat(text))
        match = _DATE.fullmatch(text)
        if match is None:
            raise ValueError(f"not a date: {text!r}")
        return cls.of_parts(_known_parts(_numbers(match.groups()), 0))

    @classmethod
    def from_python(cls, value: date) -> Date:
        """The day of a Python date or datetime."""
        return cls.of_parts((value.year, value.month, value.day))

    def to_python(self) -> date:
        """The Python date. Raises ValueError when the day is not known."""
        if len(self.parts) < 3:
            raise ValueError(f"{self} is not a full date")
        return date(*self.parts)

    def __str__(self) -> str:
        return _date_text(self.parts)


class DateTime(_Calendar):
    """A point in time; without an offset it is in the time zone of the evaluation."""

    __slots__ = ()

    def __init__(
        self,
        year: int,
        month: int | None = None,
        day: int | None = None,
        hour: int | None = None,
        minute: int | None = None,
        second: int | None = None,
        millisecond: int | None = None,
        offset: Decimal | int | None = None,
    ) -> None:
        self.parts = _known_parts((year, month, day, hour, minute, second, millisecond), 0)
        minutes = None if offset is None else int(offset * 60)
        if minutes is not None and not -14 * 60 <= minutes <= 14 * 60:
            raise ValueError(f"time zone offset {offset} is not from -14 to 14 hours")
        self.offset_minutes = minutes

    @classmethod
    def parse(cls, text: str) -> DateTime:
        """Read an ISO 8601 date and time, cut off anywhere, with Z or an offset in hours and minutes.

        Digits beyond milliseconds are dropped. Raises ValueError for anything else.
        """
        if len(text) == 10 and text[4] == text[7] == "-":
            day = date.fromisoformat(text)
            return cls.of_parts((day.year, day.month, day.day))
        if text[19:20] in _AFTER_SECONDS and (text[-1] == "Z" or text[-6] in "+-"):
            return cls._from_common_form(text)
        match = _DATE_TIME.fullmatch(text)
        if match is None:
            raise ValueError(f"not a date and time: {text!r}")
        *parts, fraction, zone = match.groups()
        parts.append((fraction + "00")[:3] if fraction else None)
        offset = None if zone is None else parse_offset(zone)
        return cls.of_parts(_known_parts(_numbers(parts), 0), offset)

    @classmethod
    def _from_common_form(cls, text: str) -> DateTime:
        """Read YYYY-MM-DDThh:mm:ss, with a fraction or not, and Z or an offset: what most records have."""
        if _SEPARATORS_OF(text) != _SEPARATORS:
            raise ValueError(f"not a date and time: {text!r}")
        moment = datetime.fromisoformat(text)
        to_the_second = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
        parts: tuple[int, ...] = to_the_second
        if text[19] == ".":
            if not text[20].isdigit():
                raise ValueError(f"not a date and time: {text!r}")
            parts = (*to_the_second, moment.microsecond // 1000)
        return cls.of_parts(parts, 0 if text[-1] == "Z" else parse_offset(text[-6:]))

    @classmethod
    def from_python(cls, value: datetime) -> DateTime:
        """All parts of a Python datetime to the millisecond, with its offset when it is aware."""
        offset: timedelta | None = value.utcoffset()
        return cls.of_parts(
            (
                value.year,
                value.month,
                value.day,
                value.hour,
                value.minute,
                value.second,
                value.microsecond // 1000,
            ),
            None if offset is None else int(offset.total_seconds() // 60),
        )

    @property
    def offset(self) -> Decimal | None:
        """The offset from UTC in hours, None when none was given."""
        return None if self.offset_minutes is None else Decimal(self.offset_minutes) / 60

    @property
    def effective_offset_minutes(self) -> int:
        """The offset from UTC in minutes, that of the evaluation when none was given."""
        return default_offset_minutes() if self.offset_minutes is None else self.offset_minutes

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, DateTime)
            and self.parts == other.parts
            and self.offset_minutes == other.offset_minutes
        )

    def __hash__(self) -> int:
        return hash(self.parts)

    def __str__(self) -> str:
        text = _date_text(self.parts[:3])
        if len(self.parts) > 3:
            text += f"T{_time_text(self.parts[3:])}"
            if self.offset_minutes is not None:
                text += offset_text(self.offset_minutes)
        return text


class Time(Temporal):
    """A time of day, without a time zone."""

    __slots__ = ()
    names = TIME_PRECISIONS

    def __init__(
        self, hour: int, minute: int | None = None, second: int | None = None, millisecond: int | None = None
    ) -> None:
        self.parts = _known_parts((hour, minute, second, millisecond), 3)
        self.offset_minutes = None

    @classmethod
    def parse(cls, text: str) -> Time:
        """Read hh, hh:mm, hh:mm:ss or hh:mm:ss.fff, a leading T allowed, a time zone ignored.

        Raises ValueError for anything else.
        """
        match = _TIME.fullmatch(text)
        if match is None:
            raise ValueError(f"not a time: {text!r}")
        *parts, fraction, _zone = match.groups()
        parts.append((fraction + "00")[:3] if fraction else None)
        return cls.of_parts(_known_parts(_numbers(parts), 3))

    @classmethod
    def from_python(cls, value: datetime) -> Time:
        """The time of day of a Python datetime, to the millisecond."""
        return cls.of_parts((value.hour, value.minute, value.second, value.microsecond // 1000))

    @property
    def hour(self) -> int:
        return self.parts[0]

    def lowest(self) -> Time:
        """The earliest complete time that this one may stand for."""
        return self.of_parts(self.parts + _LOWEST[3 + len(self.parts) :])

    def highest(self) -> Time:
        """The latest complete time that this one may stand for."""
        return self.of_parts(self.parts + _HIGHEST[3 + len(self.parts) :])

    def __str__(self) -> str:
        return _time_text(self.parts)


def _date_text(parts: tuple[int, ...]) -> str:
    return "-".join([f"{parts[0]:04}", *(f"{part:02}" for part in parts[1:])])


def _time_text(parts: tuple[int, ...]) -> str:
    text = ":".join(f"{part:02}" for part in parts[:3])
    return f"{text}.{parts[3]:03}" if len(parts) > 3 else text
