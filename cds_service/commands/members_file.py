"""Reading a CSV file of members; what is wrong is told by line and column, never with a value of a member."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from cds_service.commands.errors import CommandError
from cds_service.store.enrolment import LONGEST_MEMBER_ID, Enrolment, member_number

COLUMNS: Final = Enrolment._fields
_OPTIONAL: Final = frozenset({"line_of_business", "effective_to", "exclusions"})
_LONGEST: Final = {"member_id": LONGEST_MEMBER_ID, "name": 1_000, "plan": 255, "line_of_business": 128}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CODE: Final = re.compile(r"[A-Z]\d{4}|\d{4}[A-Z0-9]", re.ASCII)


class Problem(NamedTuple):
    """What is wrong with a line; `where` says "line 3, column plan"."""

    where: str
    text: str


class Allowed(NamedTuple):
    """What a file may name: payers with the ids of their product lines, and products of the catalogue."""

    payers: Mapping[str, frozenset[str]]
    products: frozenset[str]


class _UnusableError(ValueError):
    def __init__(self, column: str, text: str) -> None:
        super().__init__(text)
        self.column = column


def enrolments(path: Path, allowed: Allowed) -> Iterator[Enrolment | Problem]:
    """The lines of a file, each an Enrolment or what is wrong with it.

    The file is UTF-8 (with or without byte order mark), separated by commas; its first line names the
    columns in any order. Raises CommandError when it cannot be read or its first line is not usable.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _lines(csv.reader(file, strict=True), path, allowed)
    except OSError:
        raise CommandError(f"{path}: cannot be read") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path}: is not UTF-8 throughout; save it as CSV in UTF-8") from None


def _lines(reader: Iterator[list[str]], path: Path, allowed: Allowed) -> Iterator[Enrolment | Problem]:
    number = 1
    position: dict[str, int] = {}
    count = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            yield Problem(f"line {number}", "is not CSV: look for a quotation mark that is not closed")
            return
        if cells is None:
            break
        here, number = number, reader.line_num + 1  # type: ignore[attr-defined]
        if not any(each.strip() for each in cells):
            continue
        if not position:
            position = _positions(cells, path)
            continue
        count += 1
        if len(cells) != len(position):
            yield Problem(f"line {here}", f"has {len(cells)} columns, the first line has {len(position)}")
            continue
        try:
            yield _enrolment({name: cells[at].strip() for name, at in position.items()}, allowed)
        except _UnusableError as error:
            yield Problem(f"line {here}, column {error.column}", str(error))
    if not position or not count:
        raise CommandError(f"{path}: holds no member")


def _positions(cells: Sequence[str], path: Path) -> dict[str, int]:
    names = [each.strip().lower() for each in cells]
    unknown = [each for each in names if each not in COLUMNS]
    missing = [each for each in COLUMNS if each not in names and each not in _OPTIONAL]
    if missing:
        raise CommandError(f"{path}, line 1: the columns {', '.join(missing)} are missing")
    if unknown or len(set(names)) != len(names):
        raise CommandError(f"{path}, line 1: the columns may be {', '.join(COLUMNS)}, each once")
    return {name: at for at, name in enumerate(names)}


def _enrolment(cells: Mapping[str, str], allowed: Allowed) -> Enrolment:
    for name, text in cells.items():
        if not text and name not in _OPTIONAL:
            raise _UnusableError(name, "is empty")
        if not text.isprintable() or len(text) > _LONGEST.get(name, 10_000):
            raise _UnusableError(name, "is too long, or holds characters that cannot be printed")
    payer = cells["payer"]
    if payer not in allowed.payers:
        raise _UnusableError("payer", f"expected one of {', '.join(sorted(allowed.payers))}")
    lines, line = allowed.payers[payer], cells.get("line_of_business") or None
    if lines and line is not None and line not in lines:
        raise _UnusableError("line_of_business", f"expected one of {', '.join(sorted(lines))}, or nothing")
    start, end = _day(cells, "effective_from"), cells.get("effective_to")
    last = _day(cells, "effective_to") if end else None
    if last is not None and last < start:
        raise _UnusableError("effective_to", "is before effective_from")
    born = _day(cells, "birth_date")
    if born > date.today():
        raise _UnusableError("birth_date", "is in the future")
    return Enrolment(
        payer,
        member_number(cells["member_id"]),
        cells["name"],
        born,
        cells["plan"],
        line,
        start,
        last,
        _exclusions(cells.get("exclusions", ""), allowed),
    )


def _day(cells: Mapping[str, str], column: str) -> date:
    try:
        if _DATE.fullmatch(cells[column]):
            return date.fromisoformat(cells[column])
    except ValueError:
        pass
    raise _UnusableError(column, "expected a date such as 2024-09-01")


def _exclusions(text: str, allowed: Allowed) -> tuple[str, ...]:
    found = []
    for each in text.replace(";", " ").replace("|", " ").replace(",", " ").split():
        if each.lower() in allowed.products:
            found.append(each.lower())
        elif _CODE.fullmatch(each.upper()):
            found.append(each.upper())
        else:
            raise _UnusableError(
                "exclusions", "expected ids of products of the catalogue, HCPCS or CPT codes, separated by ;"
            )
    return tuple(dict.fromkeys(found))
