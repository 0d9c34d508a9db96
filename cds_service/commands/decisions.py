"""`cds-service decisions show`: what was decided about an order, when, at which hook, and why."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby

import orjson

from cds_service.commands.database import reading
from cds_service.decisions.digest import is_assertion_id
from cds_service.settings import Settings
from cds_service.store.history import MOST, History
from cds_service.store.model import DecisionRecord

_CLOSED = ("met", "not needed")


def run(options: argparse.Namespace) -> int:
    """Print the history; exit code 1 when nothing is on record."""
    settings = Settings.from_environment()
    with reading(History.open, settings.database_url) as history:
        found = (
            history.of_assertion(options.target)
            if is_assertion_id(options.target)
            else history.of_order(options.target, options.client)
        )
    if not found:
        sys.stderr.write(f"cds-service: no decision is on record for {options.target}\n")
        return 1
    if options.json:
        for each in found:
            sys.stdout.buffer.write(orjson.dumps(asdict(each), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()
    else:
        sys.stdout.write(in_words(found, options.target))
    return 0


def in_words(found: Sequence[DecisionRecord], target: str) -> str:
    """The history for people: each client and Coverage apart, the decision asked for with its criteria."""
    lines: list[str] = []

    def belongs(each: DecisionRecord) -> tuple[str, str]:
        return each.client or "(open mode)", each.coverage_reference

    for (client, coverage), group in groupby(sorted(found, key=belongs), key=belongs):
        lines += [f"{coverage}, {client}"]
        for each in sorted(group, key=lambda record: record.decided_at):
            lines += [*_decision(each), *(_criteria(each) if each.assertion_id == target else ())]
    if len(found) >= MOST:
        lines.append(f"(the latest {MOST} only)")
    return "\n".join([*lines, ""])


def _decision(record: DecisionRecord) -> list[str]:
    moment = record.decided_at.isoformat(sep=" ", timespec="seconds")
    lines = [f"  {moment}  {record.hook or '-':<17} {record.outcome:<21} {record.assertion_id}"]
    about = [record.order_reference, record.product or "product not identified"]
    if record.service_date is not None:
        about.append(f"service {record.service_date}")
    lines.append(f"    {', '.join(about)}")
    lines += [
        f"    {each.policy} {each.version}, {each.statement}: {each.outcome}" for each in record.policies
    ]
    if record.authorization_number is not None:
        until = f"{record.authorized_from} to {record.authorized_to}"
        lines.append(f"    prior authorization {record.authorization_number}, {until}")
    if record.earlier_assertion_id not in (None, record.assertion_id):
        lines.append(f"    follows {record.earlier_assertion_id}")
    lines.append(f"    hookInstance {record.hook_instance or '-'}")
    return lines


def _criteria(record: DecisionRecord) -> list[str]:
    """Each criterion with its evidence, those that are open or failed first."""
    lines = []
    for each in sorted(record.criteria, key=lambda criterion: criterion.status in _CLOSED):
        said = f", {', '.join(each.evidence)}" if each.evidence else ""
        lines.append(f"      {each.status}: {each.id}{' (attested)' if each.attested else ''}{said}")
    return lines
