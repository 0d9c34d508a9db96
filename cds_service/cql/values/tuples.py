"""CQL tuples."""

from __future__ import annotations

from typing import Any


class CqlTuple(dict[str, Any]):
    """A tuple of CQL: element name -> value, in the order of the source."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"CqlTuple({dict(self)!r})"
