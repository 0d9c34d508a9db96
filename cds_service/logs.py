"""Logging as JSON lines. What is logged names elements and outcomes, never a patient, an order or a token."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (UTC), level, logger, message, and whatever `extra` gave."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in record.__dict__.items() if name not in _STANDARD})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """The same for a terminal: `12:00:00 INFO message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        extra = " ".join(
            f"{name}={value}" for name, value in record.__dict__.items() if name not in _STANDARD
        )
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        return f"{time} {record.levelname} {record.getMessage()} {extra}".rstrip()


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at that moment."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        """The base class sets what never counts here."""


def configure(level: str, form: str) -> None:
    """Send the log of this package to standard error; replaces an earlier configuration of ours."""
    handler = _StandardError()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logger = logging.getLogger("cds_service")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
