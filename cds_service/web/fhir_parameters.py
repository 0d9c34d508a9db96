"""FHIR Parameters as clients send them: read leniently where nothing hangs on it, refused by element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from cds_service.hooks.errors import ErrorKind, RequestError

Resource = Mapping[str, Any]

Value = TypeVar("Value")

MOST_PARAMETERS: Final = 1_000
LONGEST_TEXT: Final = 2_000


class Parameters:
    """The parameters of one operation by name, each with its place in the body."""

    def __init__(self, body: object) -> None:
        """Raises RequestError for what is no Parameters resource."""
        if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
            raise wrong("Parameters", "The body must be a Parameters resource.")
        given = body.get("parameter", [])
        if not isinstance(given, list):
            raise wrong("Parameters.parameter", "Parameters.parameter must be a list.")
        if len(given) > MOST_PARAMETERS:
            raise RequestError(
                "CDS-1003",
                f"There are more than {MOST_PARAMETERS} parameters.",
                ("Parameters.parameter",),
                ErrorKind.TOO_LARGE,
            )
        self._given: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
        for position, each in enumerate(given):
            place = f"Parameters.parameter[{position}]"
            if not isinstance(each, dict) or not isinstance(name := each.get("name"), str):
                raise wrong(place, f"{place} must have a name.")
            self._given.setdefault(name, []).append((place, each))

    def resources(self, name: str) -> Iterator[tuple[str, Resource]]:
        """Every resource of this name with its place; raises RequestError for one that is none."""
        for place, each in self._given.get(name, ()):
            resource = each.get("resource")
            if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
                raise wrong(f"{place}.resource", f"The parameter {name} must hold a FHIR resource.")
            yield f"{place}.resource", resource

    def texts(self, name: str, *kinds: str) -> Iterator[tuple[str, str]]:
        """Every value of this name, whichever of `kinds` ("Canonical", "Uri") it was given as."""
        for place, each in self._given.get(name, ()):
            values = [each[f"value{kind}"] for kind in kinds if f"value{kind}" in each]
            if (
                len(values) != 1
                or not isinstance(values[0], str)
                or not 0 < len(values[0].strip()) <= LONGEST_TEXT
            ):
                raise wrong(place, f"The parameter {name} must have one value{kinds[0]}.")
            yield place, values[0].strip()

    def text(self, name: str, *kinds: str) -> tuple[str, str] | None:
        """The only value of this name; raises RequestError for several."""
        return _only(name, list(self.texts(name, *kinds)))

    def integer(self, name: str) -> str | None:
        """The only valueInteger of this name as text; raises RequestError for several or for no integer."""
        found = _only(name, [(place, each.get("valueInteger")) for place, each in self._given.get(name, ())])
        if found is None:
            return None
        place, value = found
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong(place, f"The parameter {name} must have one valueInteger.")
        return str(value)

    def resource(self, name: str) -> tuple[str, Resource] | None:
        """The only resource of this name; raises RequestError for several."""
        return _only(name, list(self.resources(name)))


def wrong(place: str, text: str) -> RequestError:
    """What the operation takes is missing or has the wrong form; 400."""
    return RequestError("CDS-1220", text, (place,), ErrorKind.OPERATION)


def _only(name: str, found: list[tuple[str, Value]]) -> tuple[str, Value] | None:
    if len(found) > 1:
        raise wrong(found[1][0], f"The parameter {name} may be given only once.")
    return found[0] if found else None
