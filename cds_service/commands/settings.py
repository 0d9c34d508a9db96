"""`cds-service settings`: what can be set, and docs/settings.md."""

from __future__ import annotations

import argparse
import sys

from cds_service.commands.files import write_or_check
from cds_service.settings import Settings, documentation


def run(options: argparse.Namespace) -> int:
    """Write or check the documentation; without either, show the settings in effect."""
    if options.write or options.check:
        path = options.write or options.check
        command = f"cds-service settings --write {path}"
        return write_or_check(path, documentation(), check=options.write is None, command=command)
    for name, value in Settings.from_environment().in_words():
        sys.stdout.write(f"{name}={value}\n")
    return 0
