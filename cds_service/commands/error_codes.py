"""`cds-service errors`: every stable error code, and docs/errors.md."""

from __future__ import annotations

import argparse
import sys

from cds_service.commands.files import write_or_check
from cds_service.web.error_guide import documentation


def run(options: argparse.Namespace) -> int:
    """Write or check the documentation; without either, print it."""
    if options.write or options.check:
        path = options.write or options.check
        command = f"cds-service errors --write {path}"
        return write_or_check(path, documentation(), check=options.write is None, command=command)
    sys.stdout.write(documentation())
    return 0
