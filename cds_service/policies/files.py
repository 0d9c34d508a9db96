"""Reads catalogue files, with errors that name file and key, and keeps the hash of all that was read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import orjson
import yaml

from cds_service.policies.errors import CatalogueError

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml: slower, same result
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


class CatalogueFiles:
    """The files of one catalogue folder. Every read counts into `version`."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise CatalogueError(str(root), "is no folder")
        self._root = root
        self._digests: dict[str, bytes] = {}

    @property
    def version(self) -> str:
        """Twelve hex digits over names and contents of all files read: equal content, equal version."""
        digest = hashlib.blake2b(digest_size=6)
        for name in sorted(self._digests):
            digest.update(f"{name}\n".encode())
            digest.update(self._digests[name])
        return digest.hexdigest()

    def names(self, pattern: str) -> list[str]:
        """Files matching a glob pattern, relative to the folder, sorted."""
        return sorted(path.relative_to(self._root).as_posix() for path in self._root.glob(pattern))

    def exists(self, name: str) -> bool:
        """Whether the catalogue has this file."""
        return (self._root / name).is_file()

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises CatalogueError when it cannot be read."""
        try:
            content = (self._root / name).read_bytes()
        except OSError as error:
            raise CatalogueError(name, f"cannot be read ({error.strerror})") from error
        self._digests[name] = hashlib.blake2b(content, digest_size=16).digest()
        return content

    def text(self, name: str) -> str:
        """A UTF-8 file as text."""
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise CatalogueError(name, "is not UTF-8") from error

    def json(self, name: str) -> Any:
        """A JSON file."""
        try:
            return orjson.loads(self.read(name))
        except orjson.JSONDecodeError as error:
            raise CatalogueError(name, f"is no JSON ({error})") from error

    def yaml(self, name: str) -> Entry:
        """A YAML file whose top level is a mapping."""
        try:
            content = yaml.load(self.read(name), Loader=_Loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" in line {mark.line + 1}" if mark is not None else ""
            raise CatalogueError(name, f"is no YAML{where}") from error
        if not isinstance(content, dict):
            raise CatalogueError(name, "must be a mapping at its top level")
        return Entry(content, name)


class Entry:
    """One mapping of a catalogue file; reads keys with checks that say where the mistake is."""

    __slots__ = ("_data", "_key", "file")

    def __init__(self, data: Mapping[str, Any], file: str, key: str = "") -> None:
        self._data = data
        self.file = file
        self._key = key

    @property
    def data(self) -> Mapping[str, Any]:
        """The mapping as read."""
        return self._data

    def path(self, key: str) -> str:
        """The path of a key inside the file, for messages."""
        return f"{self._key}.{key}" if self._key else key

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise CatalogueError for one key."""
        raise CatalogueError(self.file, message, self.path(key))

    def optional_text(self, key: str) -> str | None:
        """A string, or None when absent. Numbers are refused: 0641 unquoted is not the code it looks like."""
        value = self._data.get(key)
        if value is None:
            return None
        if isinstance(value, date):
            return value.isoformat()
        if not isinstance(value, str):
            self.fail(key, f"must be a text (in quotes), not {value!r}")
        return value.strip()

    def text(self, key: str) -> str:
        """A string that must be there."""
        value = self.optional_text(key)
        if not value:
            self.fail(key, "is missing")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty when absent."""
        value = self._data.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(key, "must be a list of texts (in quotes)")
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, "must be true or false")
        return value

    def integer(self, key: str) -> int | None:
        """A whole number above zero, or None when absent."""
        value = self._data.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value <= 0):
            self.fail(key, "must be a whole number above zero")
        return value

    def decimal(self, key: str) -> Decimal:
        """A number that must be there."""
        value = self._data.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(key, "must be a number")
        return Decimal(str(value))

    def date(self, key: str) -> date | None:
        """An ISO date, or None when absent."""
        value = self._data.get(key)
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        if value is not None and type(value) is not date:
            self.fail(key, "must be a date such as 2025-06-01")
        return value

    def optional_entry(self, key: str) -> Entry | None:
        """A mapping, or None when absent."""
        value = self._data.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fail(key, "must be a mapping")
        return Entry(value, self.file, self.path(key))

    def entry(self, key: str) -> Entry:
        """A mapping that must be there."""
        value = self.optional_entry(key)
        if value is None:
            self.fail(key, "is missing")
        return value

    def entries(self, key: str, required: bool = False) -> Iterator[Entry]:
        """A list of mappings; empty when absent and not required."""
        value = self._data.get(key)
        if value is None and not required:
            return
        if not isinstance(value, list):
            self.fail(key, "must be a list")
        for position, item in enumerate(value):
            if not isinstance(item, dict):
                self.fail(f"{key}[{position}]", "must be a mapping")
            yield Entry(item, self.file, self.path(f"{key}[{position}]"))
