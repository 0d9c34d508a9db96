"""Requests gone wrong, from good ones: seeded, so that mutation n of an example is the same in every run.

A mutation changes one to three places. It is `weakening` when all it does is take facts away or make them
unreadable. Others (another code, another date, a resource of another patient's chart) may give new support.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

Json = dict[str, Any]
Place = tuple[str | int, ...]

JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1e300, 2**70, "", "x", "0", [], {}, [[]], [None], {"x": None}, ["a"], [{}],
    {"coding": "x"}, {"coding": [None, {}, {"code": 5}]}, {"reference": 7}, {"value": "many"},
)  # fmt: skip
STRANGE = (
    "\x00", "\ufeff", "\u202e", "\u200b", "é" * 3, "𝒳", "漢字", "' OR 1=1 --", "<script>alert(1)</script>",
    "{{7*7}}", "%00", "../../etc/passwd", "\r\nX-Injected: 1", "\ud800", "NaN", "-0", "1e999",
)  # fmt: skip
NOWHERE = (
    "Patient/somebody-else", "#nowhere", "urn:uuid:00000000-0000-0000-0000-000000000000", "/", "Patient/",
    "https://elsewhere.example.org/fhir/Observation/1", "Coverage/none", "http://[::1]/x", "?",
)  # fmt: skip
NO_DATES = ("Invalid date", "0000-00-00", "2024-13-45", "2024-02-30", "", "15.2.2024", "2024-9-1")
ODD_DATES = ("0002-06-01", "9999-12-31", "2024-09-01T25:00:00Z", "2024", "2024-09-01T00:00:00+99:00")


class Mutation(NamedTuple):
    """One request as bytes; `what` names each change and its place, for people who look into a failure."""

    body: bytes
    what: tuple[str, ...]
    paths: tuple[Place, ...]
    weakening: bool


def mutations(document: Json, name: str, count: int, others: Mapping[str, Json]) -> Iterator[Mutation]:
    """The first `count` mutations of an example; `others` are the examples that resources are taken from."""
    for number in range(count):
        yield mutation(document, f"{name}/{number}", others)


def mutation(document: Json, seed: str, others: Mapping[str, Json]) -> Mutation:
    """The mutation that a seed stands for."""
    chance = random.Random(seed)
    changed = copy.deepcopy(document)
    what: list[str] = []
    paths: list[Place] = []
    weakening = True
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        kind = chance.choice(_KINDS)
        path = _place(changed, kind, chance)
        if path is None:
            continue
        kind.change(changed, path, chance, others)
        what.append(f"{kind.name} at {'.'.join(map(str, path))}")
        paths.append(path)
        weakening = weakening and kind.weakening
    body = json.dumps(changed, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    if chance.random() < 0.08:
        text = chance.choice(_TEXT_KINDS)
        body = text.change(body, chance)
        what.append(text.name)
        weakening = weakening and text.weakening
    return Mutation(body, tuple(what), tuple(paths), weakening)


def positions(value: Any, path: Place = ()) -> Iterator[Place]:
    """The path of every element below a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield (*path, key)
        yield from positions(child, (*path, key))


def at(document: Any, path: Place) -> Any:
    """What stands at a path."""
    for step in path:
        document = document[step]
    return document


def _put(document: Any, path: Place, value: Any) -> None:
    at(document, path[:-1])[path[-1]] = value


# -- changes of the tree ------------------------------------------------------------------------------------

Change = Callable[[Json, Place, random.Random, Mapping[str, Json]], None]


class _Kind(NamedTuple):
    name: str
    change: Change
    weakening: bool
    suits: Callable[[Place, Any], bool] = lambda path, value: True


def _place(document: Json, kind: _Kind, chance: random.Random) -> Place | None:
    suited = [path for path in positions(document) if kind.suits(path, at(document, path))]
    return chance.choice(suited) if suited else None


