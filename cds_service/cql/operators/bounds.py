"""The first and the last point of an interval (CQL 1.5, author's guide, interval values).

A null bound that is closed is the least or greatest value of the point type. A null bound that is open is
unknown: an Uncertain between that limit and the other bound, so that what follows is decided only when it
holds wherever the bound lies. When the point type is not known either, the bound is null.
"""

from __future__ import annotations

from typing import Any

from cds_service.cql.errors import CqlRuntimeError
from cds_service.cql.operators.comparison import less
from cds_service.cql.operators.steps import limit_like, predecessor, successor
from cds_service.cql.values.interval import Interval
from cds_service.cql.values.uncertain import Uncertain


def start(interval: Interval | None) -> Any:
    """The first point, Uncertain when unknown."""
    if interval is None:
        return None
    low = interval.low
    if low is not None:
        return low if interval.low_closed else successor(low)
    least = limit_like(interval.high, interval.point_type, highest=False)
    if interval.low_closed or least is None:
        return least
    last = end(interval) if interval.high is not None else limit_like(None, interval.point_type, True)
    return Uncertain(least, last)


def end(interval: Interval | None) -> Any:
    """The last point, Uncertain when unknown."""
    if interval is None:
        return None
    high = interval.high
    if high is not None:
        return high if interval.high_closed else predecessor(high)
    most = limit_like(interval.low, interval.point_type, highest=True)
    if interval.high_closed or most is None:
        return most
    first = start(interval) if interval.low is not None else limit_like(None, interval.point_type, False)
    return Uncertain(first, most)


def start_of(interval: Interval | None) -> Any:
    """The operator `start of`: null when the bound is unknown."""
    if interval is None or (interval.low is None and not interval.low_closed):
        return None
    return start(interval)


def end_of(interval: Interval | None) -> Any:
    """The operator `end of`: null when the bound is unknown."""
    if interval is None or (interval.high is None and not interval.high_closed):
        return None
    return end(interval)


def make_interval(
    low: Any, high: Any, low_closed: bool = True, high_closed: bool = True, point_type: str | None = None
) -> Interval:
    """The Interval selector.

    Raises CqlRuntimeError when the first point would lie after the last one.
    """
    interval = Interval(low, high, low_closed, high_closed, point_type)
    if low is not None and high is not None and less(end(interval), start(interval)):
        raise CqlRuntimeError(f"{interval} ends before it starts")
    return interval


OPERATORS = {"Start": start_of, "End": end_of}
