"""`cds-service rules ...`: the authors' commands, one function each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from cds_service.settings import Settings


def run(options: argparse.Namespace) -> int:
    """Run one of the authors' commands on the chosen rule folder."""
    options.directory = options.directory or Settings.from_environment().rules_directory
    return _ACTIONS[options.action](options, options.directory)


def _start(_: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.new_policy import run_start
    from cds_service.settings import default_rules_directory

    return run_start(directory, default_rules_directory(), sys.stdout)


def _new(options: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.new_policy import NewPolicy, run_new

    wanted = NewPolicy(
        options.policy, options.payer, options.start, options.number, options.title, options.product
    )
    return run_new(directory, wanted, sys.stdout)


def _build(options: argparse.Namespace, _: Path) -> int:
    from cds_service.authoring.build import run_build

    return run_build(options)


def _check(_: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.check import run_check

    return run_check(directory, sys.stdout)


def _test(options: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.golden import run_test

    return run_test(directory, options.policies, sys.stdout)


def _explain(options: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.explain import run_explain

    return run_explain(directory, options.target, sys.stdout)


def _diff(options: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.diff import run_diff

    return run_diff(directory, options.earlier, options.later, sys.stdout)


def _mutate(options: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.mutate import run_mutate
    from cds_service.settings import default_rules_directory

    return run_mutate(
        directory,
        options.policies,
        sys.stdout,
        sample=options.sample,
        seed=options.seed,
        shipped=default_rules_directory(),
    )


def _table(options: argparse.Namespace, directory: Path) -> int:
    from cds_service.authoring.table import coverage_table
    from cds_service.commands.files import write_or_check

    text = coverage_table(directory)
    if options.write or options.check:
        path = options.write or options.check
        command = f"cds-service rules table --write {path}"
        return write_or_check(path, text, check=options.write is None, command=command)
    sys.stdout.write(text)
    return 0


_ACTIONS: dict[str, Callable[[argparse.Namespace, Path], int]] = {
    "start": _start,
    "new": _new,
    "build": _build,
    "check": _check,
    "test": _test,
    "explain": _explain,
    "diff": _diff,
    "mutate": _mutate,
    "table": _table,
}
