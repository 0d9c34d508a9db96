"""What can be wrong with a catalogue."""

from __future__ import annotations


class CatalogueError(Exception):
    """The catalogue cannot be used. `file` is relative to its folder; `key` is the path inside the file."""

    def __init__(self, file: str, message: str, key: str = "") -> None:
        super().__init__(f"{file}: {key}: {message}" if key else f"{file}: {message}")
        self.file = file
        self.key = key
        self.message = message
