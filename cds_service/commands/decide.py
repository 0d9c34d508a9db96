"""`cds-service decide FILE`: what would be answered to a request, and why; nothing is stored."""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import datetime, time
from pathlib import Path

import orjson

from cds_service.authoring.explain import explain_tree
from cds_service.authoring.rule_folder import RuleFolder
from cds_service.commands.errors import CommandError
from cds_service.coverage_check import CoverageCheck
from cds_service.coverage_check.member import coverage_of
from cds_service.coverage_check.membership import member_lookup
from cds_service.coverage_check.scope import orders_in_scope, resource_index
from cds_service.hooks.reading import RequestLimits, write_json
from cds_service.hooks.request import hook_named, parse_hook_request
from cds_service.settings import CRD_VERSIONS, Settings


def run(options: argparse.Namespace) -> int:
    """Print the decision about each order and the cards, or with --json the answer as the server sends it."""
    settings = Settings.from_environment()
    body = sys.stdin.buffer.read() if options.file == "-" else _read(options.file)
    limits = RequestLimits(settings.max_body_bytes, settings.max_nesting, settings.max_orders)
    request = parse_hook_request(
        body,
        hook_named(body, limits),
        limits,
        CRD_VERSIONS,
        settings.default_crd_version,
    )
    now = datetime.now(settings.time_zone)
    if options.today:
        now = datetime.combine(options.today, time(12), settings.time_zone)
    folder = RuleFolder.open(settings.rules_directory)
    check = CoverageCheck(
        folder.catalogue,
        public_base_url=settings.public_base_url or f"http://{settings.host}:{settings.port}",
        assertion_key=settings.assertion_key,
        members=member_lookup(settings.member_lookup, settings.database_url),
    )
    answer = check.answer(request, now)
    if options.json:
        sys.stdout.write(
            orjson.dumps(json.loads(write_json(answer)), option=orjson.OPT_INDENT_2).decode() + "\n"
        )
        return 0
    index = resource_index(request)
    for path, order in orders_in_scope(request, index, frozenset()).draft_orders:
        coverage = coverage_of(order, path, index, folder.catalogue)
        (member,) = check.members([coverage])
        _, determination = check.determine(order, index, coverage, now.date(), now, member=member)
        sys.stdout.write("\n".join(explain_tree(folder, determination)) + "\n")
    for card in answer["cards"]:
        sys.stdout.write(f"\nCard ({card['indicator']}): {card['summary']}\n")
        for line in _without_escapes(card.get("detail", "")).splitlines():
            sys.stdout.write(f"  {line}\n" if line else "\n")
        for link in card.get("links", ()):
            sys.stdout.write(f"  {link['label']}: {link['url']}\n")
    return 0


def _without_escapes(markdown: str) -> str:
    """Markdown for a terminal: `24\\.5` is 24.5."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)


def _read(name: str) -> bytes:
    path = Path(name)
    if not path.is_file():
        raise CommandError(f"{name}: no such file")
    return path.read_bytes()
