"""`cds-service`: the command line. Imports a command's code only when that command runs."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from cds_service import __version__

# Errors that say in words what the caller can mend; by name, so that nothing is imported for it.
_FOR_PEOPLE: Final = frozenset(
    {
        "CommandError",
        "SettingsError",
        "CatalogueError",
        "ClientsFileError",
        "RequestError",
        "NodeToolsError",
        "CqlError",
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 something does not hold, 2 cannot run."""
    options = _parser().parse_args(arguments)
    module = importlib.import_module(f"cds_service.commands.{options.module}")
    try:
        code: int = module.run(options)
    except Exception as error:
        if not _FOR_PEOPLE & {cls.__name__ for cls in type(error).__mro__}:
            raise
        sys.stderr.write(f"cds-service: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cds-service", description="A payer's coverage answer at order time. Settings: docs/settings.md."
    )
    parser.add_argument("--version", action="version", version=f"cds-service {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _serve(commands)
    _decide(commands)
    _rules(commands)
    _openapi(commands)
    _settings(commands)
    _clients(commands)
    _errors(commands)
    _feedback(commands)
    _retention(commands)
    _members(commands)
    _decisions(commands)
    return parser


def _serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="answer EHRs over HTTP")
    serve.set_defaults(module="serve")
    serve.add_argument("--host", help="address to listen on (default: CDS_HOST, else 127.0.0.1)")
    serve.add_argument("--port", help="port to listen on (default: CDS_PORT, else 8000)")
    serve.add_argument("--server", choices=["gunicorn", "granian"], help="default: CDS_SERVER, else gunicorn")
    serve.add_argument("--workers", help="worker processes (default: CDS_WORKERS, else 2)")
    serve.add_argument("--threads", help="threads per worker (default: CDS_THREADS, else 16)")


