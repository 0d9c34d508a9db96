"""`cds-service rules build|check|test|explain`: the authors' commands."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cds_service.settings import Settings


def run(options: argparse.Namespace) -> int:
    """Run one of the authors' commands on the chosen rule folder."""
    directory: Path = options.directory or Settings.from_environment().rules_directory
    options.directory = directory
    if options.action == "build":
        from cds_service.authoring.build import run_build

        return run_build(options)
    if options.action == "test":
        from cds_service.authoring.golden import run_test

        return run_test(directory, options.policies, sys.stdout)
    if options.action == "check":
        from cds_service.authoring.check import run_check

        return run_check(directory, sys.stdout)
    from cds_service.authoring.explain import run_explain

    return run_explain(directory, options.target, sys.stdout)
