"""CQL to ELM with the official translator, many libraries in one Node process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.authoring.node_tools import run_tool


@dataclass(frozen=True, slots=True)
class Problem:
    """What the translator has to say about one place of a source; severity is error, warning or info."""

    path: Path
    severity: str
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else str(self.path)
        return f"{place}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class Source:
    """A CQL text to translate; `folders` are searched for the libraries it includes, first match first."""

    path: Path
    text: str
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """The ELM document of one source (None when the translator gave up) and the translator's problems."""

    source: Source
    elm: dict[str, Any] | None
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """True when the source translated without an error."""
        return self.elm is not None and not any(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class TranslationRun:
    """What one translator process returned, in the order of the sources."""

    translator: str
    translations: tuple[Translation, ...]


def translate(sources: Sequence[Source], node_tools: Path | None = None) -> TranslationRun:
    """Translate all sources in one process.

    Errors in a source are problems of its Translation. Raises NodeToolsError when the tool itself fails.
    """
    request = {
        "libraries": [
            {
                "path": str(source.path),
                "text": source.text,
                "folders": [str(each.resolve()) for each in source.folders],
            }
            for source in sources
        ]
    }
    answer = run_tool("translate.mjs", request, node_tools)
    translations = tuple(
        Translation(source, result["elm"], tuple(_problems(source.path, result["problems"])))
        for source, result in zip(sources, answer["libraries"], strict=True)
    )
    return TranslationRun(answer["translator"], translations)


def _problems(path: Path, problems: Iterable[dict[str, Any]]) -> Iterable[Problem]:
    for each in problems:
        yield Problem(path, each["severity"], each["message"], each["line"], each["column"])
