"""`cds-service openapi`: the published description of the HTTP interface, made from the views."""

from __future__ import annotations

import argparse
import json

from cds_service.commands.files import write_or_check
from cds_service.web.openapi import published_description


def run(options: argparse.Namespace) -> int:
    """Write openapi/cds-service.json, or check that it is current."""
    text = json.dumps(published_description(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    command = f"cds-service openapi {options.file}"
    return write_or_check(options.file, text, check=options.check, command=command)
