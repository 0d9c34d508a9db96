"""Finding, installing and running the Node tools (translator, second engine) of the `node` folder."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE_DIRECTORY = Path(__file__).parent / "node"

_TOOL_FILES = ("package.json", "package-lock.json", ".npmrc", "translate.mjs", "execute.mjs")
_INSTALL_SECONDS = 600
_RUN_SECONDS = 900


class NodeToolsError(Exception):
    """Node or npm is missing, the installation failed, or a tool ended with an error."""


def node_tools(directory: Path | None = None) -> Path:
    """The folder that holds the tools with their npm packages installed; installs them on first use.

    `directory` names a prepared copy. Otherwise the package's own folder is used when it is writable or
    already installed, and a copy in the user's cache when it is not. Raises NodeToolsError.
    """
    if directory is not None:
        return _installed(directory)
    if _is_installed(PACKAGE_DIRECTORY) or os.access(PACKAGE_DIRECTORY, os.W_OK):
        return _installed(PACKAGE_DIRECTORY)
    return _installed(_cached_copy())


def run_tool(script: str, request: Any, directory: Path | None = None) -> Any:
    """Run a script of the tool folder with a JSON request on its stdin and return the JSON of its stdout.

    Raises NodeToolsError with the script's own error text.
    """
    folder = node_tools(directory)
    command = [_program("node"), str(folder / script)]
    finished = _run(command, folder, _RUN_SECONDS, json.dumps(request))
    return json.loads(finished.stdout)


def _cached_copy() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    contents = b"".join((PACKAGE_DIRECTORY / name).read_bytes() for name in _TOOL_FILES)
    folder = base / "cds-service" / f"cql-tools-{hashlib.sha256(contents).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _TOOL_FILES:
        shutil.copyfile(PACKAGE_DIRECTORY / name, folder / name)
    return folder


def _is_installed(folder: Path) -> bool:
    """Whether the packages of the lock file are there (npm keeps a record of what it installed)."""
    try:
        wanted = json.loads((folder / "package-lock.json").read_text("utf-8"))["packages"]
        present = json.loads((folder / "node_modules" / ".package-lock.json").read_text("utf-8"))["packages"]
    except (OSError, ValueError, KeyError):
        return False
    return {name: entry.get("version") for name, entry in wanted.items() if name} == {
        name: entry.get("version") for name, entry in present.items()
    }


def _installed(folder: Path) -> Path:
    if _is_installed(folder):
        return folder
    with _locked(folder):
        if not _is_installed(folder):
            _run([_program("npm"), "ci", "--no-audit", "--no-fund"], folder, _INSTALL_SECONDS)
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One installation at a time, also between processes."""
    with (folder / "package-lock.json").open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NodeToolsError(f"{name} was not found: rules are translated with Node.js 20 or newer and npm")
    return found


def _run(command: list[str], folder: Path, seconds: int, text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        finished = subprocess.run(  # noqa: S603 - a fixed program and a script of this package
            command, cwd=folder, input=text, capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeToolsError(f"{command[0]} could not be run: {error}") from error
    if finished.returncode:
        error_text = finished.stderr.strip()[-2000:]
        raise NodeToolsError(f"{Path(command[0]).name} {command[1]} failed:\n{error_text}")
    return finished
