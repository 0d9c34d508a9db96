"""Building the rules: every CQL text of the rule folder becomes stamped ELM beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cds_service.authoring.expansions import NoCodeListError, write_expansions
from cds_service.authoring.translation import Problem, Source, Translation, translate
from cds_service.cql.stamp import collect_sources, source_hash, write_stamp
from cds_service.policies.value_sets import EXPANSIONS

COMMON = "common"


@dataclass(frozen=True, slots=True)
class BuiltLibrary:
    """One translated source; `changed` when the ELM on disk was different from what the source says."""

    source: Path
    elm: Path
    changed: bool


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did (or, as a check, would have done)."""

    libraries: tuple[BuiltLibrary, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that make the build fail."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def stale(self) -> tuple[Path, ...]:
        """ELM files that differ from what their sources say."""
        return tuple(library.elm for library in self.libraries if library.changed)


class BuildArguments(Protocol):
    """What the command line gives to `run_build`."""

    directory: Path
    check: bool


def elm_path(source: Path) -> Path:
    """Where the ELM of a CQL file is: beside it, `criteria.cql` -> `criteria.elm.json`."""
    return source.with_suffix(".elm.json")


def library_folders(source: Path, directory: Path) -> tuple[Path, ...]:
    """Where the includes of a rule file are looked up: its own folder, then the common one."""
    return (source.parent, directory / COMMON)


def build_rules(directory: Path, node_tools: Path | None = None, *, check: bool = False) -> BuildReport:
    """Translate every .cql file below a rule folder and write its ELM beside it; with `check` write nothing.

    A source with errors leaves its ELM untouched and is reported. Raises NodeToolsError when the
    translator cannot run.
    """
    sources = [
        Source(path, path.read_text("utf-8"), library_folders(path, directory))
        for path in sorted(directory.rglob("*.cql"))
    ]
    if not sources:
        return BuildReport((), ())
    run = translate(sources, node_tools)
    libraries = []
    for translation in run.translations:
        if translation.ok:
            libraries.append(_write(translation, run.translator, check))
    problems = tuple(problem for translation in run.translations for problem in translation.problems)
    return BuildReport(tuple(libraries), problems)


def run_build(arguments: BuildArguments) -> int:
    """`cds-service rules build [--check]`: exit code 0 when all is built (or, checking, current), else 1."""
    report = build_rules(arguments.directory, check=arguments.check)
    for problem in report.problems:
        sys.stderr.write(f"{problem}\n")
    for path in report.stale:
        sys.stdout.write(f"{path}: {'differs from its source' if arguments.check else 'written'}\n")
    count = len(report.libraries)
    sys.stdout.write(f"{count} {'library' if count == 1 else 'libraries'}, {len(report.errors)} errors\n")
    try:
        expanded = write_expansions(arguments.directory, check=arguments.check)
    except NoCodeListError as error:
        sys.stderr.write(f"{error}\n")
        expanded = False
    if expanded:
        state = "differs from the value sets" if arguments.check else "written"
        sys.stdout.write(f"{arguments.directory / EXPANSIONS}: {state}\n")
    return 1 if report.errors or (arguments.check and (report.stale or expanded)) else 0


def render_elm(elm: dict[str, Any]) -> str:
    """ELM as text that is compact and still shows one definition per line in a comparison."""
    library = elm["library"]
    lines = []
    for key, value in library.items():
        if isinstance(value, dict) and isinstance(value.get("def"), list):
            definitions = ",\n".join(f"   {_compact(each)}" for each in value["def"])
            lines.append(f'  {_compact(key)}: {{"def": [\n{definitions}\n  ]}}')
        else:
            lines.append(f"  {_compact(key)}: {_compact(value)}")
    return '{"library": {\n' + ",\n".join(lines) + "\n}}\n"


def without_narrative(node: Any) -> Any:
    """ELM without copies of the source text and without empty annotations; tags stay."""
    if isinstance(node, list):
        return [without_narrative(each) for each in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        if key == "annotation":
            kept = [
                _without_text(each) for each in value if each.get("type") != "Annotation" or each.get("t")
            ]
            if kept:
                result[key] = kept
        elif not (key == "signature" and not value):
            result[key] = without_narrative(value)
    return result


def _without_text(annotation: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in annotation.items() if key != "s"}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write(translation: Translation, translator: str, check: bool) -> BuiltLibrary:
    source = translation.source
    elm = without_narrative(translation.elm)
    write_stamp(elm, source_hash(collect_sources(source.text, _finder(source)), translator))
    text = render_elm(elm)
    target = elm_path(source.path)
    changed = not target.exists() or target.read_text("utf-8") != text
    if changed and not check:
        target.write_text(text, "utf-8", newline="\n")
    return BuiltLibrary(source.path, target, changed)


def _finder(source: Source) -> Callable[[str], str | None]:
    def find(name: str) -> str | None:
        for folder in source.folders:
            path = folder / f"{name}.cql"
            if path.exists():
                return path.read_text("utf-8")
        return None

    return find
