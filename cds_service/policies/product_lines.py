"""Lines of business: which of its payer's product lines a coverage belongs to (`catalog/payers.yaml`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.fhir import reads
from cds_service.fhir.systems import CodeSystems
from cds_service.policies.files import Entry
from cds_service.policies.model import ProductLine
from cds_service.policies.names import words

_LONGEST_NAME = 200  # characters; longer ones are no plan names


def load_product_lines(payer: Entry, systems: CodeSystems) -> tuple[ProductLine, ...]:
    """The product lines of one payer. Raises CatalogueError when two share an id or a sign of theirs."""
    lines: dict[str, ProductLine] = {}
    owners: dict[tuple[str, ...], str] = {}
    for entry in payer.entries("product_lines"):
        line = _line(entry, systems)
        if line.id in lines:
            entry.fail("id", f"{line.id} is listed twice")
        for sign in (*line.coverage_types, *line.classes, *line.names):
            owner = owners.setdefault(sign, line.id)
            if owner != line.id:
                entry.fail("match", f"{' '.join(sign)} belongs to {owner} too")
        lines[line.id] = line
    return tuple(lines.values())


def line_of_business(
    coverage: Mapping[str, Any], lines: tuple[ProductLine, ...], systems: CodeSystems
) -> str | None:
    """The one product line that the Coverage's type, class values and plan names speak of, by its id.

    Reads FHIR R4 Coverage.type and Coverage.class as far as they go. None when nothing names a line, or
    when more than one is named: an unknown line is never taken for a known one.
    """
    if not lines:
        return None
    codings = {each[:2] for each in reads.codings(coverage.get("type"), systems)}
    classes = set(_classes(coverage))
    texts = [f" {' '.join(words(text[:_LONGEST_NAME]))} " for text in _texts(coverage)]
    found = {
        line.id
        for line in lines
        if line.coverage_types & codings
        or line.classes & classes
        or any(f" {' '.join(name)} " in text for name in line.names for text in texts)
    }
    return found.pop() if len(found) == 1 else None


def _line(entry: Entry, systems: CodeSystems) -> ProductLine:
    match = entry.optional_entry("match") or Entry({}, entry.file, entry.path("match"))
    types: set[tuple[str, str]] = set()
    for item in match.entries("coverage_types"):
        url = systems.url(item.text("system"))
        if url is None:
            item.fail("system", f"{item.text('system')!r} is not in catalog/code_systems.yaml")
        types |= {(url, systems.code(url, code)) for code in item.texts("codes")}
    return ProductLine(
        id=entry.text("id"),
        label=entry.text("label"),
        coverage_types=frozenset(types),
        classes=frozenset(
            (item.text("type").lower(), value.casefold())
            for item in match.entries("classes")
            for value in item.texts("values")
        ),
        names=frozenset(tuple(words(name)) for name in match.texts("names")),
    )


def _classes(coverage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for item in reads.objects(coverage.get("class")):
        value = reads.text(item.get("value"))
        if value is not None:
            for kind in reads.codes(item.get("type")):
                yield kind, value.casefold()


def _texts(coverage: Mapping[str, Any]) -> Iterator[str]:
    yield from reads.texts(coverage.get("type"))
    for item in reads.objects(coverage.get("class")):
        for key in ("value", "name"):
            text = reads.text(item.get(key))
            if text is not None:
                yield text