def _delete(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    del at(document, path[:-1])[path[-1]]


def _retype(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(document, path, copy.deepcopy(chance.choice(JUNK)))


def _wrap(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    value = at(document, path)
    if isinstance(value, list):
        turned: Any = value[0] if value else {}
        if chance.random() < 0.3:
            turned = {str(number): each for number, each in enumerate(value)}
    else:
        turned = [value]
    _put(document, path, turned)


def _repeat(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    items = at(document, path)
    items.insert(chance.randrange(len(items) + 1), copy.deepcopy(chance.choice(items)))


def _huge(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(document, path, chance.choice("x ~0é") * chance.choice((5_000, 60_000)))


def _deep(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    value = at(document, path)
    for _ in range(chance.choice((5, 30, 200))):
        value = {"x": value} if chance.random() < 0.5 else [value]
    _put(document, path, value)


def _strange(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    value = at(document, path)
    cut = chance.randrange(len(value) + 1)
    _put(document, path, value[:cut] + chance.choice(STRANGE) + value[cut:])


def _astray(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(document, path, chance.choice(NOWHERE))


def _other_patient(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(
        document,
        path,
        chance.choice(("Patient/somebody-else", "https://elsewhere.example.org/fhir/Patient/x")),
    )


def _foreign(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(document, path, f"foreign-{chance.randrange(3)}")


def _undated(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(document, path, chance.choice(NO_DATES))


def _misdated(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(document, path, chance.choice(ODD_DATES))


def _shifted(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    value = at(document, path)
    moved = date.fromisoformat(value[:10]) + timedelta(
        chance.choice((-20_000, -400, -30, -1, 1, 30, 400, 8_000))
    )
    _put(document, path, moved.isoformat() + value[10:])


def _recoded(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    _put(document, path, chance.choice(_codes(others)))


def _renumbered(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    value = at(document, path)
    _put(document, path, chance.choice((value * 10, value / 10, -value, 0, 40, 41, 1e-300, 1e308, 36, 37)))


def _swapped(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    other = chance.choice(
        [each for each in positions(document) if each[: len(path)] != path[: len(each)]] or [path]
    )
    first, second = copy.deepcopy(at(document, path)), copy.deepcopy(at(document, other))
    if path[: len(other)] == other or other[: len(path)] == path:
        return
    _put(document, path, second)
    _put(document, other, first)


def _grafted(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    """An entry of another chart among the entries of this one."""
    donor = others[chance.choice(sorted(others))]
    entries = [at(donor, each) for each in positions(donor) if _is_entry(each, at(donor, each))]
    if entries:
        at(document, path).append(copy.deepcopy(chance.choice(entries)))


def _renamed(document: Json, path: Place, chance: random.Random, others: Mapping[str, Json]) -> None:
    parent = at(document, path[:-1])
    name = str(path[-1])
    value = parent.pop(name)
    parent[chance.choice((name.upper(), name + "s", "_" + name, name + " ", name[::-1], "x"))] = value


def _is_entry(path: Place, value: Any) -> bool:
    return path[-2:-1] == ("entry",) and isinstance(value, dict)


def _is_text(path: Place, value: Any) -> bool:
    return isinstance(value, str)


def _is_date(path: Place, value: Any) -> bool:
    if not isinstance(value, str) or len(value) < 10:
        return False
    try:
        return 1900 < date.fromisoformat(value[:10]).year < 2100
    except ValueError:
        return False


def _is_number(path: Place, value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e100


def _codes(others: Mapping[str, Json]) -> list[Any]:
    """Every code, system and status that any example uses."""
    return sorted(
        {
            value
            for document in others.values()
            for path in positions(document)
            if path[-1] in ("code", "system", "status", "value")
            and isinstance(value := at(document, path), str)
        }
    )


_KINDS: tuple[_Kind, ...] = (
    _Kind("deleted", _delete, True),
    _Kind("deleted", _delete, True),
    _Kind("null", lambda document, path, *_: _put(document, path, None), True),
    _Kind("retyped", _retype, True),
    _Kind("retyped", _retype, True),
    _Kind("list for object", _wrap, True),
    _Kind("repeated", _repeat, True, lambda path, value: isinstance(value, list) and bool(value)),
    _Kind("huge", _huge, True, _is_text),
    _Kind("deep", _deep, True),
    _Kind("strange characters", _strange, True, _is_text),
    _Kind("reference astray", _astray, True, lambda path, value: path[-1] == "reference"),
    _Kind("another patient", _other_patient, True, lambda path, value: str(value).startswith("Patient/")),
    _Kind("foreign id", _foreign, True, lambda path, value: path[-1] in ("id", "patientId")),
    _Kind("no date", _undated, True, _is_date),
    _Kind("renamed", _renamed, True, lambda path, value: isinstance(path[-1], str)),
    _Kind("odd date", _misdated, False, _is_date),
    _Kind("shifted", _shifted, False, _is_date),
    _Kind("another code", _recoded, False, lambda path, value: path[-1] in ("code", "system", "status")),
    _Kind("another number", _renumbered, False, _is_number),
    _Kind("swapped", _swapped, False),
    _Kind("grafted", _grafted, False, lambda path, value: path[-1] == "entry" and isinstance(value, list)),
)  # fmt: skip


# -- changes of the bytes -----------------------------------------------------------------------------------


class _TextKind(NamedTuple):
    name: str
    change: Callable[[bytes, random.Random], bytes]
    weakening: bool


def _truncated(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))]


def _flipped(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body))
    return body[:place] + bytes([body[place] ^ 1 << chance.randrange(8)]) + body[place + 1 :]


def _inserted(body: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(body) + 1)
    return (
        body[:place]
        + chance.choice((b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"NaN", b"//", b"'", b","))
        + body[place:]
    )


def _key_again(body: bytes, chance: random.Random) -> bytes:
    """A member of some object stands twice; parsers take the last one."""
    openings = [
        number
        for number, byte in enumerate(body)
        if byte == ord("{") and body[number + 1 : number + 2] == b'"'
    ]
    if not openings:
        return body
    place = chance.choice(openings) + 1
    key = body[place : body.index(b'"', place + 1) + 1]
    return body[:place] + key + b": 1, " + body[place:]


_TEXT_KINDS: tuple[_TextKind, ...] = (
    _TextKind("truncated", _truncated, True),
    _TextKind("a bit flipped", _flipped, False),
    _TextKind("bytes inserted", _inserted, True),
    _TextKind("a key twice", _key_again, True),
    _TextKind("byte order mark", lambda body, chance: b"\xef\xbb\xbf" + body, True),
    _TextKind("bytes behind", lambda body, chance: body + chance.choice((b"\n", b"}", b"\x00", b"{}")), True),
)  # fmt: skip
