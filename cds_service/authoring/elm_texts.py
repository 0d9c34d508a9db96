"""The translated rules of a folder as data, with the words of their source: what diff and mutate work on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Node = dict[str, Any]
Name = tuple[str, str]
"""A definition: library name and its own name."""

_NATIVE = "FHIRHelpers"
_NOT_EXPRESSIONS = ("signature", "annotation", "resultTypeSpecifier", "asTypeSpecifier", "isTypeSpecifier")


@dataclass(frozen=True, slots=True)
class ElmText:
    """One translated library and the CQL that it was made of; `file` is relative to the rule folder."""

    file: str
    library: Node
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """The library's name."""
        return str(self.library["identifier"]["id"])

    @property
    def includes(self) -> dict[str, str]:
        """Library names by local alias."""
        return {each["localIdentifier"]: each["path"] for each in _section(self.library, "includes")}

    @property
    def value_sets(self) -> dict[str, str]:
        """URLs by local name."""
        return {each["name"]: each["id"] for each in _section(self.library, "valueSets")}

    def definitions(self, name: str) -> list[tuple[int, Node]]:
        """The definitions or overloaded functions of a name, with their places among the statements."""
        return [
            (place, each)
            for place, each in enumerate(_section(self.library, "statements"))
            if each["name"] == name
        ]

    def codes(self) -> list[Node]:
        """The codes that the library declares."""
        return list(_section(self.library, "codes"))

    def words(self, node: Node) -> str:
        """The source text of a node, on one line; "" when it has no place of its own."""
        match = re.fullmatch(r"(\d+):(\d+)-(\d+):(\d+)", str(node.get("locator", "")))
        if match is None:
            return ""
        first, start, last, end = (int(each) for each in match.groups())
        taken = list(self.lines[first - 1 : last])
        if not taken:
            return ""
        taken[-1] = taken[-1][:end]
        taken[0] = taken[0][start - 1 :]
        return " ".join(" ".join(taken).split())


class ElmTexts:
    """Every translated library of a rule folder, by library name."""

    def __init__(self, directory: Path) -> None:
        self._by_name: dict[str, ElmText] = {}
        for path in sorted(directory.rglob("*.elm.json")):
            source = path.with_name(path.name.removesuffix(".elm.json") + ".cql")
            library = json.loads(path.read_text("utf-8"))["library"]
            lines = source.read_text("utf-8").splitlines()
            text = ElmText(source.relative_to(directory).as_posix(), library, tuple(lines))
            self._by_name[text.name] = text

    def __getitem__(self, name: str) -> ElmText:
        return self._by_name[name]

    def reached(self, library: str, roots: Sequence[str]) -> dict[Name, None]:
        """The definitions, functions and codes that `roots` of a library lead to, with themselves.

        The conversions of FHIRHelpers are left out: they belong to the engine.
        """
        found: dict[Name, None] = {}
        waiting = [(library, root) for root in roots]
        while waiting:
            name = waiting.pop(0)
            if name in found or name[0] == _NATIVE or name[0] not in self._by_name:
                continue
            found[name] = None
            for _, definition in self[name[0]].definitions(name[1]):
                waiting += self._references(self[name[0]], definition.get("expression"))
        return found

    def value_sets(self, names: Mapping[Name, None]) -> dict[str, str]:
        """The value sets that definitions look into: local name by URL, in order."""
        found: dict[str, str] = {}
        for library, name in names:
            text = self[library]
            for _, definition in text.definitions(name):
                for node in walk(definition.get("expression")):
                    for local, alias in _value_set_names(node):
                        owner = self[text.includes[alias]] if alias else text
                        found.setdefault(owner.value_sets[local], local)
        return found

    def _references(self, text: ElmText, expression: Any) -> Iterator[Name]:
        for node in walk(expression):
            if node.get("type") in ("ExpressionRef", "FunctionRef", "CodeRef"):
                alias = node.get("libraryName")
                yield text.includes[alias] if alias else text.name, node["name"]


def walk(node: Any) -> Iterator[Node]:
    """Every mapping below and including a node, outermost first; types and annotations aside."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in _NOT_EXPRESSIONS:
                yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def paths(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    """As `walk`, with the path that leads to each mapping."""
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            if key not in _NOT_EXPRESSIONS:
                yield from paths(value, (*path, key))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from paths(value, (*path, number))


def replaced(node: Any, path: Sequence[str | int], new: Any) -> Any:
    """A copy of nested data with the value at `path` replaced; what is not on the path is shared."""
    if not path:
        return new
    copy: Any = list(node) if isinstance(node, list) else dict(node)
    copy[path[0]] = replaced(node[path[0]], path[1:], new)
    return copy


def bare(node: Any) -> Any:
    """ELM without places and identifiers: equal for equal logic."""
    if isinstance(node, dict):
        return {
            key: bare(value) for key, value in node.items() if key not in ("localId", "locator", "annotation")
        }
    return [bare(each) for each in node] if isinstance(node, list) else node


def _value_set_names(node: Node) -> Iterator[tuple[str, str | None]]:
    if node.get("type") == "ValueSetRef":
        yield node["name"], node.get("libraryName")
    inside = node.get("valueset")
    if isinstance(inside, dict) and "type" not in inside:
        yield inside["name"], inside.get("libraryName")


def _section(library: Node, name: str) -> list[Node]:
    return list((library.get(name) or {}).get("def") or ())
