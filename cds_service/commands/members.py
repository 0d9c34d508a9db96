"""`cds-service members import FILE.csv`: fill the table of members."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from itertools import islice

from sqlalchemy.exc import SQLAlchemyError

from cds_service.commands.errors import CommandError
from cds_service.commands.members_file import Allowed, Problem, enrolments
from cds_service.policies.catalogue import Catalogue
from cds_service.settings import Settings
from cds_service.store.enrolment import Enrolment
from cds_service.store.errors import StoreError, describe
from cds_service.store.members import write_members

_MOST_PROBLEMS = 20


def run(options: argparse.Namespace) -> int:
    """Check the whole file, then write it in one transaction; only counts are printed."""
    settings = Settings.from_environment()
    catalogue = Catalogue.load(settings.rules_directory)
    allowed = Allowed(
        {payer.id: frozenset(line.id for line in payer.product_lines) for payer in catalogue.payers.values()},
        frozenset(catalogue.products),
    )
    problems = (each for each in enrolments(options.file, allowed) if isinstance(each, Problem))
    found = list(islice(problems, _MOST_PROBLEMS + 1))
    if found:
        more = ["further problems are not shown"] if len(found) > _MOST_PROBLEMS else []
        shown = [f"{options.file}, {each.where}: {each.text}" for each in found[:_MOST_PROBLEMS]]
        raise CommandError("\n".join(["nothing was imported:", *shown, *more]))
    try:
        written, removed = write_members(
            settings.database_url,
            _sound(enrolments(options.file, allowed)),
            replace_all=options.mode == "replace-all",
        )
    except (StoreError, SQLAlchemyError) as error:
        raise CommandError(f"CDS_DATABASE_URL: {describe(error)}") from error
    sys.stdout.write(f"members: {written} lines written, {removed} lines replaced\n")
    return 0


def _sound(lines: Iterable[Enrolment | Problem]) -> Iterable[Enrolment]:
    for each in lines:
        if isinstance(each, Problem):
            raise CommandError("nothing was imported: the file changed while it was read")
        yield each
