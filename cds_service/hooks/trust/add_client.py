"""Adding an entry to the file of clients without touching what people wrote there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cds_service.hooks.trust.clients_file import parse_clients, parse_entries
from cds_service.hooks.trust.errors import ClientsFileError

_ITEM = re.compile(r"^( *)- ", re.MULTILINE)


def add_client(path: Path, entry: Mapping[str, Any]) -> None:
    """Append one client to the file, which is made when it is not there.

    Nothing is written unless the whole file then says what it said before and the new client. Raises
    ClientsFileError, with the text to add by hand when there is no place to append it.
    """
    before = path.read_text("utf-8") if path.exists() else ""
    known = parse_entries(path, before) if before.strip() else []
    for text in _candidates(path, before, entry):
        try:
            says_both = parse_entries(path, before + text) == [*known, dict(entry)]
        except ClientsFileError:
            continue
        if says_both:
            parse_clients(path, before + text)
            _write(path, before + text)
            return
    raise ClientsFileError(f"{path}: cannot be appended to; add by hand:\n{_toml(entry)}")


def _candidates(path: Path, before: str, entry: Mapping[str, Any]) -> list[str]:
    """Texts that may say the entry at the end of this file."""
    gap = "" if not before or before.endswith("\n") else "\n"
    if path.suffix.lower() == ".toml":
        return [f"{gap}{chr(10) if before else ''}{_toml(entry)}"]
    head = "" if before.strip() else "clients:\n"
    indents = sorted({match.group(1) for match in _ITEM.finditer(before)} | {"  "}, key=len)
    return [gap + head + _yaml(entry, indent) for indent in indents]


def _toml(entry: Mapping[str, Any]) -> str:
    lines = ["[[clients]]"]
    for name, value in entry.items():
        text = f"'''{json.dumps(value)}'''" if isinstance(value, Mapping) else _json(value)
        lines.append(f"{name} = {text}")
    return "\n".join(lines) + "\n"


def _yaml(entry: Mapping[str, Any], indent: str) -> str:
    lines = [f"{name}: {_json(value)}" for name, value in entry.items()]
    return f"{indent}- " + f"\n{indent}  ".join(lines) + "\n"


def _json(value: Any) -> str:
    """JSON, which for texts, lists of texts and booleans is TOML and YAML as well."""
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole: a reader sees the old or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, "utf-8", newline="\n")
        if path.exists():
            draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ClientsFileError(f"{path}: cannot be written ({type(error).__name__})") from None
