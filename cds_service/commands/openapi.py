"""`cds-service openapi`: the published description of the HTTP interface, made from the views."""

from __future__ import annotations

import argparse
import json

from cds_service.app import create_app
from cds_service.commands.files import write_or_check
from cds_service.settings import Settings


def run(options: argparse.Namespace) -> int:
    """Write openapi/cds-service.json, or check that it is current."""
    from cds_service.web.openapi import description

    text = json.dumps(description(create_app(Settings())), indent=2, ensure_ascii=False, sort_keys=True)
    command = f"cds-service openapi {options.file}"
    return write_or_check(options.file, text + "\n", check=options.check, command=command)
