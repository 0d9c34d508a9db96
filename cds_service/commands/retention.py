"""`cds-service retention purge | show | key`: how long the log is kept, and reading it."""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cds_service import logs
from cds_service.commands.database import opened
from cds_service.commands.errors import CommandError
from cds_service.settings import Settings
from cds_service.store.errors import StoreConfigurationError
from cds_service.store.payload import PayloadVault, new_key

logger = logging.getLogger("cds_service.retention")
_AGE = re.compile(r"(\d{1,5})d?")


def run(options: argparse.Namespace) -> int:
    """Run one action; exit code 0 unless nothing was found to show (1)."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {"purge": _purge, "show": _show, "key": _key}
    return actions[options.action](options)


def age(text: str) -> timedelta:
    """An age in whole days such as `400d`, at least one; raises CommandError."""
    found = _AGE.fullmatch(text.strip())
    if found is None or int(found[1]) < 1:
        raise CommandError(f"--older-than: expected days such as 400d, not {text!r}")
    return timedelta(days=int(found[1]))


def _purge(options: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    before = datetime.now(UTC) - age(options.older_than)
    with opened(settings.database_url) as journal:
        work = journal.expired if options.dry_run else journal.purge
        counts = work(before, decisions=options.decisions)
    for table, count in counts.items():
        sys.stdout.write(f"{table}: {count} {'would be ' if options.dry_run else ''}deleted\n")
    return 0


def _show(options: argparse.Namespace) -> int:
    """One JSON line for each logged call; with --payload also the call as it was, and a note of who read."""
    settings = Settings.from_environment()
    vault = None
    if options.payload:
        if not settings.payload_keys:
            raise CommandError("CDS_PAYLOAD_KEYS: set the keys that open kept payloads")
        vault = _vault(settings.payload_keys)
        logs.configure("INFO", settings.log_format)
    with opened(settings.database_url) as journal:
        rows = journal.invocations(options.hook_instance)
        for row in rows:
            sys.stdout.write(json.dumps(_shown(row, vault), ensure_ascii=False, default=str) + "\n")
    return 0 if rows else 1


def _vault(keys: Sequence[str]) -> PayloadVault:
    try:
        return PayloadVault(keys)
    except StoreConfigurationError as error:
        raise CommandError(f"CDS_PAYLOAD_KEYS: {error}") from None


def _shown(row: Mapping[str, Any], vault: PayloadVault | None) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "payload"}
    sealed = row["payload"]
    shown["payload"] = "kept, encrypted" if sealed else None
    if vault is not None and sealed:
        logger.info("kept payload read", extra={"invocation": row["id"]})
        request, response = vault.open(bytes(sealed))
        shown["payload"] = {
            "request": request.decode("utf-8", "replace"),
            "response": response.decode("utf-8", "replace"),
        }
    return shown


def _key(_options: argparse.Namespace) -> int:
    sys.stdout.write(new_key() + "\n")
    return 0