def _decide(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    decide = commands.add_parser("decide", help="explain the answer to one request, without a server")
    decide.set_defaults(module="decide")
    decide.add_argument("file", metavar="FILE", help="an order-sign request as JSON; - reads standard input")
    decide.add_argument("--json", action="store_true", help="print the answer as the server would send it")
    decide.add_argument("--today", type=date.fromisoformat, metavar="DATE", help="decide as on this day")


def _rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rules = commands.add_parser("rules", help="work on the policies: write, check, test, compare them")
    rules.set_defaults(module="rules")
    actions = rules.add_subparsers(dest="action", required=True, metavar="ACTION")
    texts = {
        "start": "make a rule folder of your own: catalogue and shared definitions, without policies",
        "new": "write the skeleton of a policy version",
        "build": "translate every .cql file to ELM (needs Node.js)",
        "check": "check the catalogue and every policy file",
        "test": "run the golden cases; list criteria that no case exercises",
        "explain": "lay out a decision, or a policy, along the tree of its criteria",
        "diff": "what changed between two versions, and which golden cases decide differently",
        "mutate": "break the rules on purpose; list what no golden case notices",
        "table": "document section, criterion and golden cases of every policy, as Markdown",
    }
    for name, text in texts.items():
        action = actions.add_parser(name, help=text, description=text)
        if name == "start":
            action.add_argument("directory", type=Path, metavar="FOLDER", help="where to make it")
            continue
        action.add_argument(
            "--directory",
            type=Path,
            help="folder of the policies (default: CDS_POLICIES_DIR, else the one that comes along)",
        )
        _rules_options(name, action)


def _start(text: str) -> date | None:
    return None if text == "undated" else date.fromisoformat(text)


def _rules_options(name: str, action: argparse.ArgumentParser) -> None:
    if name == "new":
        action.add_argument("policy", metavar="POLICY", help="id, for example acme-12")
        action.add_argument("--payer", required=True, help="id of the payer in catalog/payers.yaml")
        action.add_argument(
            "--from",
            dest="start",
            required=True,
            type=_start,
            metavar="DATE",
            help='first day in force, or "undated"',
        )
        action.add_argument("--number", help="number of the document (default: the last part of POLICY)")
        action.add_argument("--title", help="title of the document")
        action.add_argument("--product", help="id of a product in catalog/drugs.yaml")
    elif name == "build":
        action.add_argument("--check", action="store_true", help="write nothing; fail when ELM is stale")
    elif name == "test":
        action.add_argument("policies", nargs="*", metavar="POLICY", help="for example cigna-1701")
    elif name == "explain":
        text = "a request file, (part of) the name of a golden case, or a policy such as cigna-1701"
        action.add_argument("target", metavar="FILE|CASE|POLICY", help=text)
    elif name == "diff":
        for which in ("earlier", "later"):
            action.add_argument(which, metavar="VERSION", help="for example cigna-1701/2025-06-01")
    elif name == "mutate":
        action.add_argument("policies", nargs="*", metavar="POLICY", help="for example cigna-1701")
        action.add_argument("--sample", type=int, metavar="N", help="try N of the changes, chosen at random")
        action.add_argument("--seed", type=int, default=1, help="which random choice (default: 1)")
    elif name == "table":
        action.add_argument("--write", type=Path, metavar="FILE", help="write the table to this file")
        action.add_argument("--check", type=Path, metavar="FILE", help="fail when this file is stale")


def _openapi(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    openapi = commands.add_parser("openapi", help="write the OpenAPI description of the HTTP interface")
    openapi.set_defaults(module="openapi")
    openapi.add_argument("file", nargs="?", type=Path, default=Path("openapi/cds-service.json"))
    openapi.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")


def _settings(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    settings = commands.add_parser("settings", help="show every setting, or write its documentation")
    settings.set_defaults(module="settings")
    settings.add_argument("--write", type=Path, metavar="FILE", help="write the documentation to this file")
    settings.add_argument("--check", type=Path, metavar="FILE", help="fail when this file is stale")


def _errors(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    errors = commands.add_parser("errors", help="show every error code, or write its documentation")
    errors.set_defaults(module="error_codes")
    errors.add_argument("--write", type=Path, metavar="FILE", help="write the documentation to this file")
    errors.add_argument("--check", type=Path, metavar="FILE", help="fail when this file is stale")


def _feedback(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    feedback = commands.add_parser("feedback", help="what clinicians did with cards")
    feedback.set_defaults(module="feedback")
    actions = feedback.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "count cards sent, accepted and overridden (and why) by policy version and topic"
    report = actions.add_parser("report", help=text, description=text)
    report.add_argument("--json", action="store_true", help="print JSON")
    report.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="from this day on")
    report.add_argument("--comments", action="store_true", help="show the clinicians' own words too")


def _members(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    members = commands.add_parser("members", help="fill the table of members (CDS_MEMBER_LOOKUP=table)")
    members.set_defaults(module="members")
    actions = members.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "check a CSV file whole, then put its members on file"
    action = actions.add_parser("import", help=text, description=text)
    action.add_argument(
        "file", type=Path, metavar="FILE", help="CSV in UTF-8; its first line names the columns"
    )
    action.add_argument(
        "--mode",
        choices=["upsert", "replace-all"],
        default="upsert",
        help="upsert (default): members of the file get just its lines, others stay; replace-all: "
        "nothing else stays",
    )


def _decisions(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    decisions = commands.add_parser("decisions", help="read the decisions on record")
    decisions.set_defaults(module="decisions")
    actions = decisions.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "print what was decided about an order, from the first hook to the last"
    show = actions.add_parser("show", help=text, description=text)
    show.add_argument(
        "target",
        metavar="ASSERTION_ID|ORDER",
        help="a coverage-assertion-id, or an order such as MedicationRequest/123",
    )
    show.add_argument("--client", help="orders of this client only: issuer, with its tenant after a space")
    show.add_argument("--json", action="store_true", help="print one JSON object per decision")


def _retention(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    retention = commands.add_parser("retention", help="delete what is old from the log; read the log")
    retention.set_defaults(module="retention")
    actions = retention.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "delete invocations, kept payloads, sent cards and feedback older than an age"
    purge = actions.add_parser("purge", help=text, description=text)
    purge.add_argument("--older-than", required=True, metavar="DAYS", help="for example 400d")
    purge.add_argument(
        "--decisions", action="store_true", help="decisions too, unless their authorization still runs"
    )
    purge.add_argument("--dry-run", action="store_true", help="only count")
    text = "print the logged calls of a hookInstance as JSON lines"
    show = actions.add_parser("show", help=text, description=text)
    show.add_argument("hook_instance", metavar="HOOK_INSTANCE")
    show.add_argument("--payload", action="store_true", help="with request and answer, where they were kept")
    text = "make a key for CDS_PAYLOAD_KEYS"
    actions.add_parser("key", help=text, description=text)


def _clients(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    clients = commands.add_parser("clients", help="who may call: add, list and check registered clients")
    clients.set_defaults(module="clients")
    actions = clients.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = "append a client to the file"
    add = actions.add_parser("add", help=text, description=text)
    add.add_argument("issuer", metavar="ISSUER", help="the iss of its tokens, usually an address")
    keys = add.add_mutually_exclusive_group(required=True)
    keys.add_argument("--jwks-url", metavar="URL", help="https address of its key set")
    keys.add_argument("--jwks-file", type=Path, metavar="FILE", help="key set, read from there at each start")
    keys.add_argument("--jwks", type=Path, metavar="FILE", help="key set, copied into the file of clients")
    add.add_argument("--name", help="what people call it")
    add.add_argument("--tenant", action="append", metavar="TENANT", help="may be repeated; none: any")
    add.add_argument("--fhir-base", action="append", metavar="URL", help="FHIR server; may be repeated")
    add.add_argument("--disabled", action="store_true", help="known, but not admitted yet")
    text = "show every registered client"
    show = actions.add_parser("list", help=text, description=text)
    text = "read or fetch the keys; with --token, say whether a token would be accepted now"
    check = actions.add_parser("check", help=text, description=text)
    check.add_argument("issuer", nargs="?", metavar="ISSUER", help="only this client")
    check.add_argument("--token", type=Path, metavar="FILE", help="file with a token; - reads standard input")
    check.add_argument("--address", metavar="URL", help="address it is for (default: any of this service)")
    for action in (add, show, check):
        action.add_argument("--file", type=Path, help="file of clients (default: CDS_CLIENTS_FILE)")


if __name__ == "__main__":
    sys.exit(main())
