"""Generated files: write them, or check that they are current."""

from __future__ import annotations

import sys
from pathlib import Path


def write_or_check(path: Path, text: str, *, check: bool, command: str) -> int:
    """Exit code 0 when the file is (now) current; a check that fails names the command to run."""
    current = path.exists() and path.read_text("utf-8") == text
    if check:
        if not current:
            sys.stderr.write(f"{path} is not current: run `{command}`\n")
        return 0 if current else 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")
    sys.stdout.write(f"{path}: {'unchanged' if current else 'written'}\n")
    return 0
