"""ELM of the suite's expressions: translated in few Node processes, kept by content between runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cds_service.authoring.node_tools import PACKAGE_DIRECTORY
from cds_service.authoring.translation import Source, translate

from .suite import REPOSITORY, Case

CACHE = REPOSITORY / ".pytest_cache" / "d" / "cql-conformance"
_PER_PROCESS = 500

# An ELM document, or the translator's message.
Elm = dict[str, Any] | str


def translate_cases(cases: Iterable[Case]) -> dict[str, tuple[Elm, Elm | None]]:
    """Case id -> ELM of its expression, ELM of its expected output (None when the test expects failure).

    Each library has one definition, `Value`. In place of ELM stands the message of a translator that refused.
    """
    cases = tuple(cases)
    texts = {case.id: (library(case.expression), case.output and library(case.output)) for case in cases}
    wanted = {text for pair in texts.values() for text in pair if text}
    elm = _translated(wanted)
    return {
        identifier: (elm[expression], elm[output] if output else None)
        for identifier, (expression, output) in texts.items()
    }


def library(expression: str) -> str:
    """A library that defines the expression as `Value`."""
    return f"library Conformance version '1'\n\ndefine \"Value\":\n  {expression}\n"


def _translated(texts: set[str]) -> dict[str, Elm]:
    tool = b"".join(
        (PACKAGE_DIRECTORY / name).read_bytes() for name in ("translate.mjs", "package-lock.json")
    )
    folder = CACHE / hashlib.sha256(tool).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    files = {text: folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json" for text in texts}
    missing = sorted(text for text, file in files.items() if not file.exists())
    for start in range(0, len(missing), _PER_PROCESS):
        batch = missing[start : start + _PER_PROCESS]
        run = translate([Source(Path("Conformance.cql"), text) for text in batch])
        for text, translation in zip(batch, run.translations, strict=True):
            errors = [problem.message for problem in translation.problems if problem.severity == "error"]
            _keep(files[text], "; ".join(errors) if not translation.ok else translation.elm)
    return {text: json.loads(file.read_text("utf-8")) for text, file in files.items()}


def _keep(file: Path, elm: Elm | None) -> None:
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(elm), "utf-8")
    partial.replace(file)
